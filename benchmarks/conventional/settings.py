"""Learntrace's tables with the middleware of `startproject`, DRF's own defaults and persistent connections."""

from learntrace.config import settings as learntrace_settings
from learntrace.config.settings import *  # noqa: F403

_DATABASE = learntrace_settings.DATABASES["default"]
DATABASES = {
    "default": {
        **{name: _DATABASE[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")},
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
    }
}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
REST_FRAMEWORK = {}
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.conventional.urls"
