"""The inbox's path, so that both servers get the same requests."""

from django.urls import path

from benchmarks.conventional.views import WebhookView

urlpatterns = [path("v1/assignment/me/telemetry", WebhookView.as_view())]
