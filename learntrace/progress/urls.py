"""The URLs of progress under /v1. A tag may contain slashes, so the routes end with fixed words."""

from django.urls import path

from learntrace.progress import error_views, views
from learntrace.progress.corrections import exclusion_views, rename_views

urlpatterns = [
    path("progress/academy/assignment", views.AssignmentsView.as_view()),
    path("progress/academy/assignment/<path:tag>/learner/<int:user_id>/attempt", views.AttemptsView.as_view()),
    path("progress/academy/assignment/<path:tag>/learner", views.AssignmentLearnersView.as_view()),
    path("progress/academy/assignment/<path:tag>/error", error_views.AssignmentErrorsView.as_view()),
    path("progress/academy/error", error_views.ErrorsView.as_view()),
    path("progress/academy/learner", views.LearnersView.as_view()),
    path("progress/academy/learner/<int:user_id>", views.LearnerView.as_view()),
    path("progress/academy/asset", views.AssetsView.as_view()),
    path("progress/academy/cohort", views.CohortsView.as_view()),
    path("progress/academy/former-step", rename_views.FormerStepsView.as_view()),
    path("progress/academy/step-rename", rename_views.StepRenamesView.as_view()),
    path("progress/academy/step-rename/<int:rename_id>", rename_views.StepRenameView.as_view()),
    path("progress/academy/exclusion", exclusion_views.ExclusionsView.as_view()),
    path("progress/academy/exclusion/<int:exclusion_id>", exclusion_views.ExclusionView.as_view()),
]
