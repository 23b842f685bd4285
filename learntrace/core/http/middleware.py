"""Middleware for all pages and API responses: request log, content security policy, compression, error pages."""

import re
import time
from collections.abc import Callable

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from learntrace.core.errors import Problem
from learntrace.core.http.error_responses import bad_request, method_not_allowed, problem_response, unknown_host
from learntrace.core.http.language import activate_language

GetResponse = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger("learntrace.request")

_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Django's admin and the schema browser set style attributes; both show learners' data as text only.
_ADMIN_POLICY = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class RequestLogMiddleware:
    """Logs method, route, status and time; never the query string, headers or body, which may contain secrets.

    The route instead of the path: a path holds what learners have made up, and the log is not erased with them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = self.get_response(request)
        write = log.debug if request.path.startswith(("/health", "/metrics", "/static")) else log.info
        write(
            "request",
            method=request.method,
            path=_route(request),
            status=response.status_code,
            ms=round((time.perf_counter() - start) * 1000, 1),
        )
        return response


def _route(request: HttpRequest) -> str:
    """Return the pattern of the address with the numbers in it, which are ids; what matches none is only counted."""
    match = request.resolver_match
    if match is None:
        return "(none)"
    route = "/" + re.sub(r"^\^|\\Z|\$$|/\?\$$", "", match.route)
    for name, value in match.captured_kwargs.items():  # type: ignore[attr-defined] # the stubs lack it
        if isinstance(value, int):
            route = re.sub(rf"<int:{name}>", str(value), route)
    return route[:200]


class HostMiddleware:
    """Says in a sentence that a request names a host that isn't answered, and which setting that is.

    Health checks come from machines that know no name of the server: they are answered under any.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            if not request.path.startswith("/health/"):
                activate_language(request)
                return unknown_host(request)
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
            request.META["HTTP_HOST"] = "localhost"
        return self.get_response(request)


class NoStoreMiddleware:
    """Keeps answers with tokens or data about people out of every cache; what is public may be kept."""

    _PUBLIC = ("/static/", "/v1/registry/asset", "/docs", "/openapi.json", "/favicon.ico")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith(self._PUBLIC):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class ContentSecurityPolicyMiddleware:
    """Sets a policy that allows only our own scripts, styles and frames."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        inline_styles = request.path.startswith(("/admin", "/docs"))
        response.headers.setdefault("Content-Security-Policy", _ADMIN_POLICY if inline_styles else _POLICY)
        return response


class PageCompressionMiddleware(GZipMiddleware):
    """Compresses pages: a large class's page of a megabyte shrinks to a twentieth, for slow school networks.

    The length of a compressed page doesn't reveal its tokens: Django masks each one anew and pads the page (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            return super().process_response(request, response)
        return response


class MethodNotAllowedMiddleware:
    """Shows an error page if a page's view refuses a method, for which Django has no handler."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return method_not_allowed(request, response) if isinstance(response, HttpResponseNotAllowed) else response


class ProblemMiddleware:
    """Answers a problem that a page's view raises; the API's views answer their own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer, None for what is no problem."""
        return problem_response(request, exception) if isinstance(exception, Problem) else None


class RefuseNulMiddleware:
    """Refuses a NUL in path or query, which no database text can hold."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path or "\0" in query or "%00" in query:
            # LanguageMiddleware hasn't run yet; otherwise the language would be that of the thread's last request.
            activate_language(request)
            return bad_request(request)
        return self.get_response(request)
