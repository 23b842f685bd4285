"""The outermost ASGI layer: what a request may cost before anybody knows whose it is (docs/explanation/security.md).

It counts every body's bytes, limits the time in which they have to come and the memory that all of them take, and has more
than 64 KiB read only for a known key or session. The inboxes look their keys up themselves, before they read anything.
"""

import math
import time
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.authentication import HUB_SCHEME, InvalidToken, Unauthorized, names_hub, read_key
from learntrace.accounts.jupyterhub.client import user_name_async
from learntrace.core.errors import Problem, Unavailable
from learntrace.core.http.error_responses import problem_response
from learntrace.core.http.language import choose_language
from learntrace.intake import prometheus
from learntrace.intake.body import MOST_DISCARDED, Receive, TooLarge
from learntrace.intake.connections.deadlines import Deadlines
from learntrace.intake.connections.open_connections import end_soon, keep_open
from learntrace.intake.front_door import Application, Scope, Send
from learntrace.intake.known_keys import DatabaseAway, KnownKeys
from learntrace.intake.limits import LIMIT_HITS, NoRoom, address_of, limits

BYTES_PER_SECOND: Final = 16 * 1024
# As the server gives them: a request's are decoded where they are read, as most never are.
Headers = Mapping[bytes, bytes]


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


class TooSlow(Problem):
    status_code = 408
    slug = "body-too-slow"
    text = _("The request's body came too slowly or not at all. Please send it again")


class BodyMemory:
    """The bytes of all bodies that this process holds."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0


class RequestGuard:
    """The ASGI application around all others."""

    def __init__(self, inner: Application, keys: KnownKeys, own_paths: frozenset[str]) -> None:
        self._inner = inner
        self._keys = keys
        # The inboxes look keys up and count bytes themselves.
        self._own_paths = own_paths
        self._memory = BodyMemory(settings.BODY_MEMORY)
        self.body_limit: int = settings.BODY_LIMIT
        self.body_seconds = float(settings.BODY_SECONDS)
        self.deadlines = Deadlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        keep_open(scope.get("client"))
        headers: Headers = dict(scope["headers"])
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        body = _Body(self, scope, headers, receive, send)
        try:
            limits().check_address(address_of(scope, _text(headers, b"x-forwarded-for")))
        except Problem as problem:
            await _answer(scope, body.send if has_body else send, problem)
            return
        if not has_body:
            await self._inner(scope, receive, send)
            return
        try:
            await self._inner(scope, body.receive, body.send)
            if body.problem is not None and not body.answered:
                await _answer(scope, body.send, body.problem)
        finally:
            self._memory.held -= body.size

    def is_inbox(self, scope: Scope) -> bool:
        return scope["path"] in self._own_paths

    @property
    def memory(self) -> BodyMemory:
        return self._memory

    async def check_known(self, scope: Scope, headers: Headers) -> None:
        """Raise Problem unless the request's key or session is known."""
        authorization = _text(headers, b"authorization")
        try:
            if names_hub(authorization):
                await user_name_async(read_key(authorization, (HUB_SCHEME,)))
                return
            if authorization:
                owner = await self._keys.owner_of_key(authorization)
            else:
                owner = await self._keys.owner_of_session(_text(headers, b"cookie"), settings.SESSION_COOKIE_NAME)
        except DatabaseAway as away:
            raise Unavailable from away
        if owner is not None:
            return
        limits().check_unknown(address_of(scope, _text(headers, b"x-forwarded-for")))
        if authorization:
            raise InvalidToken
        raise Unauthorized if scope["path"].startswith("/v1/") else TooLarge(limit=MOST_DISCARDED)


class _Body:
    """One request's body on its way in, and its answer on its way out."""

    def __init__(self, guard: RequestGuard, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        self._guard, self._scope, self._headers = guard, scope, headers
        self._receive, self._send = receive, send
        announced = headers.get(b"content-length", b"")
        # Of bytes, only ASCII digits are digits.
        self._announced = int(announced) if announced.isdigit() else 0
        # An inbox may fill all memory, others three quarters of it.
        inbox = guard.is_inbox(scope)
        self._most = math.inf if inbox else guard.body_limit
        self._most_memory = guard.memory.most if inbox else guard.memory.most * 3 // 4
        # How many bytes may come before the request's key or session has to be known.
        self._unasked = math.inf if inbox else MOST_DISCARDED
        self._began = time.monotonic()
        self._read_all = False
        self.size = 0
        self.problem: Problem | None = None
        self.answered = False

    async def receive(self) -> dict[str, object]:
        """Return the next part; once something is wrong, what comes when the client has left."""
        if self._read_all:
            return await self._receive()
        if self.problem is None:
            try:
                return await self._next()
            except Problem as problem:
                self.problem = problem
        return {"type": "http.disconnect"}

    async def _next(self) -> dict[str, object]:
        self._check(self._announced)
        if self._announced > self._unasked:
            await self._ask()
        try:
            with self._guard.deadlines.within(self._patience()):
                message = await self._receive()
        except TimeoutError:
            prometheus.SLOW_BODIES.inc()
            raise TooSlow from None
        part = message.get("body", b"")
        assert isinstance(part, bytes)  # noqa: S101 (ASGI says so)
        self.size += len(part)
        self._guard.memory.held += len(part)
        self._read_all = not message.get("more_body", False)
        self._check(self.size)
        if self.size > self._unasked:
            await self._ask()
        return message

    def _patience(self) -> float:
        """Return the seconds for the next part: a time for each, and for all what their size allows."""
        most = self._guard.body_seconds
        left = self._began + most + self.size / BYTES_PER_SECOND - time.monotonic()
        return max(min(most, left), 0.001)

    def _check(self, size: int) -> None:
        """Raise Problem for a body of which at least `size` bytes come."""
        if size > self._most:
            raise TooLarge(limit=self._guard.body_limit)
        if self._guard.memory.held > self._most_memory:
            LIMIT_HITS.labels("body-memory").inc()
            raise NoRoom

    async def _ask(self) -> None:
        """Raise Problem unless the request's key or session is known."""
        await self._guard.check_known(self._scope, self._headers)
        self._unasked = math.inf

    async def send(self, message: dict[str, Any]) -> None:
        """Pass on the answer; where the request wasn't read to its end, the server would wait for the rest without a limit."""
        if message["type"] == "http.response.start":
            self.answered = True
            if not self._read_all:
                headers = [pair for pair in message.get("headers", ()) if pair[0] != b"connection"]
                message = {**message, "headers": [*headers, (b"connection", b"close")]}
                end_soon(self._scope.get("client"))
        await self._send(message)


async def _answer(scope: Scope, send: Send, problem: Problem) -> None:
    """Answer with a page or JSON, in the client's language."""
    headers: Headers = dict(scope["headers"])
    request = ASGIRequest({**scope}, BytesIO())
    with translation.override(choose_language(_text(headers, b"accept-language"), "")):
        response = problem_response(request, problem)
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    raw += [(b"content-length", str(len(response.content)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": raw})
    await send({"type": "http.response.body", "body": response.content})
