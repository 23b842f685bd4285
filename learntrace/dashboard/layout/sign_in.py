"""The sign-in page, and the URLs of this server to which it and other pages may lead on."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme

HOME = "/"
# Bytes of an encoded URL: filters may hold names of some thousand characters. Django redirects to at most 16 kB.
LONGEST_URL = 8192


@dataclass(frozen=True)
class SignInContext:
    """The context of layout/sign_in.html; `next` is the URL to go on to, `ended` says that a session has ended,
    `is_new` that nobody has set up this server, `kept` is a form to show again (`kept_forms`)."""

    next: str
    name: str = ""
    error: str = ""
    ended: bool = False
    is_new: bool = False
    kept: str = ""


def sign_in_form(request: HttpRequest, context: SignInContext, code: int = 200) -> HttpResponse:
    """Return the sign-in page."""
    return render(request, "layout/sign_in.html", vars(context), status=code)


def safe_next(request: HttpRequest, otherwise: str = HOME) -> str:
    """Return the URL in the parameter `next` if it is a path or a whole URL of this server, else `otherwise`."""
    wanted = request.POST.get("next") or request.GET.get("next") or otherwise
    return wanted if "/" in wanted and is_here(request, wanted) else otherwise


def is_here(request: HttpRequest, url: str) -> bool:
    """Whether a URL is one of this server, and short enough to redirect to.

    A URL that begins with neither a slash nor a scheme is none: it would lead to somewhere beside the current page.
    """
    # Scheme and host stand before any query; with one, Django's check would refuse more than 2,048 characters.
    location = url.partition("?")[0]
    if not location.startswith(("/", "http://", "https://")) or any(ord(character) < 0x20 for character in url):
        return False
    try:
        urlsplit(url)
        encoded = iri_to_uri(url)
    except ValueError:  # brackets that hold no address, or half a character
        return False
    here = url_has_allowed_host_and_scheme(location, {request.get_host()}, require_https=request.is_secure())
    return here and len(encoded) <= LONGEST_URL
