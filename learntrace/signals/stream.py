"""`GET /v1/signal/academy/stream`: what changes in an academy, as server-sent events (design, "The API beyond the contract").

An ASGI application before Django: a stream lives for hours, and takes three tasks of the event loop here. Who may open it
is decided as for every other address of an academy.
"""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import structlog
from asgiref.sync import sync_to_async
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem, Unavailable
from learntrace.core.language import choose_language
from learntrace.intake.body import Receive
from learntrace.intake.door import Application, Scope, Send
from learntrace.signals.measures import STREAMS
from learntrace.signals.stream_access import Opening, Refusal, Visit, told
from learntrace.signals.stream_feed import Feed, Watcher

log = structlog.get_logger(__name__)

PATH = "/v1/signal/academy/stream"
# Of the 1,024 connections that a web process takes (config/serve.py); the rest is for everybody else.
MOST = 500
MOST_PER_USER = 20
SILENCE_SECONDS = 15.0
CHECK_SECONDS = 30.0
_FAREWELL_SECONDS = 1.0
# Many streams come at once after a restart: their questions take turns, and leave the others connections of the pool.
_ASKED_AT_ONCE = 4

_HEAD = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
_KEEP_ALIVE = b":\n\n"


class TooManyStreams(Unavailable):
    """This process can't hold more, or is about to end."""

    slug = "too-many-streams"
    text = _("This server has no place for another stream now. Please try again")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "10"}


class TooManyOfYours(Problem):
    status_code = 429
    slug = "too-many-streams-of-user"
    text = _("You have %(most)s streams open, which is as many as one user may have")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "60"}


class Streams:
    """Answers the stream's address; everything else goes to `inner`."""

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
        self._most = most
        self._most_per_user = most_per_user
        self._silence_seconds = silence_seconds
        self._check_seconds = check_seconds
        self._threads = ThreadPoolExecutor(_ASKED_AT_ONCE, "stream")
        self._visits: set[asyncio.Task[None]] = set()
        self._by_user: Counter[int] = Counter()
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] != "http" or scope.get("path") != PATH:
            await self._inner(scope, receive, send)
            return
        if self._closing or len(self._visits) >= self._most:
            await _refuse(send, told(TooManyStreams(), _language(scope)))
            return
        # granian runs us outside of a task, and what is cancelled needs one.
        visit = asyncio.create_task(self._answer(Visit(scope), receive, send))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)
        await asyncio.wait([visit])
        if not visit.cancelled():
            visit.result()

    def end(self) -> None:
        """End every stream, and take no more: clients come again elsewhere, or later."""
        self._closing = True
        self._feed.end_all()
        # One whose client takes nothing is cut off.
        asyncio.get_running_loop().call_later(_FAREWELL_SECONDS, self._cut_off)

    async def close(self) -> None:
        """End, and wait until all have."""
        self.end()
        await asyncio.gather(*self._visits, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _cut_off(self) -> None:
        for visit in self._visits:
            visit.cancel()

    async def _answer(self, visit: Visit, receive: Receive, send: Send) -> None:
        answer = await self._ask(visit)
        if isinstance(answer, Opening) and self._by_user[answer.user_id] >= self._most_per_user:
            answer = told(TooManyOfYours(most=self._most_per_user), answer.language)
        if isinstance(answer, Refusal):
            await _refuse(send, answer)
            return
        watcher = Watcher(answer.academy_id, answer.kinds, answer.start.blocks, answer.start.after)
        self._by_user[answer.user_id] += 1
        STREAMS.inc()
        self._feed.add(watcher)
        try:
            await self._keep(watcher, visit, receive, send)
        finally:
            self._feed.remove(watcher)
            STREAMS.dec()
            self._by_user[answer.user_id] -= 1
            if not self._by_user[answer.user_id]:
                del self._by_user[answer.user_id]

    async def _ask(self, visit: Visit) -> Opening | Refusal:
        ask = sync_to_async(visit.ask, thread_sensitive=False, executor=self._threads)
        return await ask()

    async def _keep(self, watcher: Watcher, visit: Visit, receive: Receive, send: Send) -> None:
        """Send what comes until the client leaves, may no longer see it, or we end."""
        if self._closing:
            watcher.end()
        await send({"type": "http.response.start", "status": 200, "headers": _HEAD})
        writing = asyncio.create_task(self._write(watcher, send))
        leaving = asyncio.create_task(_left(receive))
        checking = asyncio.create_task(self._check(visit))
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
        while (some := await watcher.next(self._silence_seconds)) is not None:
            await send({"type": "http.response.body", "body": some or _KEEP_ALIVE, "more_body": True})

    async def _check(self, visit: Visit) -> None:
        """Return once the client may no longer see it."""
        while True:
            await asyncio.sleep(self._check_seconds)
            answer = await self._ask(visit)
            # That the database or a hub is away says nothing about the client.
            if isinstance(answer, Refusal) and answer.status < 500:
                return


async def _left(receive: Receive) -> None:
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
