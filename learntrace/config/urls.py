"""The address table. The inboxes' addresses are answered before Django (asgi.py)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from learntrace.config import figures, health
from learntrace.dashboard import health_views
from learntrace.dashboard import views as pages

urlpatterns = [
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
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
    path("metrics", figures.figures),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("docs/", RedirectView.as_view(pattern_name="docs")),
    path("", pages.home, {"look": health.look}, name="home"),
    path("status", pages.status, name="status"),
    path("telemetry", health_views.telemetry_health, {"look": health.look}, name="telemetry-health"),
    path("", include("learntrace.dashboard.urls")),
]

handler400 = "learntrace.core.answers.bad_request"
handler403 = "learntrace.core.answers.forbidden"
handler404 = "learntrace.core.answers.not_found"
handler500 = "learntrace.core.answers.server_error"
