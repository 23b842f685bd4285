"""Between a right password and the session: the second factor of whoever has one, and setting one up where it is asked for."""

import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from learntrace.accounts.models import User
from learntrace.accounts.second_factor.required import academy_asking

# Seconds between the password and the second factor.
PATIENCE: Final = 600
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
_PENDING: Final = "second_factor_of"
_USED: Final = "second_factor"
MUST_SET_UP: Final = "second_factor_missing"
# What stays open to whoever has to set one up first.
_OPEN: Final = ("/account", "/sign-out", "/language", "/theme", "/static/", "/favicon.ico")


def begin(request: HttpRequest, user: User, target: str) -> None:
    """Remember that the user has given the password, and where to go on to."""
    request.session[_PENDING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "until": time.time() + PATIENCE,
        "next": target,
    }


def pending(request: HttpRequest) -> tuple[User, str] | None:
    """Return whose second factor is awaited and where to go on to; None if nobody's is, or no longer."""
    kept: Any = request.session.get(_PENDING)
    if not isinstance(kept, dict) or kept["until"] < time.time():
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or user.get_session_auth_hash() != kept["password"]:
        return None
    return user, kept["next"]


def open_session(request: HttpRequest, user: User, *, second_factor: bool) -> None:
    """Sign the user in; `second_factor`: whether one was used."""
    request.session.pop(_PENDING, None)
    login(request, user, backend=_BACKEND)
    if second_factor:
        request.session[_USED] = True
    else:
        check_again(request, user)


def check_again(request: HttpRequest, user: User) -> None:
    """Have a session without a second factor set one up first where an academy asks for it now."""
    academy = None if request.session.get(_USED) else academy_asking(user)
    if academy is not None:
        request.session[MUST_SET_UP] = academy.name
    elif MUST_SET_UP in request.session:
        del request.session[MUST_SET_UP]


def has_set_up(request: HttpRequest) -> None:
    """Note that the user of this session has proven a second factor."""
    request.session.pop(MUST_SET_UP, None)
    request.session[_USED] = True


class SecondFactorFirst:
    """Middleware that leads who has to set up a second factor to the page for that, and opens nothing else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            settings.SESSION_COOKIE_NAME in request.COOKIES
            and not request.path.startswith(("/v1/", *_OPEN))
            and request.session.get(MUST_SET_UP)
        ):
            return redirect("account")
        return self.get_response(request)
