"""A learner, a teacher and what goes wrong between them, made through the interfaces that people and programs use."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
from django.test import Client
from django.utils import timezone

from learntrace.accounts.models import Membership, User
from learntrace.core.models import Heartbeat
from learntrace.intake.front_door import FrontDoor
from learntrace.intake.group_commit import GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.learnpack.inbox.source import LearnPackInbox
from learntrace.learnpack.processing.drain import drain_webhooks
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.documents.telemetry_queue import make_documents
from learntrace.notebooks.inbox.source import EventsInbox
from learntrace.registry.models import Asset
from tests.support.asgi import asgi_client
from tests.support.builders import Api, Cast, Response, make_asset, make_key, make_task
from tests.support.notebooks import TAG, database_url, make_event

LIMIT = 50_000
SLUG, LESSON, PATH = "intro", "lesson-03", "lesson_03.ipynb"
STEPS = [
    {
        "slug": "00-welcome", "position": 0, "is_testeable": False, "opened_at": 1_700_000_000_000,
        "completed_at": 1_700_000_100_000, "compilations": [], "tests": [],
    }
]  # fmt: skip


class Scene:
    """The cast with a front door for both sources; close it at the end."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.ada = cast.owner
        self.teacher = Api(cast.colleague, cast.academy)
        self.key = make_key(cast.owner)
        self.loop = asyncio.new_event_loop()
        self.door = FrontDoor(
            self._django,
            [LearnPackInbox(), EventsInbox()],
            lambda: GroupCommit(database_url(), lambda _topic: None),
            body_limit=LIMIT,
            unpacked_limit=LIMIT,
            keys=KnownKeys(database_url()),
        )

    async def _django(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("passed on to Django")

    def close(self) -> None:
        self.loop.run_until_complete(self.door.close())
        self.loop.close()

    def post(self, path: str, body: Any, key: str, **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            async with asgi_client(self.door) as client:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                return await client.post(path, content=raw, headers={"Authorization": f"Token {key}", **headers})

        return self.loop.run_until_complete(send())

    # What clients send

    def batch(self, body: Any = None, *, key: str = "", academy: int | None = None, **fields: Any) -> httpx.Response:
        """A batch, or whatever LearnPack's client sends instead."""
        payload = body if body is not None else {"slug": SLUG, "agent": "vscode", "steps": STEPS} | fields
        headers = {} if academy is None else {"Academy": str(academy)}
        return self.post(LearnPackInbox.path, payload, key or self.key, **headers)

    def events(self, *events: Any, key: str = "", **headers: str) -> httpx.Response:
        return self.post(EventsInbox.path, list(events), key or self.key, **headers)

    def event(self, *, notebook: str = PATH, tag: str | None = TAG, key: str = "", **fields: Any) -> httpx.Response:
        """One event of a notebook's cell."""
        about: dict[str, Any] = {"type": "cell", "id": "cell-1", "notebook": notebook, "code_hash": "a" * 64}
        about |= {"assignment": tag, "tags": [tag]} if tag else {}
        return self.events(make_event(object=about, **fields), key=key)

    # What workers do

    def work(self) -> None:
        drain_webhooks()
        while take_arrivals():
            pass
        while make_documents():
            pass

    def worker_lives(self) -> None:
        Heartbeat.objects.create(name="worker", seen_at=timezone.now())

    # What staff does

    def asset(self, slug: str = SLUG, **fields: Any) -> Asset:
        return make_asset(slug, **{"academy": self.cast.academy, "graded": True, **fields})

    def ready(self, **fields: Any) -> Asset:
        """An asset, and the learner's task on it."""
        asset = self.asset(**fields)
        make_task(self.ada, asset.slug)
        return asset

    def publish(self, *tags: str, slug: str = LESSON, path: str = PATH) -> Asset:
        body = {"path": path, "title": "Lesson 3", "assignments": [{"tag": tag} for tag in tags]}
        answer = self.teacher.put(f"/v1/notebook/academy/notebook/{slug}", body)
        assert answer.status_code == 200, answer.content
        return Asset.objects.get(slug=slug)

    def settings(self, **groups: Any) -> None:
        answer = self.teacher.put("/v1/auth/academy/settings", groups)
        assert answer.status_code == 200, answer.content

    def role(self, role: str) -> None:
        Membership.objects.filter(user=self.ada).update(role=role)


def page_of(reader: User, **query: str | int) -> Response:
    """The page /diagnosis, as somebody who has signed in sees it."""
    client = Client()
    client.force_login(reader)
    return client.get("/diagnosis", query)


def days_ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)
