"""Django's settings, derived from `environment.py`. Operators don't edit this file."""

import os
import sys
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from learntrace.config import environment, keys
from learntrace.config.logs import configure_logging
from learntrace.config.setting_types import MailServer
from learntrace.core.rate_limit import Rate

BASE_DIR = Path(__file__).resolve().parent.parent
HOME: Path = environment.HOME.value()

SECRET_KEY = keys.secret_key()
# A function: a key may be added while a process runs.
ENCRYPTION_KEYS = keys.encryption_keys
DEBUG: bool = environment.DEBUG.value()
ALLOWED_HOSTS: list[str] = environment.allowed_hosts()
CSRF_TRUSTED_ORIGINS: list[str] = environment.TRUSTED_ORIGINS.value()
CSRF_FAILURE_VIEW = "learntrace.core.http.error_responses.form_expired"
if environment.BEHIND_PROXY.value():
    USE_X_FORWARDED_HOST = True
    # A proxy that sets these headers speaks HTTPS to the world.
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Sent over TLS only, of which we know by the proxy's header.
SECURE_HSTS_SECONDS: int = environment.HSTS_SECONDS.value()

ROOMS = [
    "core",
    "accounts",
    "personal",
    "intake",
    "registry",
    "assignments",
    "progress",
    "signals",
    "learnpack",
    "notebooks",
    "diagnosis",
    "dashboard",
]
INSTALLED_APPS = [
    "learntrace.accounts.audit.apps.RecordedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *(f"learntrace.{room}" for room in ROOMS),
]
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "learntrace.core.http.middleware.RequestLogMiddleware",
    "learntrace.core.http.middleware.HostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "learntrace.core.http.middleware.NoStoreMiddleware",
    "learntrace.core.http.middleware.ContentSecurityPolicyMiddleware",
    "learntrace.core.http.middleware.PageCompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "learntrace.core.http.middleware.RefuseNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "learntrace.accounts.signing_in.sessions.SessionsSeen",
    "learntrace.accounts.second_factor.sign_in.SecondFactorFirst",
    "learntrace.accounts.audit.origin.AuditOriginMiddleware",
    "learntrace.core.http.language.LanguageMiddleware",
    "learntrace.core.time_zones.TimeZoneMiddleware",
    "learntrace.core.http.middleware.MethodNotAllowedMiddleware",
    "learntrace.core.http.middleware.ProblemMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "learntrace.config.urls"
