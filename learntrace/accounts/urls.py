"""URLs under /v1/auth."""

from django.urls import path, re_path

from learntrace.accounts.audit.views import AuditLogView
from learntrace.accounts.views import AcademySettingsView, LoginView, MeView

urlpatterns = [
    # With the slash for LearnPack's CLI, without it as in the other paths.
    re_path(r"^login/?$", LoginView.as_view()),
    path("user/me", MeView.as_view()),
    path("academy/audit", AuditLogView.as_view()),
    path("academy/settings", AcademySettingsView.as_view()),
]
