"""URLs under /v1/auth."""

from django.urls import path, re_path

from learntrace.accounts.audit.views import AuditLogView
from learntrace.accounts.tokens.views import LogoutView, PasswordView, TokensView, TokenView
from learntrace.accounts.views import AcademyAccessView, AcademySettingsView, LoginView, MeView

urlpatterns = [
    # With the slash for LearnPack's CLI, without it as in the other paths.
    re_path(r"^login/?$", LoginView.as_view()),
    path("logout", LogoutView.as_view()),
    path("user/me", MeView.as_view()),
    path("user/me/password", PasswordView.as_view()),
    path("user/me/token", TokensView.as_view()),
    path("user/me/token/<int:token_id>", TokenView.as_view()),
    path("academy/audit", AuditLogView.as_view()),
    path("academy/settings", AcademySettingsView.as_view()),
    path("academy/access", AcademyAccessView.as_view()),
]
