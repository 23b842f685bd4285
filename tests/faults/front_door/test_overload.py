"""More telemetry than the server can store: some is refused at once, the rest is answered in time, and nothing is lost."""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from benchmarks.load import request
from tests.faults.academy import LEARNERS, Learner
from tests.faults.conftest import installing
from tests.faults.installation import HOST, Installation
from tests.support.waiting import wait_until

EVENTS = "/v1/notebook/me/events"
BATCHES = "/v1/assignment/me/telemetry"
# Each sends its next request when it has its answer, so that so many wait at a time; a quarter of a second is the most that
# events wait, and no machine stores 4,000 of these requests a second.
SENDERS = 1_000
SECONDS = 5.0
LEARNPACK = 8


class Unlimited(Installation):
    """An installation in which no account or address has a share: what is refused is refused for the server's sake."""

    def environment(self) -> dict[str, str]:
        names = ("ACCOUNT_REQUESTS", "ACCOUNT_BYTES", "ACCOUNT_ROWS", "ACADEMY_REQUESTS", "ADDRESS_REQUESTS")
        return super().environment() | {f"LEARNTRACE_{name}": "0" for name in names}


@pytest.fixture
def installation(prepared: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with installing(prepared, request.node, Unlimited) as install:
        installation = install()
        installation.start()
        yield installation


@dataclass
class Told:
    """What the senders of one kind were answered."""

    stored: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    without_retry: int = 0
    # Seconds until the answer, of those that were stored and of those that were refused.
    stored_after: list[float] = field(default_factory=list)
    refused_after: list[float] = field(default_factory=list)


def events(learner: Learner) -> tuple[str, bytes]:
    marker = str(uuid.uuid4())
    event = {
        "id": marker,
        "verb": "executed",
        "session_id": f"s{learner.id}",
        "timestamp": datetime.now(UTC).isoformat(),
        "object": {"type": "cell", "id": "c", "assignment": "assignment:lesson-01-exercise-1"},
        "result": {"outcome": "ok"},
    }
    headers = {"Authorization": f"Token {learner.key}", "Content-Type": "application/json"}
    return marker, request(HOST, EVENTS, json.dumps([event]).encode(), headers)


def batch(learner: Learner) -> tuple[str, bytes]:
    marker = str(uuid.uuid4())
    document = {"slug": "loops", "marker": marker, "steps": []}
    return marker, request(HOST, BATCHES, json.dumps(document).encode(), {"Authorization": f"Token {learner.key}"})


async def send(port: int, number: int, told: Told, until: float) -> None:
    """Send until the time is over, one request after another, refused or not."""
    compose = batch if number < LEARNPACK else events
    learner = LEARNERS[number % len(LEARNERS)]
    reader, writer = await asyncio.open_connection(HOST, port)
    while time.monotonic() < until:
        marker, raw = compose(learner)
        began = time.monotonic()
        writer.write(raw)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        status = int(head[9:12])
        told.statuses[status] = told.statuses.get(status, 0) + 1
        if status == 200:
            told.stored.add(marker)
            told.stored_after.append(time.monotonic() - began)
        else:
            told.refused_after.append(time.monotonic() - began)
            told.without_retry += b"\r\nretry-after: " not in head
            await asyncio.sleep(0.2)
    writer.close()


def middle(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f} ms" if seconds else "-"


async def flood(port: int) -> tuple[Told, Told]:
    learnpack, notebooks = Told(), Told()
    until = time.monotonic() + SECONDS
    await asyncio.gather(
        *(send(port, number, learnpack if number < LEARNPACK else notebooks, until) for number in range(SENDERS))
    )
    return learnpack, notebooks


def noted(installation: Installation) -> int:
    with psycopg.connect(installation.database_url) as connection:
        row = connection.execute("SELECT sum(times) FROM intake_refusal WHERE reason = 'overloaded'").fetchone()
    return int(row[0] or 0) if row else 0


def test_some_events_are_refused_with_a_time_to_come_again_and_no_batch_and_nothing_stored_is_lost(
    installation: Installation,
) -> None:
    learnpack, notebooks = asyncio.run(flood(installation.port))
    for name, told in (("LearnPack", learnpack), ("notebooks", notebooks)):
        stored, refused = middle(told.stored_after), middle(told.refused_after)
        print(f"{name}: {told.statuses}; half of them stored within {stored}, refused within {refused}")
    assert set(learnpack.statuses) == {200}
    assert set(notebooks.statuses) == {200, 503}
    assert notebooks.without_retry == 0
    with psycopg.connect(installation.database_url) as connection:
        ids = {str(row[0]) for row in connection.execute("SELECT id FROM events")}
        markers = {row[0] for row in connection.execute("SELECT payload ->> 'marker' FROM learnpack_webhook")}
    assert notebooks.stored == ids
    assert learnpack.stored == markers
    # Once it is over, everybody is served again.
    body = events(LEARNERS[0])[1].partition(b"\r\n\r\n")[2].decode()
    assert installation.request("POST", EVENTS, LEARNERS[0].key, body)[0] == 200
    wait_until(lambda: noted(installation) > 0, "the refusals are recorded")
