"""The addresses under /v1/auth."""

from django.urls import path, re_path

from learntrace.accounts.views import AcademySettingsView, LoginView, MeView

urlpatterns = [
    # With the slash, as LearnPack's CLI has it; the one without is for those who follow the other paths' style.
    re_path(r"^login/?$", LoginView.as_view()),
    path("user/me", MeView.as_view()),
    path("academy/settings", AcademySettingsView.as_view()),
]
