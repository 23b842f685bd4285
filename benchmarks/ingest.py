"""Requests through the front door against bare durable inserts of the same row over equally many connections."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator

import psycopg

from benchmarks.figures import Benchmark, Row
from benchmarks.load import Figures, load, request
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.assignments.models import Task
from learntrace.config.demo.replay import recorded_batches
from learntrace.learnpack.models import UnreadDocument, Webhook
from learntrace.registry.models import Asset
from tests.faults.installation import Installation

CONNECTIONS = 32
SECONDS = 6.0
# The target of the ratio, with the workers at work.
TARGET = 0.7
SLUG = "bench-ingest"
_INSERT = """
INSERT INTO learnpack_webhook (is_streaming, event, payload, package_slug, student_id, status)
VALUES (false, 'batch', %s::jsonb, 'bench', %s, 'ERROR')
"""


def _prepare() -> list[tuple[User, bytes]]:
    academy = Academy.objects.create(slug="bench", name="Bench")
    asset = Asset.objects.create(slug=SLUG, lang="us", graded=True, academy=academy)
    payload = recorded_batches()[0]
    senders = []
    for number in range(100):
        user = User.objects.create(username=f"sender-{number}")
        Membership.objects.create(user=user, academy=academy, role="student")
        Task.objects.create(user=user, title="x", associated_slug=asset.slug, task_type="EXERCISE")
        body = json.dumps({**payload, "user_id": user.pk, "slug": asset.slug}).encode()
        headers = {"Authorization": f"Token {Token.issue(user)[1]}", "Content-Type": "application/json"}
        senders.append((user, request("bench", f"/v1/assignment/me/telemetry?asset_id={asset.pk}", body, headers)))
    return senders


def _wait_for_the_queue() -> None:
    """Wait until the workers have done what was sent, so that the reference is measured on a machine as free as ours was."""
    while Webhook.objects.filter(status="PENDING").exists() or UnreadDocument.objects.exists():
        time.sleep(0.1)


def _through_the_door(installation: Installation, senders: list[tuple[User, bytes]], measured: list[Figures]) -> float:
    def make(number: int) -> bytes:
        return senders[number % len(senders)][1]

    before = Webhook.objects.filter(package_slug=SLUG).count()
    figures = asyncio.run(load("127.0.0.1", installation.port, make, connections=CONNECTIONS, seconds=SECONDS))
    assert set(figures.statuses) == {200}, figures.statuses
    stored = Webhook.objects.filter(package_slug=SLUG).count() - before
    assert stored == len(figures.times), f"{len(figures.times)} answers, {stored} rows"
    measured.append(figures)
    began = time.perf_counter()
    _wait_for_the_queue()
    assert not Webhook.objects.filter(package_slug=SLUG).exclude(status="DONE").exists()
    print(f"queue empty {time.perf_counter() - began:.1f} s after the last request", file=sys.stderr)
    return figures.per_second


def _bare_inserts(installation: Installation, user: User) -> float:
    payload = json.dumps({**recorded_batches()[0], "user_id": user.pk})

    async def insert(until: float) -> int:
        count = 0
        async with await psycopg.AsyncConnection.connect(installation.database_url, autocommit=True) as connection:
            while time.perf_counter() < until:
                await connection.execute(_INSERT, [payload, user.pk])
                count += 1
        return count

    async def run() -> int:
        until = time.perf_counter() + SECONDS
        return sum(await asyncio.gather(*(insert(until) for _ in range(CONNECTIONS))))

    start = time.perf_counter()
    return asyncio.run(run()) / (time.perf_counter() - start)


def benchmarks(installation: Installation) -> Iterator[Benchmark]:
    senders = _prepare()
    measured: list[Figures] = []
    row = Row(
        f"ingest, {len(senders[0][1]) / 1024:.1f} KB, {CONNECTIONS} connections, worker at work",
        "requests/s",
        "bare durable inserts, one row a commit, as many connections",
        TARGET,
    )
    yield Benchmark(
        row,
        lambda: _through_the_door(installation, senders, measured),
        lambda: _bare_inserts(installation, senders[0][0]),
    )
    if measured:
        middle = sorted(measured, key=lambda figures: figures.per_second)[len(measured) // 2]
        row.name += f", p50 {middle.percentile(50):.1f} ms, p99 {middle.percentile(99):.1f} ms"
