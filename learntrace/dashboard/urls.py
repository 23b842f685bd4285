"""The pages' addresses; `/` and `/status/live` stand in config/urls.py, which hands them the installation's health."""

from django.urls import path

from learntrace.dashboard import views

urlpatterns = [
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("language", views.language, name="language"),
    path("favicon.ico", views.favicon),
]
