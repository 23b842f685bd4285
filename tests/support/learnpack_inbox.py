"""LearnPack's clients, at a front door in this process."""

import asyncio
import json
from typing import Any

import httpx
from django.conf import settings as django_settings
from psycopg.conninfo import make_conninfo

from learntrace.intake.front_door import FrontDoor
from learntrace.intake.group_commit import GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.learnpack.inbox.source import LearnPackInbox
from tests.support.asgi import asgi_client

PATH = "/v1/assignment/me/telemetry"
LIMIT = 100_000


class Client:
    """Requests to a front door in this process, over its ASGI interface, on the tests' database."""

    def __init__(self, key: str) -> None:
        database = django_settings.DATABASES["default"]["NAME"]
        url = make_conninfo(django_settings.DATABASE_URL, dbname=database)
        self.announced: list[str] = []
        self.door = FrontDoor(
            self._django,
            [LearnPackInbox()],
            lambda: GroupCommit(url, self.announced.append),
            body_limit=LIMIT,
            unpacked_limit=LIMIT,
            keys=KnownKeys(url),
        )
        self.key = key
        self.loop = asyncio.new_event_loop()

    async def _django(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("passed on to Django")

    def post(self, body: Any, query: str = "", **headers: str | bytes) -> httpx.Response:
        return self.post_all([body], query, **headers)[0]

    def post_all(self, bodies: list[Any], query: str = "", **headers: str | bytes) -> list[httpx.Response]:
        """Send all at once; a body that is no bytes is sent as JSON."""
        given: dict[str, Any] = {"Authorization": f"Token {self.key}"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        given = {name: text for name, text in given.items() if text}

        async def send() -> list[httpx.Response]:
            async with asgi_client(self.door) as client:
                raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
                address = f"{PATH}?{query}" if query else PATH
                return await asyncio.gather(*(client.post(address, content=one, headers=given) for one in raw))

        return self.loop.run_until_complete(send())

    def request(self, method: str, **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            async with asgi_client(self.door) as client:
                return await client.request(method, PATH, headers=headers)

        return self.loop.run_until_complete(send())

    def close(self) -> None:
        self.loop.run_until_complete(self.door.close())
        self.loop.close()
