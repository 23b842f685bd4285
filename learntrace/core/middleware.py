"""What happens around every page and API answer: one log line, a content security policy, compression, refusals as pages."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from learntrace.core.answers import bad_request, method_not_allowed
from learntrace.core.language import activate_language

GetResponse = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger("learntrace.request")

_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Django's admin and the schema browser set style attributes; neither shows what learners send as anything but text.
_LOOSER = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class RequestLogMiddleware:
    """Logs method, path, status and time; never the query string, a header or a body, where secrets may stand."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = self.get_response(request)
        write = log.debug if request.path.startswith(("/health", "/metrics", "/static")) else log.info
        write(
            "request",
            method=request.method,
            path=request.path[:200],
            status=response.status_code,
            ms=round((time.perf_counter() - start) * 1000, 1),
        )
        return response


class ContentSecurityPolicyMiddleware:
    """No script, style or frame but our own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        loose = request.path.startswith(("/admin", "/docs"))
        response.headers.setdefault("Content-Security-Policy", _LOOSER if loose else _POLICY)
        return response


class PageCompressionMiddleware(GZipMiddleware):
    """Compresses pages: the one of a large class has a megabyte, of which a school's network carries a twentieth.

    The lengths of compressed pages tell nothing of their secrets: Django masks each token anew and pads (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            return super().process_response(request, response)
        return response


class MethodNotAllowedMiddleware:
    """Shows an error page where a page's view refuses a method, for which Django has no handler."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return method_not_allowed(request, response) if isinstance(response, HttpResponseNotAllowed) else response


class CleanAddressMiddleware:
    """Refuses a NUL in path or query, which no database text can hold, before it gets anywhere."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path or "\0" in query or "%00" in query:
            # Before the page's language is known; without this it would be that of the thread's last request.
            activate_language(request)
            return bad_request(request)
        return self.get_response(request)
