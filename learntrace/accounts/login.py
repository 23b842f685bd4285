"""Signing in with e-mail and password (contract, section 1; design, "Identity and scope")."""

import time
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import update_last_login
from django.core.cache import cache
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings

from learntrace.accounts.models import Token, User
from learntrace.core.errors import FieldProblem


class WrongCredentials(FieldProblem):
    """E-mail address and password fit nobody who may sign in."""

    def __init__(self) -> None:
        super().__init__("non_field_errors", _("Unable to log in with provided credentials."))


class FailedLogins:
    """Failures for an e-mail address from a client's address: a class behind one router can sign in all at once."""

    def __init__(self, request: Request, email: str) -> None:
        # A hash, as cache keys take neither blanks nor any length.
        self.key = "failed-login:" + sha256(f"{_address(request)} {email.lower()}".encode()).hexdigest()
        self.most, self.seconds = _rate()
        self.failures: list[float] = []

    def check(self) -> None:
        """Raise Throttled (429) when there were too many lately."""
        now = time.time()
        self.failures = [moment for moment in cache.get(self.key, []) if moment > now - self.seconds]
        if len(self.failures) >= self.most:
            raise Throttled(wait=self.failures[0] + self.seconds - now)

    def note(self) -> None:
        """Count one more."""
        cache.set(self.key, [*self.failures, time.time()], self.seconds)


def _rate() -> tuple[int, int]:
    most, _slash, period = str(api_settings.DEFAULT_THROTTLE_RATES["login"]).partition("/")
    return int(most), {"s": 1, "m": 60, "h": 3600, "d": 86400}[period[0]]


def _address(request: Request) -> str:
    """The client's address; only behind a proxy of ours does the header count, and of it what that proxy wrote."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.USE_X_FORWARDED_HOST else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def user_with(email: str, password: str) -> User | None:
    """The active user whom e-mail address and password fit; several may share an address."""
    # lower() on both sides, by the database: that is what the index holds.
    users = User.objects.alias(lower=Lower("email")).filter(lower=Lower(Value(email))).order_by("id")
    fitting = [user for user in users if user.check_password(password)]
    if not users:
        # As slow as for an address that exists, so that nobody learns which do.
        User().set_password(password)
    return next((user for user in fitting if user.is_active), None)


def log_in(request: Request, email: str, password: str) -> tuple[Token, str]:
    """Give a login token and its key.

    Raises FieldProblem for wrong credentials, Throttled after too many of them.
    """
    failed = FailedLogins(request, email)
    failed.check()
    user = user_with(email, password)
    if user is None:
        failed.note()
        raise WrongCredentials
    update_last_login(User, user)
    return Token.issue(user, Token.Kind.LOGIN)
