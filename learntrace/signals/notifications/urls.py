"""URLs of the notification endpoints, under /v1/signal."""

from django.urls import path

from learntrace.signals.notifications import views

urlpatterns = [
    path("academy/notification-rule", views.RulesView.as_view()),
    path("academy/notification-rule/<int:rule_id>", views.RuleView.as_view()),
    path("academy/notification-rule/<int:rule_id>/test", views.RuleTestView.as_view()),
    path("academy/notification", views.NotificationsView.as_view()),
]
