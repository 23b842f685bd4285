"""Webhooks through the front door against bare durable inserts of the same row, and against a conventional view.

Of each size, with the workers at work and stopped, by equally many connections. Every round is verified: each `ok` is a row,
and each row is processed.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import psycopg

from benchmarks.conventional import running as conventional
from benchmarks.figures import Benchmark, Detail, Group, Row
from benchmarks.load import Figures, load, request
from benchmarks.payloads import batch_of
from benchmarks.server import wait_for_the_queues, workers_stopped
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.assignments.models import Task
from learntrace.learnpack.models import Webhook
from learntrace.registry.models import Asset
from tests.faults.installation import HOST, Installation

CONNECTIONS = 32
SENDERS = 100
# KB of a webhook; `make bench-quick` measures the second.
SIZES = (1, 4, 30)
WARM_UP, SECONDS = 1.0, 5.0
_BARE = "one row a commit, as many connections"
_CONVENTIONAL = "a DRF view that creates a row by the ORM, as many connections"
_INSERT = """
INSERT INTO learnpack_webhook (is_streaming, event, payload, package_slug, student_id, status)
VALUES (false, 'batch', %s::jsonb, 'bench', %s, 'ERROR')
"""


class Targets(NamedTuple):
    """How much of one row a commit, how many times the conventional view, and p99 in ms at most; they were set for 4 KB."""

    bare: float
    conventional: float
    p99: float


AT_WORK, STOPPED = Targets(0.7, 8.0, 60.0), Targets(1.0, 12.0, 40.0)


@dataclass
class Sending:
    """The requests of all senders with a batch of one size; `bare` is that batch."""

    slug: str
    user: User
    bare: str
    requests: list[bytes] = field(default_factory=list)
    to_conventional: list[bytes] = field(default_factory=list)

    @property
    def conventional_slug(self) -> str:
        return f"{self.slug}-conventional"


def _people() -> list[tuple[User, str]]:
    academy = Academy.objects.create(slug="bench", name="Bench")
    people = []
    for number in range(SENDERS):
        user = User.objects.create(username=f"sender-{number}")
        Membership.objects.create(user=user, academy=academy, role="student")
        people.append((user, Token.issue(user)[1]))
    return people


def _sending(people: list[tuple[User, str]], kilobytes: int) -> Sending:
    """Create an asset that everybody has a task for, and the requests of everybody."""
    academy = Academy.objects.get(slug="bench")
    asset = Asset.objects.create(slug=f"bench-ingest-{kilobytes}", lang="us", graded=True, academy=academy)
    Task.objects.bulk_create(
        [Task(user=user, title="x", associated_slug=asset.slug, task_type="EXERCISE") for user, _key in people]
    )
    payload = batch_of(kilobytes)
    sending = Sending(asset.slug, people[0][0], json.dumps(payload))
    for user, key in people:
        headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}
        path = f"/v1/assignment/me/telemetry?asset_id={asset.pk}"
        for requests, slug in (
            (sending.requests, sending.slug),
            (sending.to_conventional, sending.conventional_slug),
        ):
            body = json.dumps({**payload, "user_id": user.pk, "slug": slug}).encode()
            requests.append(request(HOST, path, body, headers))
    return sending


def _load(port: int, requests: list[bytes], slug: str) -> Figures:
    """Send requests; verify that each was answered 200 and is a row."""
    before = Webhook.objects.filter(package_slug=slug).count()
    figures = asyncio.run(
        load(
            HOST,
            port,
            lambda number: requests[number % len(requests)],
            connections=CONNECTIONS,
            seconds=SECONDS,
            warm_up=WARM_UP,
        )
    )
    assert set(figures.statuses) == {200}, figures.statuses
    stored = Webhook.objects.filter(package_slug=slug).count() - before
    assert stored == figures.statuses.total(), f"{figures.statuses.total()} answers, {stored} rows"
    return figures


def _note(details: list[Detail], figures: Figures) -> float:
    for detail, percent in zip(details, (50, 99), strict=True):
        detail.values.append(figures.percentile(percent))
    return figures.per_second


def _at_work(installation: Installation, sending: Sending, details: list[Detail]) -> float:
    figures = _load(installation.port, sending.requests, sending.slug)
    _wait_until_processed(sending)
    return _note(details, figures)


def _stopped(installation: Installation, sending: Sending, details: list[Detail]) -> float:
    with workers_stopped(installation):
        figures = _load(installation.port, sending.requests, sending.slug)
    _wait_until_processed(sending)
    return _note(details, figures)


def _wait_until_processed(sending: Sending) -> None:
    began = time.perf_counter()
    wait_for_the_queues()
    assert not Webhook.objects.filter(package_slug=sending.slug).exclude(status="DONE").exists()
    print(f"queue empty {time.perf_counter() - began:.1f} s after the last request", file=sys.stderr)


def _bare_inserts(installation: Installation, sending: Sending) -> float:
    async def insert(since: float) -> tuple[int, int]:
        """Insert until the time is over; return how many rows there are, and how many of them are measured."""
        count = measured = 0
        async with await psycopg.AsyncConnection.connect(installation.database_url, autocommit=True) as connection:
            while time.perf_counter() < since + SECONDS:
                await connection.execute(_INSERT, [sending.bare, sending.user.pk])
                count += 1
                measured += time.perf_counter() >= since
        return count, measured

    async def run() -> tuple[int, float]:
        since = time.perf_counter() + WARM_UP
        counts = await asyncio.gather(*(insert(since) for _ in range(CONNECTIONS)))
        seconds = time.perf_counter() - since
        return sum(count for count, _measured in counts), sum(measured for _count, measured in counts) / seconds

    before = Webhook.objects.filter(package_slug="bench").count()
    inserted, per_second = asyncio.run(run())
    stored = Webhook.objects.filter(package_slug="bench").count() - before
    assert stored == inserted, f"{inserted} inserts, {stored} rows"
    return per_second


def _conventional_view(port: Callable[[], int], sending: Sending) -> float:
    return _load(port(), sending.to_conventional, sending.conventional_slug).per_second


def _details(targets: Targets) -> list[Detail]:
    return [Detail("p50", "ms"), Detail("p99", "ms", targets.p99)]


def _name(kilobytes: int, workers: str) -> str:
    return f"ingest, {kilobytes} KB, {CONNECTIONS} connections, worker {workers}"


def _group(installation: Installation, sending: Sending, kilobytes: int, port: Callable[[], int]) -> Group:
    bare = partial(_bare_inserts, installation, sending)
    view = partial(_conventional_view, port, sending)
    group = []
    for workers, targets, measure in (("at work", AT_WORK, _at_work), ("stopped", STOPPED, _stopped)):
        details, name = _details(targets), _name(kilobytes, workers)
        ours = partial(measure, installation, sending, details)
        for reference, target, theirs in ((_BARE, targets.bare, bare), (_CONVENTIONAL, targets.conventional, view)):
            group.append(Benchmark(Row(name, "requests/s", reference, target, details=details), ours, theirs))
    return group


def benchmarks(installation: Installation) -> Iterator[Group]:
    people = _people()
    with ExitStack() as opened:
        ports: list[int] = []

        def port() -> int:
            if not ports:
                ports.append(opened.enter_context(conventional.server()))
            return ports[0]

        for kilobytes in SIZES:
            yield _group(installation, _sending(people, kilobytes), kilobytes, port)


def quick(installation: Installation) -> Iterator[Group]:
    """One size at work against one row a commit alone."""
    sending, details = _sending(_people(), SIZES[1]), _details(AT_WORK)
    row = Row(_name(SIZES[1], "at work"), "requests/s", _BARE, AT_WORK.bare, details=details)
    yield [
        Benchmark(row, partial(_at_work, installation, sending, details), partial(_bare_inserts, installation, sending))
    ]
