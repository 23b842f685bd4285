"""URLs under /v1/me for the export and the erasure of one's data."""

from django.urls import path

from learntrace.personal.views import DataView, ExportView, KeepView

urlpatterns = [
    path("me/export", ExportView.as_view()),
    path("me/data", DataView.as_view()),
    path("me/data/keep", KeepView.as_view()),
]
