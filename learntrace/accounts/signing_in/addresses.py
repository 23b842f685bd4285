"""Which network address a request comes from, as far as signing in is concerned."""

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """Return the client's IP address; behind our proxy, the one that the proxy appended to the header."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.USE_X_FORWARDED_HOST else ""
    address: str = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    return address[:45]
