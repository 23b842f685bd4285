"""The URL of the diagnosis under /v1."""

from django.urls import path

from learntrace.diagnosis import views

urlpatterns = [path("diagnosis/academy/telemetry", views.TelemetryDiagnosisView.as_view())]
