"""URLs of signals, under /v1. The stream is answered before Django (asgi.py)."""

from django.urls import include, path

from learntrace.signals import views
from learntrace.signals.concerns.views import ConcernsView, ConcernView
from learntrace.signals.help_requests.views import HelpRequestsView, HelpRequestView, OwnHandView

urlpatterns = [
    path("signal/academy/signal", views.SignalsView.as_view()),
    path("signal/academy/signal/<int:signal_id>", views.SignalView.as_view()),
    path("signal/academy/concern", ConcernsView.as_view()),
    path("signal/academy/concern/<int:concern_id>", ConcernView.as_view()),
    path("signal/academy/help-request", HelpRequestsView.as_view()),
    path("signal/academy/help-request/<int:help_request_id>", HelpRequestView.as_view()),
    path("me/help-request", OwnHandView.as_view()),
    path("signal/", include("learntrace.signals.notifications.urls")),
]
