"""Twice the load that the server can take: how long refusals take, what the others wait, and when it is over.

First 64 connections send one request after another: what is stored of them is the load that the server can take. Then twice
as many requests a second are sent, however long the answers take, and after that half as many, until nothing is refused any
more. Nine of ten requests are a notebook event each, the tenth is a webhook of LearnPack. Verified: what was answered 200 is
stored once and processed, what was refused is not stored, and each refusal tells when to come again.
"""

import asyncio
import json
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.events import make_event
from benchmarks.figures import Benchmark, Detail, Group, Row
from benchmarks.load import Answer, exchange, request
from benchmarks.server import wait_for_the_queues
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.intake.connections.open_connections import raise_file_limit
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.models import Event
from tests.faults.installation import HOST, Installation

SENDERS = 400
CONNECTIONS = 64
CAPACITY_SECONDS, OVERLOAD_SECONDS = 4.0, 6.0
OVERLOAD, AFTERWARDS = 2.0, 0.5
# So long nothing is refused any more when it is over, and so long that may take.
CALM_SECONDS, PATIENCE = 2.0, 60.0
# Of the generator; more than wait at a time in a server that refuses.
MOST_CONNECTIONS = 1500
REFUSAL_TARGET = 100.0  # ms, p99
_SLUG = "bench-backpressure"
_TICK = 0.005


@dataclass
class Told:
    """What requests of one kind were answered; times in milliseconds."""

    ok: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    ok_times: list[float] = field(default_factory=list)
    refused_times: list[float] = field(default_factory=list)

    def note(self, marker: str, answer: Answer, milliseconds: float) -> None:
        if answer.status == 200:
            self.ok.add(marker)
            self.ok_times.append(milliseconds)
            return
        assert answer.status in (429, 503), answer
        assert b"\r\nretry-after: " in answer.head, answer
        self.refused.add(marker)
        self.refused_times.append(milliseconds)

    @property
    def count(self) -> int:
        return len(self.ok) + len(self.refused)


@dataclass
class Phase:
    """What came of requests that were sent in the same way; `latest_refusal`: when (perf_counter)."""

    events: Told = field(default_factory=Told)
    webhooks: Told = field(default_factory=Told)
    latest_refusal: float = 0.0

    @property
    def count(self) -> int:
        return self.events.count + self.webhooks.count

    @property
    def stored(self) -> int:
        return len(self.events.ok) + len(self.webhooks.ok)

    @property
    def refused_times(self) -> list[float]:
        return self.events.refused_times + self.webhooks.refused_times


class _Clients:
    """Keep-alive connections that everybody shares. The time of a request counts from when it is sent."""

    def __init__(self, port: int, keys: list[str]) -> None:
        self._port, self._keys = port, keys
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.LifoQueue()
        for _ in range(MOST_CONNECTIONS):
            self._free.put_nowait(None)

    async def one_after_another(self, seconds: float) -> Phase:
        """Have some connections send their next request when they have their answer."""
        phase, until = Phase(), time.perf_counter() + seconds

        async def send(first: int) -> None:
            number = first
            while time.perf_counter() < until:
                await self._send(number, phase)
                number += CONNECTIONS

        await asyncio.gather(*map(send, range(CONNECTIONS)))
        return phase

    async def at_rate(self, per_second: float, seconds: float) -> Phase:
        """Send so many requests a second, and wait for the last answer."""
        phase, start, sent = Phase(), time.perf_counter(), 0
        async with asyncio.TaskGroup() as tasks:
            while (elapsed := time.perf_counter() - start) < seconds:
                for number in range(sent, due := int(elapsed * per_second)):
                    tasks.create_task(self._send(number, phase))
                sent = due
                await asyncio.sleep(_TICK)
        return phase

    async def _send(self, number: int, phase: Phase) -> None:
        streams = await self._free.get() or await asyncio.open_connection(HOST, self._port)
        marker, raw = self._compose(number)
        began = time.perf_counter()
        answer = await exchange(*streams, raw)
        now = time.perf_counter()
        self._free.put_nowait(streams)
        told = phase.webhooks if number % 10 == 0 else phase.events
        told.note(marker, answer, (now - began) * 1000)
        if answer.status != 200:
            phase.latest_refusal = now

    def _compose(self, number: int) -> tuple[str, bytes]:
        """Return the marker by which a request is found in the database, and the request."""
        key = self._keys[number % len(self._keys)]
        headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}
        if number % 10 == 0:
            marker = str(uuid.uuid4())
            body = json.dumps({"slug": _SLUG, "marker": marker, "steps": []}).encode()
            return marker, request(HOST, "/v1/assignment/me/telemetry", body, headers)
        event = make_event(number)
        return event["id"], request(HOST, "/v1/notebook/me/events", json.dumps([event]).encode(), headers)

    async def close(self) -> None:
        while not self._free.empty():
            if streams := self._free.get_nowait():
                streams[1].close()
        await asyncio.sleep(0)


