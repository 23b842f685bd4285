"""The addresses under /v1 that are the notebooks'. Events are sent to one that is answered before Django (asgi.py)."""

from django.urls import path

from learntrace.notebooks import views

urlpatterns = [
    path("notebook/academy/event", views.EventsView.as_view()),
    path("notebook/academy/rejected", views.RejectedEventsView.as_view()),
    path("notebook/academy/rejected/<int:rejected_id>/retry", views.RetryView.as_view()),
    path("notebook/academy/notebook", views.NotebooksView.as_view()),
    path("notebook/academy/notebook/<str:slug>", views.NotebookView.as_view()),
    path("me/consent", views.ConsentView.as_view()),
]
