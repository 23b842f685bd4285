"""Access to streams, decided as for any other view of an academy: when a stream opens, and again while it is open."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, ClassVar

import msgspec
import structlog
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.authentication import InactiveUser, TokenAuthentication
from learntrace.accounts.cohort_limits.limit import seen_learners
from learntrace.accounts.jupyterhub.authentication import HubAuthentication
from learntrace.accounts.models import Academy, Token, User
from learntrace.accounts.scope import AcademyView
from learntrace.accounts.second_factor.sign_in import MUST_SET_UP
from learntrace.core.errors import InvalidFilter, Problem
from learntrace.core.http.error_responses import bad_request, exception_response, server_error
from learntrace.core.http.filters import words
from learntrace.core.http.language import FALLBACK
from learntrace.signals.stream.revocations import Basis, key_of, session_of
from learntrace.signals.stream.rows import KINDS, Sight, Start, start_of

log = structlog.get_logger(__name__)

Scope = Mapping[str, Any]


class StreamRequest(ASGIRequest):
    """A request for a stream: checked when it opens, and with `again` while it is open."""

    again = False
    token_used_up_by: int | None = None


class PageSession(BaseAuthentication):
    """The session of a user who has signed in on a page: a browser's EventSource can't send a key."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the session's user, unless the request brings a key."""
        if request.headers.get("Authorization"):
            return None
        if request._request.session.get(MUST_SET_UP):
            return None
        user = request._request.user
        return (user, None) if isinstance(user, User) else None


class UsedUpToken(BaseAuthentication):
    """The user of a one-time token that has opened this stream and is used up; the user must still be active."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the user whose token it was.

        Raises InactiveUser.
        """
        stream_request = request._request
        if not isinstance(stream_request, StreamRequest) or stream_request.token_used_up_by is None:
            return None
        user = User.objects.filter(pk=stream_request.token_used_up_by, is_active=True).first()
        if user is None:
            raise InactiveUser
        return user, None


@dataclass(frozen=True)
class Opening:
    """A stream that may open: its user, and what it shows; `sight` is what the user sees, None: all."""

    user_id: int
    language: str
    academy_id: int
    kinds: tuple[str, ...]
    start: Start
    sight: Sight | None = None


class AnyFormat(DefaultContentNegotiation):
    """Ignores the Accept header: a browser's EventSource accepts text/event-stream, which this view doesn't render."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class StreamView(AcademyView):
    """Decides whether a stream may open; the response's `data` is an Opening."""

    content_negotiation_class = AnyFormat
    authentication_classes = (UsedUpToken, PageSession, HubAuthentication, TokenAuthentication)
    capabilities: ClassVar = {"GET": "read_assignment"}
    http_method_names = ["get", "options"]

    def get(self, request: Request) -> Response:
        kinds = tuple(words(request, "kinds")) or KINDS
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise InvalidFilter("kinds", ",".join(unknown))
        stream_request = request._request
        assert isinstance(stream_request, StreamRequest)  # noqa: S101 (no URL of Django's leads here)
        if isinstance(request.auth, Token) and request.auth.kind == Token.Kind.ONE_TIME:
            stream_request.token_used_up_by = self.user.pk
        sight = _sight(self.academy)
        start = Start((), 0) if stream_request.again else self._start(request, kinds, sight)
        language = translation.get_language() or FALLBACK
        return Response(Opening(self.user.pk, language, self.academy.pk, kinds, start, sight))

    def _start(self, request: Request, kinds: Sequence[str], sight: Sight | None) -> Start:
        # The header first: a browser that reconnects sends it, with the URL with which the stream began.
        last_id = request.headers.get("Last-Event-ID", "").strip() or request.query_params.get("last_event_id", "")
        return start_of(self.academy.pk, last_id.strip(), kinds, timezone.now(), sight)


@dataclass(frozen=True)
class Refusal:
    """A response that opens no stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Visit:
    """A request for a stream, which is checked again while the stream is open. For a thread, not the event loop."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._again = False
        self._token_used_up_by: int | None = None

    def basis(self, opening: Opening) -> Basis:
        """Return what the stream stands on, to be looked after while it is open."""
        headers = dict(self._scope["headers"])
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        if self._token_used_up_by is not None:
            return Basis(opening.user_id, opening.academy_id)
        session = "" if authorization else session_of(headers.get(b"cookie", b"").decode("latin-1"))
        return Basis(opening.user_id, opening.academy_id, key_of(authorization), session)

    def check(self) -> Opening | Refusal:
        """Decide whether the stream may open, or stay open, with all checks of a request."""
        try:
            with translation.override(None):
                return self._respond()
        finally:
            connection.close()

    def _respond(self) -> Opening | Refusal:
        try:
            request = StreamRequest(dict(self._scope), BytesIO())
        except UnicodeDecodeError:
            return _refusal(bad_request(HttpRequest()))
        request.again = self._again
        request.token_used_up_by = self._token_used_up_by
        try:
            response = _view(request)
        except OperationalError as error:
            # The session is read before the view.
            response = exception_response(error, {}) or server_error(request)
        except Exception:
            log.exception("stream not opened")
            return _refusal(server_error(request))
        opening = getattr(response, "data", None)
        if not isinstance(opening, Opening):
            return _refusal(response)
        self._again = True
        self._token_used_up_by = request.token_used_up_by
        return opening


def _sight(academy: Academy) -> Sight | None:
    learners = seen_learners(academy)
    return None if learners is None else Sight(learners, academy.seen_cohorts or frozenset())


def refusal_of(problem: Problem, language: str) -> Refusal:
    """Return a problem as a refusal, in a language."""
    with translation.override(language):
        body = msgspec.json.encode(problem.body())
    return Refusal(problem.status_code, {"Content-Type": "application/json", **problem.headers()}, body)


def _refusal(response: HttpResponseBase) -> Refusal:
    assert isinstance(response, HttpResponse)  # noqa: S101 (neither DRF nor we stream here)
    if isinstance(response, Response) and not response.is_rendered:
        response.render()
    return Refusal(response.status_code, dict(response.headers), response.content)


def _with_session(view: Callable[..., HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Wrap a view in the middleware that a session needs."""
    return SessionMiddleware(AuthenticationMiddleware(view))  # type: ignore[return-value]


_view = _with_session(StreamView.as_view())
