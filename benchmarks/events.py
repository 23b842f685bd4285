"""Notebook events through the front door against bare inserts of the same rows, equally many a commit."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

import learntrace.config.runtime.queues  # noqa: F401 (sets how workers are woken)
from benchmarks.figures import Benchmark, Row
from benchmarks.server import wait_for_the_queues
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.core.wakeup import announce
from learntrace.intake.front_door import FrontDoor
from learntrace.intake.group_commit import GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.notebooks.inbox.source import EventsInbox
from tests.faults.installation import Installation

EVENTS = 100  # in a request
LEARNERS = 16  # senders at once; each sends its next request when the last is answered
ROUNDS = 20
_BARE = """
INSERT INTO events (id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
                    code_hash, occurred_at)
SELECT id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id, code_hash,
       occurred_at
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(id uuid, actor text, user_id bigint, academy_id bigint, sender_id bigint, verb text, object jsonb,
         result jsonb, context jsonb, session_id text, object_id text, code_hash text, occurred_at timestamptz)
"""


def prepare(slug: str) -> tuple[Academy, list[tuple[User, str]]]:
    """Create an academy of that name; return it with its learners and their keys."""
    academy = Academy.objects.create(slug=slug, name="Bench")
    learners = []
    for number in range(LEARNERS):
        user = User.objects.create(username=f"{slug}-{number}")
        Membership.objects.create(user=user, academy=academy, role="student")
        learners.append((user, Token.issue(user)[1]))
    return academy, learners


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_event(number: int) -> dict[str, Any]:
    """Return a new event of an executed cell, about 0.6 KB."""
    tag = f"assignment:lesson-{number % 12}-exercise-{number % 5}"
    return {
        "id": str(uuid.uuid4()),
        "verb": "executed",
        "timestamp": _now(),
        "session_id": str(uuid.UUID(int=number % 40)),
        "object": {
            "type": "cell",
            "id": f"cell-{number % 60}",
            "notebook": f"lesson_{number % 12}.ipynb",
            "assignment": tag,
            "tags": [tag],
            "code_hash": uuid.uuid4().hex * 2,
        },
        "result": {
            "outcome": "error",
            "error_name": "NameError",
            "error_value": "name 'x' is not defined",
            "duration_ms": 12,
            "execution_count": 7,
        },
        "context": {"frontend": "lab", "version": "4.6.6", "kernel": "python3"},
    }


async def _post(door: FrontDoor, key: str, body: bytes, events: int) -> int:
    """Send a batch of so many events; return how many of them were new."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": EventsInbox.path,
        "query_string": b"",
        "headers": [(b"authorization", f"Token {key}".encode()), (b"content-length", str(len(body)).encode())],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await door(scope, receive, send)
    answer = json.loads(sent[1]["body"])
    assert answer["accepted"] + answer["duplicates"] == events, sent
    return int(answer["accepted"])


def _through_the_door(installation: Installation, learners: list[tuple[User, str]]) -> float:
    bodies = [
        [json.dumps([make_event(number) for number in range(EVENTS)]).encode() for _ in range(ROUNDS)] for _ in learners
    ]
    accepted, seconds = send(installation, learners, bodies, EVENTS)
    assert accepted == ROUNDS * LEARNERS * EVENTS
    # The reference is measured on a machine as free.
    wait_for_the_queues()
    return accepted / seconds


def send(
    installation: Installation, learners: list[tuple[User, str]], bodies: list[list[bytes]], events: int
) -> tuple[int, float]:
    """Send each learner's bodies one after another; return how many events were new, and the seconds that it took.

    `events`: how many are in each body.
    """

    async def run() -> tuple[int, float]:
        door = FrontDoor(
            _no_application,
            [EventsInbox()],
            lambda: GroupCommit(installation.database_url, announce),
            body_limit=5_000_000,
            unpacked_limit=5_000_000,
            keys=KnownKeys(installation.database_url),
        )

        async def send_all(key: str, requests: list[bytes]) -> int:
            return sum([await _post(door, key, body, events) for body in requests])

        start = time.perf_counter()
        accepted = await asyncio.gather(
            *(send_all(key, requests) for (_user, key), requests in zip(learners, bodies, strict=True))
        )
        seconds = time.perf_counter() - start
        await door.close()
        return sum(accepted), seconds

    return asyncio.run(run())


async def _no_application(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("passed on")


def _rows(academy: Academy, learners: list[tuple[User, str]]) -> list[dict[str, Any]]:
    """Return the rows of one request of every learner."""
    rows = []
    for user, _key in learners:
        for number in range(EVENTS):
            event = make_event(number)
            rows.append(
                {
                    **event,
                    "actor": user.username,
                    "user_id": user.pk,
                    "academy_id": academy.pk,
                    "sender_id": user.pk,
                    "object_id": event["object"]["id"],
                    "code_hash": event["object"]["code_hash"],
                    "occurred_at": event["timestamp"],
                }
            )
    return rows


def _bare_inserts(installation: Installation, academy: Academy, learners: list[tuple[User, str]]) -> float:
    rounds = [json.dumps(_rows(academy, learners)) for _ in range(ROUNDS)]
    with psycopg.connect(installation.database_url, autocommit=True) as connection:
        start = time.perf_counter()
        for rows in rounds:
            connection.execute(_BARE, [rows])
        return ROUNDS * LEARNERS * EVENTS / (time.perf_counter() - start)


def benchmarks(installation: Installation) -> Iterator[Benchmark]:
    academy, learners = prepare("bench-events")
    row = Row(
        f"notebook events, {EVENTS} a request, {LEARNERS} senders",
        "events/s",
        "bare set-based inserts of the same rows, a request of every sender a commit",
    )
    yield Benchmark(
        row,
        lambda: _through_the_door(installation, learners),
        lambda: _bare_inserts(installation, academy, learners),
    )
