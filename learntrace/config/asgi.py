"""The ASGI application: the front door, and Django behind it."""

import asyncio
import contextlib
import os
import signal
import warnings
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

_django: Any = get_asgi_application()
import learntrace.config.queues  # noqa: E402, F401 (sets how workers are woken)

# WhiteNoise's files are small, and read whole; Django would rather see them streamed.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

SOURCES = (LearnPackInbox(), EventsInbox())


def group_commit() -> GroupCommit:
    """A group commit of this process, on this process's settings."""
    return GroupCommit(settings.DATABASE_URL, announce)


_door = FrontDoor(
    _django, SOURCES, group_commit, body_limit=settings.BODY_LIMIT, unpacked_limit=settings.UNPACKED_LIMIT
)
if _web := os.environ.get("LEARNTRACE_WEB_PROCESS"):
    # A server whose first process is killed must not leave its others behind, on the port.
    processes.end_with_parent(signal.SIGTERM, int(_web))


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer lifespan events ourselves, as Django knows none, and everything else through the front door."""
    if scope["type"] != "lifespan":
        await _door(scope, receive, send)
        return
    while True:
        message = await receive()
        stopping = message["type"] == "lifespan.shutdown"
        if stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_door.close(), timeout=5)
        await send({"type": f"{message['type']}.complete"})
        if stopping:
            return
