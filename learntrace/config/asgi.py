"""The ASGI application: whose headers are believed, the guard, and behind it the streams, the front door and Django."""

import asyncio
import contextlib
import os
import signal
import warnings
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from learntrace.config.runtime import processes
from learntrace.core.wakeup import announce
from learntrace.intake.body import Receive
from learntrace.intake.connections.open_connections import watch_connections
from learntrace.intake.front_door import FrontDoor, Scope, Send
from learntrace.intake.group_commit import GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.intake.proxies import TrustedProxies
from learntrace.intake.request_guard import RequestGuard
from learntrace.learnpack.inbox.source import LearnPackInbox
from learntrace.notebooks.inbox.source import EventsInbox
from learntrace.signals.prometheus import forget_dead_processes

_django: Any = get_asgi_application()
import learntrace.config.runtime.queues  # noqa: E402, F401 (sets how workers are woken)
from learntrace.signals.stream.app import Streams  # noqa: E402 (its view wants Django set up)

# WhiteNoise reads its small files whole; Django warns that they are not streamed.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

SOURCES = (LearnPackInbox(), EventsInbox())


def group_commit() -> GroupCommit:
    """Create a group commit for this process with its settings."""
    return GroupCommit(settings.DATABASE_URL, announce)


_keys = KnownKeys(settings.DATABASE_URL)
_door = FrontDoor(
    _django, SOURCES, group_commit, body_limit=settings.BODY_LIMIT, unpacked_limit=settings.UNPACKED_LIMIT, keys=_keys
)
_streams = Streams(_door, settings.DATABASE_URL)
_guard = TrustedProxies(RequestGuard(_streams, _keys, frozenset(source.path for source in SOURCES)))
if _web := os.environ.get("LEARNTRACE_WEB_PROCESS"):
    # When the first process is killed, its children must end too and free the port.
    processes.end_with_parent(signal.SIGTERM, int(_web))


def _hear_of_the_end() -> None:
    """End the streams when the process is asked to stop: granian reports it only when no connection is open.

    The handler set here runs in addition to the one of granian's event loop.
    """
    if not _web:
        return
    loop = asyncio.get_running_loop()

    def end(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(_streams.end)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer lifespan events, which Django doesn't know, and pass everything else through the guard."""
    if scope["type"] != "lifespan":
        await _guard(scope, receive, send)
        return
    while True:
        message = await receive()
        stopping = message["type"] == "lifespan.shutdown"
        if stopping:
            await _streams.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_door.close(), timeout=5)
        else:
            forget_dead_processes()
            _hear_of_the_end()
            if _web:
                watch_connections(settings.CONNECTIONS_PER_ADDRESS)
        await send({"type": f"{message['type']}.complete"})
        if stopping:
            return
