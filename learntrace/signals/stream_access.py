"""Who may follow an academy: asked as any other view of an academy asks, when a stream opens and while it is open."""

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
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.authentication import InactiveUser, TokenAuthentication
from learntrace.accounts.hub_authentication import HubAuthentication
from learntrace.accounts.models import Token, User
from learntrace.accounts.scope import AcademyView
from learntrace.core.answers import bad_request, exception_response, server_error
from learntrace.core.errors import Problem
from learntrace.core.filters import words
from learntrace.core.language import FALLBACK
from learntrace.signals.stream_rows import KINDS, Start, start_of

log = structlog.get_logger(__name__)

Scope = Mapping[str, Any]


class StreamRequest(ASGIRequest):
    """A request for a stream: asked whether it may open, and then again and again whether it may stay open."""

    again = False
    token_used_up_by: int | None = None


class PageSession(BaseAuthentication):
    """The session of who has signed in on a page: a browser's EventSource can't send a key."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The session's user, unless the request brings a key."""
        if request.headers.get("Authorization"):
            return None
        user = request._request.user
        return (user, None) if isinstance(user, User) else None


class UsedUpToken(BaseAuthentication):
    """A one-time token has opened this stream and is gone; that its user is still active is asked anew."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The user whose token it was.

        Raises InactiveUser.
        """
        asked = request._request
        if not isinstance(asked, StreamRequest) or asked.token_used_up_by is None:
            return None
        user = User.objects.filter(pk=asked.token_used_up_by, is_active=True).first()
        if user is None:
            raise InactiveUser
        return user, None


@dataclass(frozen=True)
class Opening:
    """A stream that may open: whose it is, and what it shows."""

    user_id: int
    language: str
    academy_id: int
    kinds: tuple[str, ...]
    start: Start


class AnyFormat(DefaultContentNegotiation):
    """What a stream's client accepts (a browser's EventSource: text/event-stream) says nothing about this view's answer."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first one."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class StreamView(AcademyView):
    """Decides on a stream; its answer's `data` is an Opening."""

    content_negotiation_class = AnyFormat
    authentication_classes = (UsedUpToken, PageSession, HubAuthentication, TokenAuthentication)
    capabilities: ClassVar = {"GET": "read_assignment"}
    http_method_names = ["get", "options"]

    def get(self, request: Request) -> Response:
        kinds = tuple(words(request, "kinds")) or KINDS
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise Problem(
                _("Invalid `%(field)s` value(s): %(values)s"),
                slug="invalid-filter", field="kinds", values=",".join(unknown),
            )  # fmt: skip
        asked = request._request
        assert isinstance(asked, StreamRequest)  # noqa: S101 (the address stands in no table of Django's)
        if isinstance(request.auth, Token) and request.auth.kind == Token.Kind.ONE_TIME:
            asked.token_used_up_by = self.user.pk
        start = Start((), 0) if asked.again else self._start(request, kinds)
        language = translation.get_language() or FALLBACK
        return Response(Opening(self.user.pk, language, self.academy.pk, kinds, start))

    def _start(self, request: Request, kinds: Sequence[str]) -> Start:
        # The header first: a browser that comes again sends it, beside the address with which the stream began.
        last_id = request.headers.get("Last-Event-ID", "").strip() or request.query_params.get("last_event_id", "")
        return start_of(self.academy.pk, last_id.strip(), kinds, timezone.now())


@dataclass(frozen=True)
class Refusal:
    """An answer that opens no stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Visit:
    """A request for a stream, which can be asked again while the stream is open. Its methods want a thread."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._again = False
        self._token_used_up_by: int | None = None

    def ask(self) -> Opening | Refusal:
        """Whether the stream may open, or stay open, with all that a request would be asked."""
        try:
            with translation.override(None):
                return self._answer()
        finally:
            connection.close()

    def _answer(self) -> Opening | Refusal:
        try:
            request = StreamRequest(dict(self._scope), BytesIO())
        except UnicodeDecodeError:
            return _refusal(bad_request(HttpRequest()))
        request.again = self._again
        request.token_used_up_by = self._token_used_up_by
        try:
            answer = _view(request)
        except OperationalError as error:
            # The session is read before the view.
            answer = exception_response(error, {}) or server_error(request)
        except Exception:
            log.exception("stream not opened")
            return _refusal(server_error(request))
        opening = getattr(answer, "data", None)
        if not isinstance(opening, Opening):
            return _refusal(answer)
        self._again = True
        self._token_used_up_by = request.token_used_up_by
        return opening


def told(problem: Problem, language: str) -> Refusal:
    """The refusal that tells a problem in a language."""
    with translation.override(language):
        body = msgspec.json.encode(problem.body())
    return Refusal(problem.status_code, {"Content-Type": "application/json", **problem.headers()}, body)


def _refusal(answer: HttpResponseBase) -> Refusal:
    assert isinstance(answer, HttpResponse)  # noqa: S101 (neither DRF nor we stream here)
    if isinstance(answer, Response) and not answer.is_rendered:
        answer.render()
    return Refusal(answer.status_code, dict(answer.headers), answer.content)


def _chain(view: Callable[..., HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Of Django's middleware what a session needs."""
    return SessionMiddleware(AuthenticationMiddleware(view))  # type: ignore[return-value]


_view = _chain(StreamView.as_view())
