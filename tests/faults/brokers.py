"""The brokers of this machine: a corner of our own in each, and a line to it that can be cut."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import kombu
import pytest

from tests.faults.installation import Installation

RABBITMQ, REDIS = "amqp://guest:guest@127.0.0.1:5672//", "redis://127.0.0.1:6379/0"
OVERRIDE = "LEARNTRACE_TEST_BROKER_URL"
QUEUE = "learntrace"


@dataclass(frozen=True)
class Broker:
    url: str

    @property
    def is_redis(self) -> bool:
        return self.url.startswith("redis")

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (6379 if self.is_redis else 5672)

    @property
    def shown(self) -> str:
        """The address without the password."""
        return f"{urlsplit(self.url).scheme}://{self.host}:{self.port}"

    def at(self, host: str, port: int) -> str:
        """The URL of the same corner, by way of another address."""
        parts = urlsplit(self.url)
        who = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{who}@{host}:{port}" if who else f"{host}:{port}"))

    def waiting(self) -> int:
        """How many messages wait in the queue."""
        with kombu.Connection(self.url) as connection, connection.channel() as channel:
            queue: Any = kombu.Queue(QUEUE, channel=channel)
            try:
                return int(queue.queue_declare(passive=True).message_count)
            except connection.channel_errors:
                return 0  # Redis knows no empty queue

    def purge(self) -> int:
        """Lose all messages that wait; how many there were."""
        with kombu.Connection(self.url) as connection, connection.channel() as channel:
            return int(kombu.Queue(QUEUE, channel=channel).purge())


def reachable_brokers() -> list[Broker]:
    """Those that answer; skips the test when there is none."""
    given = os.environ.get(OVERRIDE)
    candidates = [Broker(url) for url in ([given] if given else [RABBITMQ, REDIS])]
    found = [broker for broker in candidates if _answers(broker)]
    if not found:
        tried = " or ".join(broker.shown for broker in candidates)
        pytest.skip(f"no broker answers at {tried}, set {OVERRIDE}")
    return found


def _answers(broker: Broker) -> bool:
    try:
        with kombu.Connection(broker.url, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except Exception:
        return False
    return True


@contextlib.contextmanager
def own_corner(broker: Broker) -> Iterator[Broker]:
    """A place in the broker where nobody else's messages are: a database of Redis, a virtual host of RabbitMQ.

    Making a virtual host takes RabbitMQ's administrator; without, the given one serves.
    """
    if broker.is_redis:
        with _redis_database(broker) as mine:
            yield mine
    elif broker.url == RABBITMQ and os.geteuid() == 0 and shutil.which("rabbitmqctl"):
        with _virtual_host(broker) as mine:
            yield mine
    else:
        yield broker


@contextlib.contextmanager
def _redis_database(broker: Broker) -> Iterator[Broker]:
    import redis

    for number in range(15, 0, -1):
        mine = replace(broker, url=urlunsplit(urlsplit(broker.url)._replace(path=f"/{number}")))
        with redis.Redis.from_url(mine.url) as client:
            # Whoever sets the key has the database.
            if client.dbsize() == 0 and client.set("learntrace-faults", os.getpid(), nx=True):
                try:
                    yield mine
                finally:
                    client.flushdb()
                return
    pytest.skip(f"no database of {broker.shown} is empty")


@contextlib.contextmanager
def _virtual_host(broker: Broker) -> Iterator[Broker]:
    name = f"learntrace-faults-{secrets.token_hex(4)}"
    _rabbitmqctl("add_vhost", name)
    try:
        _rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield replace(broker, url=urlunsplit(urlsplit(broker.url)._replace(path=f"/{quote(name, safe='')}")))
    finally:
        _rabbitmqctl("delete_vhost", name)


def _rabbitmqctl(*words: str) -> None:
    subprocess.run(["rabbitmqctl", "--quiet", *words], check=True, stdout=subprocess.DEVNULL)


class Proxy:
    """A line to a server, as a context: it forwards; `cut` closes and refuses connections, `hold` keeps them silent."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._socket.getsockname()
        self._socket.close()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._lines: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self.restore()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def restore(self) -> None:
        """Forward again, also what was held."""
        self._do(self._restore())

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        self._do(self._cut())

    def hold(self) -> None:
        """Take connections and bytes, and let nothing through."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _restore(self) -> None:
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self.host, self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            # asyncio leaves the socket of a connection open that it accepts while its server closes: stop accepting first,
            # and let what was accepted become a connection.
            for listening in self._server.sockets:
                self._loop.remove_reader(listening.fileno())
            await asyncio.sleep(0.01)
            self._server.close()
            self._server = None
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        # A line that was cancelled before it began has closed nothing itself.
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _end(self) -> None:
        """Cut, and wait until every connection is closed, also one that is just being accepted."""
        await self._cut()
        accepting = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*accepting, return_exceptions=True)
        await self._cut()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the loop's next turn

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        line = self._loop.create_task(self._forward(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._flowing.wait()
            beyond_reader, beyond_writer = await asyncio.open_connection(*self._target)
            writers.append(beyond_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, beyond_writer))
                both.create_task(self._pump(beyond_reader, writer))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass  # one side has ended, or we are cut: the other side ends too
        finally:
            for each in writers:
                each.transport.abort()
            self._writers.discard(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@dataclass
class Line:
    """An installation whose way to its broker goes through a proxy."""

    installation: Installation
    broker: Broker
    proxy: Proxy
