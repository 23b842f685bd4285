"""The addresses under /v1/me that are about all of one's data."""

from django.urls import path

from learntrace.personal.views import DataView, ExportView

urlpatterns = [
    path("me/export", ExportView.as_view()),
    path("me/data", DataView.as_view()),
]