ASGI_APPLICATION = "learntrace.config.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database(url: str, pool: int) -> dict[str, Any]:
    parts: dict[str, Any] = {key: value for key, value in conninfo_to_dict(url).items() if value is not None}
    options: dict[str, Any] = {
        "connect_timeout": 10,
        # Within `core.sql.prepared`, a statement that has been run so often on a connection is prepared.
        "prepare_threshold": 3,
        # A machine that vanished must not keep its row locks: the server notices within seconds, not hours.
        "options": "-c idle_in_transaction_session_timeout=60000 -c tcp_keepalives_idle=10 "
        "-c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
    }
    if pool:
        # A connection is tried again after growing pauses, of which the longest is about as long as this: so pages are there
        # again soon after the database is, however long it was away.
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 10, "reconnect_timeout": 4}
    settings = {
        "ENGINE": "learntrace.core.postgresql",
        "NAME": parts.pop("dbname", "learntrace"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
    }
    return {**settings, "OPTIONS": {**options, **parts}}


def _embedded_url() -> str:
    from learntrace.config.postgres.server import (
        EmbeddedPostgres,  # neither it nor its binaries are needed with a configured server
    )

    return EmbeddedPostgres(HOME).url


DATABASE_URL: str = environment.DATABASE_URL.value() or _embedded_url()
DATABASES = {"default": _database(DATABASE_URL, environment.DATABASE_POOL.value())}

BROKER_URL: str = environment.BROKER_URL.value()
BODY_LIMIT: int = environment.BODY_LIMIT.value()
UNPACKED_LIMIT: int = environment.UNPACKED_LIMIT.value()
ELEMENT_LIMIT: int = environment.ELEMENT_LIMIT.value()
BODY_MEMORY: int = environment.BODY_MEMORY.value()
BODY_SECONDS: int = environment.BODY_SECONDS.value()
TRUSTED_PROXIES: tuple[IPv4Network | IPv6Network, ...] = environment.TRUSTED_PROXIES.value()
CONNECTIONS_PER_ADDRESS: int = environment.CONNECTIONS_PER_ADDRESS.value()
ADDRESS_REQUESTS: Rate = environment.ADDRESS_REQUESTS.value()
ADDRESS_UNKNOWN: Rate = environment.ADDRESS_UNKNOWN.value()
ACCOUNT_REQUESTS: Rate = environment.ACCOUNT_REQUESTS.value()
ACCOUNT_BYTES: Rate = environment.ACCOUNT_BYTES.value()
ACCOUNT_ROWS: Rate = environment.ACCOUNT_ROWS.value()
ACADEMY_REQUESTS: Rate = environment.ACADEMY_REQUESTS.value()
ACCOUNT_GUESSES: int = environment.ACCOUNT_GUESSES.value()
ADDRESS_GUESSES: int = environment.ADDRESS_GUESSES.value()
KEY_GUESSES: int = environment.KEY_GUESSES.value()
HUB_API_URL: str = environment.HUB_API_URL.value()
HUB_ACADEMY: str = environment.HUB_ACADEMY.value()
HUB_CREATE_USERS: bool = environment.HUB_CREATE_USERS.value()
PUBLIC_STATISTICS_LEARNERS: int = environment.PUBLIC_STATISTICS_LEARNERS.value()
RETENTION_DAYS: int = environment.RETENTION_DAYS.value()
AUDIT_DAYS: int = environment.AUDIT_DAYS.value()
METRICS_TOKEN: str = environment.METRICS_TOKEN.value()
PUBLIC_URL: str = environment.PUBLIC_URL.value()
ALLOW_PRIVATE_WEBHOOKS: tuple[IPv4Network | IPv6Network, ...] = environment.ALLOW_PRIVATE_WEBHOOKS.value()

_mail_server: MailServer = environment.EMAIL_URL.value()
EMAIL_HOST, EMAIL_PORT = _mail_server.host, _mail_server.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail_server.user, _mail_server.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail_server.tls, _mail_server.ssl
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL: str = environment.EMAIL_FROM.value()

# Form uploads and API bodies other than the two inboxes', which have their own limits.
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT

PASSWORD_HASHERS = [
    "learntrace.accounts.password_hasher.PatientScryptHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "learntrace.accounts.signing_in.validators.NotTheName"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# A link to choose a new password; the password's own hash is part of it, so that it opens once.
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# Serves the packages' static files in place, so that a checkout needs no collectstatic step.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "learntrace.accounts.jupyterhub.authentication.HubAuthentication",
        "learntrace.accounts.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["learntrace.core.json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "learntrace.core.http.pagination.Pages",
    "EXCEPTION_HANDLER": "learntrace.core.http.error_responses.exception_response",
    "DEFAULT_THROTTLE_RATES": {"notification-test": "10/min"},
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Learntrace",
    "DESCRIPTION": "Learning telemetry for LearnPack and Jupyter: who is stuck right now, and on which exercise; how "
    "learners, exercises and classes are doing; and, where telemetry is missing, why.",
    "VERSION": "0.1.0",
    "LICENSE": {"name": "MIT"},
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/v1",
    "SORT_OPERATIONS": True,
    # Fields with the same name and different choices.
    "ENUM_NAME_OVERRIDES": {
        "LearnerStateEnum": "learntrace.measures.learner_state.STATES",
        "SignalStateEnum": "learntrace.signals.models.Signal.State",
        "ConcernStateEnum": "learntrace.signals.concerns.serializers.STATES",
        "SettableSignalStateEnum": "learntrace.signals.serializers.SETTABLE",
        "HelpRequestStateEnum": "learntrace.signals.help_requests.models.STATES",
        "OpenHelpRequestStateEnum": "learntrace.signals.help_requests.models.OPEN_STATES",
        "NotificationStateEnum": "learntrace.signals.models.Notification.State",
        "SeverityEnum": "learntrace.signals.models.Signal.Severity",
        "SeverityWordEnum": "learntrace.signals.serializers.SEVERITY_WORDS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "learntrace.config.openapi.add_operations",
    ],
}

LOGGING_CONFIG = None
configure_logging(environment.LOG_LEVEL.value(), environment.LOG_FORMAT.value(), to_terminal=sys.stderr.isatty())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
