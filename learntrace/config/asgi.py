"""The ASGI application: the front door, and Django behind it."""

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

from learntrace.config import processes
from learntrace.core.wakeup import announce
from learntrace.intake.body import Receive
from learntrace.intake.commit import GroupCommit
from learntrace.intake.door import FrontDoor, Scope, Send
from learntrace.learnpack.inbox import LearnPackInbox
from learntrace.notebooks.inbox import EventsInbox
from learntrace.signals.measures import forget_dead_processes

_django: Any = get_asgi_application()
import learntrace.config.queues  # noqa: E402, F401 (sets how workers are woken)
from learntrace.signals.stream import Streams  # noqa: E402 (its view wants Django set up)

# WhiteNoise's files are small, and read whole; Django would rather see them streamed.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

SOURCES = (LearnPackInbox(), EventsInbox())


def group_commit() -> GroupCommit:
    """A group commit of this process, on this process's settings."""
    return GroupCommit(settings.DATABASE_URL, announce)


_door = FrontDoor(
    _django, SOURCES, group_commit, body_limit=settings.BODY_LIMIT, unpacked_limit=settings.UNPACKED_LIMIT
)
_streams = Streams(_door, settings.DATABASE_URL)
if _web := os.environ.get("LEARNTRACE_WEB_PROCESS"):
    # A server whose first process is killed must not leave its others behind, on the port.
    processes.end_with_parent(signal.SIGTERM, int(_web))


def _hear_of_the_end() -> None:
    """Have streams end at a request to stop: granian tells us of it only once no connection is open.

    What is set here is called beside what its event loop does at the signal.
    """
    if not _web:
        return
    loop = asyncio.get_running_loop()

    def end(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(_streams.end)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer lifespan events ourselves, as Django knows none, and everything else through the streams and the front door."""
    if scope["type"] != "lifespan":
        await _streams(scope, receive, send)
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
        await send({"type": f"{message['type']}.complete"})
        if stopping:
            return
