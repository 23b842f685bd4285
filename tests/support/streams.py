"""The client's side of a stream, against an application in this process: it reads while the application sends."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection

from learntrace.signals.stream.app import PATH, Streams
from tests.support.notebooks import database_url
from tests.support.waiting import PATIENCE

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Told:
    """An event of a stream; a comment has no name."""

    name: str = ""
    id: str = ""
    data: Any = None


class Follower:
    """Opens a stream and reads it; use it as a context."""

    def __init__(self, streams: Streams, headers: Mapping[str, str], query: str = "", method: str = "GET") -> None:
        self._streams = streams
        self._scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": PATH, "raw_path": PATH.encode(),
            "root_path": "", "scheme": "http", "query_string": query.encode(), "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80), "headers": [(name.lower().encode(), value.encode())
                                                     for name, value in headers.items()],
        }  # fmt: skip
        self._left = asyncio.Event()
        self._takes = asyncio.Event()
        self._takes.set()
        self._begun = asyncio.Event()
        self._asked = False
        self._buffer = b""
        self._told: asyncio.Queue[Told] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def __aenter__(self) -> "Follower":
        self.task = asyncio.create_task(self._streams(self._scope, self._receive, self._send))
        self.task.add_done_callback(lambda _task: self._begun.set())
        await asyncio.wait_for(self._begun.wait(), PATIENCE)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the connection."""
        self._left.set()
        self._takes.set()
        await asyncio.wait_for(self.task, PATIENCE)

    def stall(self) -> None:
        """Take nothing more, as over a connection that got stuck."""
        self._takes.clear()

    def go_on(self) -> None:
        self._takes.set()

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        await self._takes.wait()
        if self.status == 200:
            self._take(message["body"])
        else:
            self.body += message["body"]
        self._begun.set()

    def _take(self, part: bytes) -> None:
        *blocks, self._buffer = (self._buffer + part).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            data = json.loads(fields["data"]) if "data" in fields else None
            self._told.put_nowait(Told(fields.get("event", ""), fields.get("id", ""), data))

    async def next(self, patience: float = PATIENCE) -> Told:
        """The next event or comment."""
        async with asyncio.timeout(patience):
            return await self._told.get()

    async def take(self, count: int) -> list[Told]:
        """The next events, without comments."""
        told: list[Told] = []
        while len(told) < count:
            one = await self.next()
            if one.name:
                told.append(one)
        return told

    async def silent(self, seconds: float = 0.5) -> bool:
        """Whether no event comes for a while."""
        try:
            return (await self.next(seconds)).name == ""
        except TimeoutError:
            return True


async def in_database(work: Callable[[], _Result]) -> _Result:
    """Do something with the database in a thread, as others do it meanwhile."""

    def run() -> _Result:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def follow(scenario: Callable[[Streams], Awaitable[None]], **options: Any) -> None:
    """Run a scenario on streams of their own, and end them."""

    async def no_django(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("passed on to Django")

    async def run() -> None:
        streams = Streams(no_django, database_url(), **options)
        try:
            await scenario(streams)
        finally:
            await streams.close()

    asyncio.run(run())
