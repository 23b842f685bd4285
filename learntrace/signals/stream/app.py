"""`GET /v1/signal/academy/stream`: changes in an academy as server-sent events.

An ASGI application before Django: a stream stays open for hours, and takes three tasks of the event loop here. Access is
decided as for every other URL of an academy.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem, Unavailable
from learntrace.core.http.language import choose_language
from learntrace.intake.body import Receive
from learntrace.intake.front_door import Application, Scope, Send
from learntrace.signals.prometheus import STREAMS
from learntrace.signals.stream.access import Opening, Refusal, Visit, refusal_of
from learntrace.signals.stream.feed import Feed, Watcher
from learntrace.signals.stream.revocations import Basis, Revocations

log = structlog.get_logger(__name__)

PATH = "/v1/signal/academy/stream"
# Of the connections that a web process takes (intake/connections/open_connections.py); the rest is for other requests.
MOST = 500
MOST_PER_USER = 20
SILENCE_SECONDS = 15.0
CHECK_SECONDS = 30.0
_FAREWELL_SECONDS = 1.0
# Many streams come at once after a restart: their checks take turns, and leave connections of the pool to other requests.
_CHECKED_AT_ONCE = 4

_HEAD = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
_KEEP_ALIVE = b":\n\n"


class TooManyStreams(Unavailable):
    """This process can't hold more streams, or is about to end."""

    slug = "too-many-streams"
    text = _("This server can't take another stream right now. Please try again")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "10"}


class TooManyOfYours(Problem):
    status_code = 429
    slug = "too-many-streams-of-user"
    text = _("You have %(most)s streams open, which is as many as one user may have")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "60"}


class Streams:
    """The ASGI application that answers the stream's URL; everything else goes to `inner`."""

    def __init__(
        self,
        inner: Application,
        database_url: str,
        *,
        most: int = MOST,
        most_per_user: int = MOST_PER_USER,
        silence_seconds: float = SILENCE_SECONDS,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._inner = inner
        self._feed = Feed(database_url)
        self._revocations = Revocations(database_url)
        self._most = most
        self._most_per_user = most_per_user
        self._silence_seconds = silence_seconds
        self._check_seconds = check_seconds
        self._threads = ThreadPoolExecutor(_CHECKED_AT_ONCE, "stream")
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_user: Counter[int] = Counter()
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] != "http" or scope.get("path") != PATH:
            await self._inner(scope, receive, send)
            return
        if self._closing or len(self._tasks) >= self._most:
            await _refuse(send, refusal_of(TooManyStreams(), _language(scope)))
            return
        # granian runs us outside of a task, and only a task can be cancelled.
        task = asyncio.create_task(self._answer(Visit(scope), receive, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    def end(self) -> None:
        """End every stream and take no more: clients reconnect to another process, or later."""
        self._closing = True
        self._feed.end_all()
        # A stream whose client reads nothing is cut off.
        asyncio.get_running_loop().call_later(_FAREWELL_SECONDS, self._cut_off)

    async def close(self) -> None:
        """End every stream, and wait until all have ended."""
        self.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _cut_off(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _answer(self, visit: Visit, receive: Receive, send: Send) -> None:
        opening = await self._decide(visit)
        if isinstance(opening, Opening) and self._by_user[opening.user_id] >= self._most_per_user:
            opening = refusal_of(TooManyOfYours(most=self._most_per_user), opening.language)
        if isinstance(opening, Refusal):
            await _refuse(send, opening)
            return
        start = opening.start
        watcher = Watcher(opening.academy_id, opening.kinds, start.blocks, start.after, opening.sight)
        self._by_user[opening.user_id] += 1
        STREAMS.inc()
        self._feed.add(watcher)
        basis = visit.basis(opening)
        self._revocations.add(basis)
        try:
            await self._stream(watcher, partial(self._recheck, watcher, visit, basis), receive, send)
        finally:
            self._revocations.remove(basis)
            self._feed.remove(watcher)
            STREAMS.dec()
            self._by_user[opening.user_id] -= 1
            if not self._by_user[opening.user_id]:
                del self._by_user[opening.user_id]

    async def _decide(self, visit: Visit) -> Opening | Refusal:
        check = sync_to_async(visit.check, thread_sensitive=False, executor=self._threads)
        return await check()

    async def _stream(
        self, watcher: Watcher, recheck: Callable[[], Coroutine[Any, Any, None]], receive: Receive, send: Send
    ) -> None:
        """Send what comes until the client leaves, may no longer see it, or this process ends."""
        if self._closing:
            watcher.end()
        await send({"type": "http.response.start", "status": 200, "headers": _HEAD})
        writing = asyncio.create_task(self._write(watcher, send))
        leaving = asyncio.create_task(_disconnected(receive))
        checking = asyncio.create_task(recheck())
        tasks = (writing, leaving, checking)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not leaving.cancelled():
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, watcher: Watcher, send: Send) -> None:
        while (blocks := await watcher.next(self._silence_seconds)) is not None:
            await send({"type": "http.response.body", "body": blocks or _KEEP_ALIVE, "more_body": True})

    async def _recheck(self, watcher: Watcher, visit: Visit, basis: Basis) -> None:
        """Return when the client may no longer see the stream; until then keep to whom its user sees."""
        while True:
            await basis.changed(self._check_seconds)
            decision = await self._decide(visit)
            if isinstance(decision, Opening):
                watcher.sight = decision.sight
            # An error because the database or a hub is away says nothing about the client.
            if isinstance(decision, Refusal) and decision.status < 500:
                return


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # of a body


async def _refuse(send: Send, refusal: Refusal) -> None:
    headers = {
        **refusal.headers,
        "Cache-Control": "no-store",
        "Content-Length": str(len(refusal.body)),
        "X-Content-Type-Options": "nosniff",
    }
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": refusal.body})


def _language(scope: Scope) -> str:
    return choose_language(dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1"))
