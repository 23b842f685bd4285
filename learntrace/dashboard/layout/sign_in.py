"""Signing in on a page by e-mail address or user name, with the API's limit on failures; URLs of this server."""

from django.http import HttpRequest
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.request import Request

from learntrace.accounts.login import FailedLogins, user_with
from learntrace.accounts.models import User

HOME = "/"
# Characters of a field: no name is longer, and hashing a book as a password costs time.
LONGEST = 320
# Bytes of an encoded URL: filters may hold names of some thousand characters. Django redirects to at most 16 kB.
LONGEST_URL = 8192


def user_of(request: HttpRequest, name: str, password: str) -> User | None:
    """Return the active user with this e-mail address or user name and this password, None without one.

    Raises Throttled after too many failures, TooManyLogins.
    """
    name = name.strip()
    if "\0" in name or len(name) > LONGEST or len(password) > LONGEST:
        return None
    failed = FailedLogins(Request(request), name)
    failed.check()
    user = user_with(name, password) if name else None
    if user is None:
        failed.note()
    return user


def safe_next(request: HttpRequest, otherwise: str = HOME) -> str:
    """Return the URL in the parameter `next` if it is one of this server, else `otherwise`.

    A text such as `foo` is none: Django's redirect would take it for the name of a view.
    """
    wanted = request.POST.get("next") or request.GET.get("next") or otherwise
    return wanted if "/" in wanted and is_here(request, wanted) else otherwise


def is_here(request: HttpRequest, url: str) -> bool:
    """Whether a URL is one of this server, and short enough to redirect to."""
    # Scheme and host stand before any query; with one, Django's check would refuse more than 2,048 characters.
    location = url.partition("?")[0]
    here = url_has_allowed_host_and_scheme(location, {request.get_host()}, require_https=request.is_secure())
    return here and len(iri_to_uri(url)) <= LONGEST_URL
