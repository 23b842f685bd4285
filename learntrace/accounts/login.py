"""Sign-in with e-mail address and password (contract, section 1)."""

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
    """E-mail address and password match no active user."""

    def __init__(self) -> None:
        super().__init__("non_field_errors", _("Unable to log in with provided credentials."))


class FailedLogins:
    """Failed logins for an e-mail address from an IP address: a class behind one router can sign in at the same time."""

    def __init__(self, request: Request, email: str) -> None:
        # Hashed, as cache keys allow no blanks and are limited in length.
        self.key = "failed-login:" + sha256(f"{_address(request)} {email.lower()}".encode()).hexdigest()
        self.most, self.seconds = _rate()
        self.failures: list[float] = []

    def check(self) -> None:
        """Raise Throttled (429) after too many recent failures."""
        now = time.time()
        self.failures = [moment for moment in cache.get(self.key, []) if moment > now - self.seconds]
        if len(self.failures) >= self.most:
            raise Throttled(wait=self.failures[0] + self.seconds - now)

    def note(self) -> None:
        """Count one more failure."""
        cache.set(self.key, [*self.failures, time.time()], self.seconds)


def _rate() -> tuple[int, int]:
    most, _slash, period = str(api_settings.DEFAULT_THROTTLE_RATES["login"]).partition("/")
    return int(most), {"s": 1, "m": 60, "h": 3600, "d": 86400}[period[0]]


def _address(request: Request) -> str:
    """Return the client's IP address; behind our proxy, the one that the proxy appended to the header."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.USE_X_FORWARDED_HOST else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def user_with(name: str, password: str) -> User | None:
    """Return the active user with this e-mail address or user name and this password.

    Of several users who share an address the oldest signs in by it, the others by their user names: a try costs one hash, and
    neither its time nor its answer tells whether an address has users, or how many.

    Raises TooManyLogins.
    """
    user = _named(name)
    if user is None:
        # Takes as long as for an existing address.
        User().set_password(password)
        return None
    return user if user.check_password(password) and user.is_active else None


def _named(name: str) -> User | None:
    if exact := User.objects.filter(username=name).first():
        return exact
    # lower() on both sides, in the database, so that the index is used.
    by_email = User.objects.alias(lower=Lower("email")).filter(lower=Lower(Value(name)))
    return by_email.order_by("-is_active", "id").first()


def log_in(request: Request, email: str, password: str) -> tuple[Token, str]:
    """Issue a login token; return it with its key.

    Raises WrongCredentials, and Throttled after too many of them.
    """
    failed = FailedLogins(request, email)
    failed.check()
    user = user_with(email, password)
    if user is None:
        failed.note()
        raise WrongCredentials
    update_last_login(User, user)
    return Token.issue(user, Token.Kind.LOGIN)
