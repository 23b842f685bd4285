"""Errors as responses: for API views, and for errors outside of any view."""

import sys
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from learntrace.core.errors import Problem, Unavailable

log = structlog.get_logger(__name__)


def exception_response(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: return every error in the contract's form; None (a 500) only for our own faults."""
    if isinstance(error, OperationalError):
        log.warning("database away", error=str(error).strip()[:300])
        error = Unavailable()
    if isinstance(error, Problem):
        return Response(error.body(), status=error.status_code, headers=error.headers())
    response = exception_handler(error, dict(context))
    if response is None or isinstance(error, ValidationError):
        return response
    detail = response.data.get("detail") if isinstance(response.data, dict) else response.data
    response.data = {"detail": detail, "status_code": response.status_code}
    return response


def _wants_page(request: HttpRequest) -> bool:
    api = request.path.startswith(("/v1/", "/health", "/metrics", "/openapi"))
    return not api and "text/html" in request.headers.get("Accept", "")


def _error_response(request: HttpRequest, code: int, sentence: str) -> HttpResponse:
    if _wants_page(request):
        return render(request, "layout/error.html", {"code": code, "sentence": sentence}, status=code)
    return JsonResponse({"detail": sentence, "status_code": code}, status=code)


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Return a problem outside of any view: a page for browsers, JSON for others."""
    answer: HttpResponse
    if _wants_page(request):
        answer = _error_response(request, problem.status_code, problem.told())
    else:
        answer = JsonResponse(problem.body(), status=problem.status_code)
    for name, value in problem.headers().items():
        answer.headers[name] = value
    return answer


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_response(request, 400, _("This request can't be read."))


def unknown_host(request: HttpRequest) -> HttpResponse:
    """Return what to do about a host name that isn't answered; the page's layout would need the name."""
    named = request.META.get("HTTP_HOST", "")[:100].encode("ascii", "backslashreplace").decode()
    sentence = _(
        "This server does not answer to the name %(host)s. Whoever runs it can add the name to LEARNTRACE_ALLOWED_HOSTS"
    )
    return JsonResponse({"detail": sentence % {"host": named}, "status_code": 400, "slug": "unknown-host"}, status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    return _error_response(request, 403, _("You may not see this."))


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error_response(request, 403, _("This form has expired. Go back, reload the page and send it again."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_response(request, 404, _("There is nothing at this address."))


def method_not_allowed(request: HttpRequest, refusal: HttpResponse) -> HttpResponse:
    """Return an error page for an empty 405 response; clients that don't accept HTML get the response itself."""
    if not _wants_page(request):
        return refusal
    sentence = _("This page can't be opened directly. Go back and use its form.")
    answer = _error_response(request, 405, sentence)
    answer.headers["Allow"] = refusal.headers["Allow"]
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], OperationalError):
        problem = Unavailable()
        answer = _error_response(request, problem.status_code, problem.told())
        for name, value in problem.headers().items():
            answer.headers[name] = value
        return answer
    return _error_response(request, 500, _("Something went wrong on our side; it has been logged."))
