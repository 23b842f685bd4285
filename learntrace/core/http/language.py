"""The language of a response: the request's, else the user's setting, else English (contract, section 1)."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)

FALLBACK = "en"


def choose_language(header: str, preferred: str = "") -> str:
    """Return the best of the available languages.

    `header` is Accept-Language (with q values; matched exactly or by its first two letters), `preferred` the user's
    setting. A malformed header gives English.
    """
    available = [code for code, _ in settings.LANGUAGES]
    if header.strip():
        ranges = [_RANGE.fullmatch(part) for part in header.split(",") if part.strip()]
        if not all(ranges):
            return FALLBACK
        wanted = [(match[1].lower(), float(match[2] or 1)) for match in ranges if match]
        for tag, quality in sorted(wanted, key=lambda item: -item[1]):
            if quality > 0 and (tag in available or tag[:2] in available):
                return tag if tag in available else tag[:2]
    return preferred if preferred in available else FALLBACK


def activate_language(request: HttpRequest, preferred: str = "") -> str:
    """Activate the request's language for this thread, and store it on the request."""
    language = choose_language(request.headers.get("Accept-Language", ""), preferred)
    translation.activate(language)
    request.LANGUAGE_CODE = language
    return language


class LanguageMiddleware:
    """Activates the language of pages; an API view does so again after authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = getattr(request, "user", None)
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "") or getattr(user, "language", "")
        if request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "") in dict(settings.LANGUAGES):
            # The cookie is set by the language switch of a page, which is the user's latest choice.
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen
        else:
            activate_language(request, chosen)
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or FALLBACK)
        return response
