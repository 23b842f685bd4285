"""Signing in on a page: by e-mail address or user name, with the API's limit on failures."""

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.request import Request

from learntrace.accounts.login import FailedLogins, user_with
from learntrace.accounts.models import User

HOME = "/"
# What a field takes; nobody's name is longer, and hashing a book as a password costs.
LONGEST = 320
# Of an address, encoded: filters may hold names of some thousand letters. Django redirects to no longer ones than 16 kB.
LONGEST_ADDRESS = 8192


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


def safe_next(request: HttpRequest, otherwise: str = HOME) -> str:
    """Where to go on: the page that was asked for, if it is one of this server, else another one."""
    wanted = request.POST.get("next") or request.GET.get("next") or otherwise
    return wanted if is_here(request, wanted) else otherwise


def is_here(request: HttpRequest, address: str) -> bool:
    """Whether an address is one of this server, and short enough to lead there."""
    # Scheme and host stand before any query; with one, Django's check would refuse more than 2,048 characters.
    place = address.partition("?")[0]
    here = url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure())
    return here and len(iri_to_uri(address)) <= LONGEST_ADDRESS
