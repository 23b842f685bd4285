"""Signing in on a page: by e-mail address or user name, with the API's limit on failures."""

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.request import Request

from learntrace.accounts.login import FailedLogins, user_with
from learntrace.accounts.models import User

HOME = "/"
# What a field takes; nobody's name is longer, and hashing a book as a password costs.
LONGEST = 320


def user_of(request: HttpRequest, name: str, password: str) -> User | None:
    """The active user whom e-mail address or user name and password fit.

    Raises Throttled after too many failures.
    """
    name = name.strip()
    if "\0" in name or len(name) > LONGEST or len(password) > LONGEST:
        return None
    failed = FailedLogins(Request(request), name)
    failed.check()
    user = user_with(name, password) if name else None
    if user is None:
        found = authenticate(request, username=name, password=password)
        user = found if isinstance(found, User) else None
    if user is None:
        failed.note()
    return user


def safe_next(request: HttpRequest) -> str:
    """Where to go on: the page that was asked for, if it is one of this server, else the first."""
    wanted = request.POST.get("next") or request.GET.get("next") or HOME
    here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if here else HOME
