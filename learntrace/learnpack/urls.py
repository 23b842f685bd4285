"""The addresses under /v1/assignment that are LearnPack's."""

from django.urls import path

from learntrace.learnpack import views

urlpatterns = [
    path("academy/learnpack/webhook", views.WebhooksView.as_view()),
    path("academy/learnpack/webhook/<int:webhook_id>", views.WebhookView.as_view()),
    path("academy/learnpack/telemetry-webhook-ignore", views.IgnoreRulesView.as_view()),
]
