"""Events, and a client that sends them through a front door in this process, on the tests' database."""

import asyncio
import gzip
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from django.conf import settings
from psycopg.conninfo import make_conninfo

from learntrace.intake.front_door import FrontDoor
from learntrace.intake.group_commit import GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.notebooks.inbox.source import EventsInbox
from tests.support.asgi import asgi_client

PATH = EventsInbox.path
LIMIT = 5 * 1024 * 1024
TAG = "assignment:lesson-03-exercise-1"


def now_text() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def make_event(**fields: Any) -> dict[str, Any]:
    """An event as JupyterLab makes it: an execution that raised."""
    return {
        "id": str(uuid.uuid4()), "verb": "executed", "timestamp": now_text(), "session_id": "session-1",
        "object": {"type": "cell", "id": "cell-1", "notebook": "lesson_03.ipynb", "assignment": TAG, "tags": [TAG],
                   "code_hash": "a" * 64},
        "result": {"outcome": "error", "error_name": "NameError", "error_value": "name 'x' is not defined",
                   "duration_ms": 12, "execution_count": 7},
        "context": {"frontend": "lab", "version": "4.6.6", "kernel": "python3"},
    } | fields  # fmt: skip


def database_url() -> str:
    return make_conninfo(settings.DATABASE_URL, dbname=settings.DATABASES["default"]["NAME"])


class Sender:
    """A Jupyter server with a key; use it as a context."""

    def __init__(self, key: str, limit: int = LIMIT) -> None:
        self.key = key
        self.announced: list[str] = []
        self.loop = asyncio.new_event_loop()
        self.door = FrontDoor(
            self._django,
            [EventsInbox()],
            lambda: GroupCommit(database_url(), self.announced.append),
            body_limit=limit,
            unpacked_limit=limit,
            keys=KnownKeys(database_url()),
        )

    async def _django(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("passed on to Django")

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.loop.run_until_complete(self.door.close())
        self.loop.close()

    def post(self, body: Any, **headers: str) -> httpx.Response:
        return self.post_all([body], **headers)[0]

    def send(self, *events: Any, **headers: str) -> dict[str, Any]:
        """Send events that are answered 200; the answer."""
        answer = self.post(list(events), **headers)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def post_all(self, bodies: list[Any], **headers: str) -> list[httpx.Response]:
        """Send all at once; a body that is no bytes is sent as JSON."""
        given = {"Authorization": f"Token {self.key}"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }

        async def send() -> list[httpx.Response]:
            async with asgi_client(self.door) as client:
                raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
                return await asyncio.gather(*(client.post(PATH, content=one, headers=given) for one in raw))

        return self.loop.run_until_complete(send())

    def post_packed(self, events: list[Any]) -> httpx.Response:
        return self.post(gzip.compress(json.dumps(events).encode()), Content_Encoding="gzip")
