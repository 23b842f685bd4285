"""URLs of the notebooks under /v1. The front door answers the URL for sending events before Django (config/asgi.py)."""

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
