"""The addresses under /v1 that are progress's. A tag may hold a slash: what stands behind it is told by the last words."""

from django.urls import path

from learntrace.progress import views

urlpatterns = [
    path("progress/academy/assignment", views.AssignmentsView.as_view()),
    path("progress/academy/assignment/<path:tag>/learner/<int:user_id>/attempt", views.AttemptsView.as_view()),
    path("progress/academy/assignment/<path:tag>/learner", views.StandingsView.as_view()),
    path("progress/academy/learner", views.LearnersView.as_view()),
    path("progress/academy/learner/<int:user_id>", views.LearnerView.as_view()),
    path("progress/academy/asset", views.AssetsView.as_view()),
    path("progress/academy/cohort", views.CohortsView.as_view()),
]
