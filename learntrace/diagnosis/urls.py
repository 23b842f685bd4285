"""The address under /v1 that is diagnosis's."""

from django.urls import path

from learntrace.diagnosis import views

urlpatterns = [path("diagnosis/academy/telemetry", views.TelemetryDiagnosisView.as_view())]