@dataclass
class Measured:
    """A run: at the load that the server takes, at twice of it, and afterwards.

    `recovered`: the seconds from the overload's end to the latest refusal.
    """

    capacity: Phase
    overload: Phase
    afterwards: list[Phase]
    recovered: float


async def _run(port: int, keys: list[str]) -> Measured:
    clients = _Clients(port, keys)
    await clients.one_after_another(1.0)
    capacity = await clients.one_after_another(CAPACITY_SECONDS)
    per_second = capacity.stored / CAPACITY_SECONDS
    overload = await clients.at_rate(OVERLOAD * per_second, OVERLOAD_SECONDS)
    over, afterwards = time.perf_counter(), list[Phase]()
    latest = over
    while time.perf_counter() < latest + CALM_SECONDS:
        assert time.perf_counter() < over + PATIENCE, "still refusing"
        afterwards.append(await clients.at_rate(AFTERWARDS * per_second, CALM_SECONDS / 4))
        latest = max(latest, afterwards[-1].latest_refusal)
    await clients.close()
    return Measured(capacity, overload, afterwards, latest - over)


def _verify(measured: Measured) -> None:
    """Fail unless what was answered 200 is stored and processed, and nothing that was refused is stored."""
    wait_for_the_queues()
    phases = [measured.capacity, measured.overload, *measured.afterwards]
    ok = set().union(*(phase.events.ok for phase in phases))
    refused = set().union(*(phase.events.refused for phase in phases))
    assert Event.objects.filter(pk__in=ok).count() == len(ok)
    assert not Event.objects.filter(pk__in=refused).exists()
    webhooks = Webhook.objects.filter(package_slug=_SLUG)
    markers = Counter(webhooks.values_list("payload__marker", flat=True))
    stored = set().union(*(phase.webhooks.ok for phase in phases))
    assert all(markers[marker] == 1 for marker in stored)
    assert not set().union(*(phase.webhooks.refused for phase in phases)) & markers.keys()


def _prepare() -> list[str]:
    raise_file_limit()
    academy = Academy.objects.create(slug=_SLUG, name="Bench")
    users = User.objects.bulk_create([User(username=f"{_SLUG}-{number}") for number in range(SENDERS)])
    Membership.objects.bulk_create([Membership(user=user, academy=academy, role="student") for user in users])
    return [Token.issue(user)[1] for user in users]


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else 0.0


class _Overload:
    """Measures once a round what the rows tell."""

    def __init__(self, installation: Installation) -> None:
        self._port = installation.port
        self._keys: list[str] = []
        self._latest: Measured | None = None
        self.refusal = [Detail("p50", "ms"), Detail("refused", "%"), Detail("refuses nothing after", "s")]
        self.event, self.webhook = ([Detail("p50", "ms"), Detail("refused", "%")] for _kind in range(2))

    def refusal_p99(self) -> float:
        """Run, verify, and return p99 of the refusals."""
        self._keys = self._keys or _prepare()
        self._latest = measured = asyncio.run(_run(self._port, self._keys))
        _verify(measured)
        overload = measured.overload
        assert overload.refused_times, "nothing was refused at twice the load"
        told = (
            _percentile(overload.refused_times, 50),
            100 * len(overload.refused_times) / overload.count,
            measured.recovered,
        )
        for detail, value in zip(self.refusal, told, strict=True):
            detail.values.append(value)
        return _percentile(overload.refused_times, 99)

    def event_p99(self) -> float:
        return self._stored_p99(self._measured.overload.events, self.event)

    def webhook_p99(self) -> float:
        return self._stored_p99(self._measured.overload.webhooks, self.webhook)

    def usual_p99(self) -> float:
        """Return p99 of the answers at the load that the server can take."""
        capacity = self._measured.capacity
        return _percentile(capacity.events.ok_times + capacity.webhooks.ok_times, 99)

    @property
    def _measured(self) -> Measured:
        assert self._latest is not None, "refusals are measured first"
        return self._latest

    @staticmethod
    def _stored_p99(told: Told, details: list[Detail]) -> float:
        for detail, value in zip(
            details, (_percentile(told.ok_times, 50), 100 * len(told.refused) / max(told.count, 1)), strict=True
        ):
            detail.values.append(value)
        return _percentile(told.ok_times, 99)


def benchmarks(installation: Installation) -> Iterator[Group]:
    overload = _Overload(installation)
    name, reference = f"{OVERLOAD:g} times the load that the server takes", "any answer at the load that it takes, p99"
    rows = (
        (
            Row(f"{name}: a refusal, p99", "ms", reference, most=REFUSAL_TARGET, details=overload.refusal),
            overload.refusal_p99,
        ),
        (Row(f"{name}: an event that is stored, p99", "ms", reference, details=overload.event), overload.event_p99),
        (
            Row(f"{name}: a webhook that is stored, p99", "ms", reference, details=overload.webhook),
            overload.webhook_p99,
        ),
    )
    yield [Benchmark(row, ours, overload.usual_p99) for row, ours in rows]
