"""The URL table. The URLs of the inboxes are answered before Django (asgi.py)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from learntrace.accounts.admin import sign_in_to_administration
from learntrace.config.demo.sample import Sample
from learntrace.config.operations import health, prometheus
from learntrace.dashboard.connect import views as connecting
from learntrace.dashboard.health import views
from learntrace.dashboard.layout import views as pages

urlpatterns = [
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    # The administration has no door of its own: one page signs in, with one limit of guesses and one second factor.
    path("admin/login/", sign_in_to_administration),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account-password")),
    path("admin/", admin.site.urls),
    path("v1/auth/", include("learntrace.accounts.urls")),
    path("v1/registry/", include("learntrace.registry.urls")),
    path("v1/assignment/", include("learntrace.assignments.urls")),
    path("v1/assignment/", include("learntrace.learnpack.urls")),
    path("v1/", include("learntrace.personal.urls")),
    path("v1/", include("learntrace.notebooks.urls")),
    path("v1/", include("learntrace.progress.urls")),
    path("v1/", include("learntrace.signals.urls")),
    path("v1/", include("learntrace.diagnosis.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", prometheus.figures),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("docs/", RedirectView.as_view(pattern_name="docs")),
    path("", pages.home, {"look": health.look}, name="home"),
    path("status", pages.status, name="status"),
    path("telemetry", views.telemetry_health, {"look": health.look}, name="telemetry-health"),
    path("connect/sample", connecting.sample, {"data": Sample}, name="connect-sample"),
    path("", include("learntrace.dashboard.urls")),
]

handler400 = "learntrace.core.http.error_responses.bad_request"
handler403 = "learntrace.core.http.error_responses.forbidden"
handler404 = "learntrace.core.http.error_responses.not_found"
handler500 = "learntrace.core.http.error_responses.server_error"
