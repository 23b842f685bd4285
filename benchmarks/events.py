"""Notebook events through the front door against bare inserts of the same rows, equally many a commit, and batches with
events that were sent before against `bulk_create` of the same events.

Each round is verified: every event is stored once, and once the workers have recorded them, every attempt counts once.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import psycopg
from django.db.models import Sum

from benchmarks.figures import Benchmark, Row
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.intake.front_door import FrontDoor
from learntrace.intake.group_commit import GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.notebooks.inbox.source import EventsInbox
from learntrace.notebooks.models import Arrival, Event
from learntrace.progress.models import Progress
from tests.faults.installation import Installation

EVENTS = 100  # in a request
LEARNERS = 16  # senders at once; each sends its next request when the last is answered
ROUNDS = 20
# Which part of a batch's events was sent before, and how much faster than `bulk_create` it is to be.
REPEATED = (0.0, 0.5, 1.0)
BATCHES = 3  # of each learner
BULK_TARGET = 5.0
_BARE = """
INSERT INTO events (id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
                    code_hash, occurred_at)
SELECT id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id, code_hash,
       occurred_at
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(id uuid, actor text, user_id bigint, academy_id bigint, sender_id bigint, verb text, object jsonb,
         result jsonb, context jsonb, session_id text, object_id text, code_hash text, occurred_at timestamptz)
"""


def _prepare() -> tuple[Academy, list[tuple[User, str]]]:
    academy = Academy.objects.create(slug="bench-events", name="Bench")
    learners = []
    for number in range(LEARNERS):
        user = User.objects.create(username=f"coder-{number}")
        Membership.objects.create(user=user, academy=academy, role="student")
        learners.append((user, Token.issue(user)[1]))
    return academy, learners


class _Sent(NamedTuple):
    """The batches of each learner, one after another, and the number of different events in them."""

    batches: list[list[list[dict[str, Any]]]]
    different: int

    @classmethod
    def of(cls, learners: int, repeated: float) -> "_Sent":
        """Make batches; of the events of each but the first, so many are in the one before too."""
        kept = round(EVENTS * repeated)
        batches = []
        for _ in range(learners):
            own = [[_event(number) for number in range(EVENTS)]]
            while len(own) < BATCHES:
                own.append(own[-1][:kept] + [_event(number) for number in range(EVENTS - kept)])
            batches.append(own)
        return cls(batches, learners * (EVENTS + (BATCHES - 1) * (EVENTS - kept)))

    @property
    def events(self) -> int:
        return sum(len(batch) for own in self.batches for batch in own)

    @property
    def ids(self) -> set[str]:
        return {event["id"] for own in self.batches for batch in own for event in batch}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _event(number: int) -> dict[str, Any]:
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


async def _post(door: FrontDoor, key: str, body: bytes) -> int:
    """Send a batch; return how many of its events were new."""
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
    assert answer["accepted"] + answer["duplicates"] == EVENTS, sent
    return int(answer["accepted"])


def _through_the_door(installation: Installation, learners: list[tuple[User, str]]) -> float:
    bodies = [
        [json.dumps([_event(number) for number in range(EVENTS)]).encode() for _ in range(ROUNDS)] for _ in learners
    ]
    accepted, seconds = _send(installation, learners, bodies)
    assert accepted == ROUNDS * LEARNERS * EVENTS
    return accepted / seconds


def _send(installation: Installation, learners: list[tuple[User, str]], bodies: list[list[bytes]]) -> tuple[int, float]:
    """Send each learner's bodies one after another; return how many events were new, and the seconds that it took."""

    async def run() -> tuple[int, float]:
        door = FrontDoor(
            _no_application,
            [EventsInbox()],
            lambda: GroupCommit(installation.database_url, lambda _topic: None),
            body_limit=5_000_000,
            unpacked_limit=5_000_000,
            keys=KnownKeys(installation.database_url),
        )

        async def send(key: str, requests: list[bytes]) -> int:
            return sum([await _post(door, key, body) for body in requests])

        start = time.perf_counter()
        accepted = await asyncio.gather(
            *(send(key, requests) for (_user, key), requests in zip(learners, bodies, strict=True))
        )
        seconds = time.perf_counter() - start
        await door.close()
        return sum(accepted), seconds

    return asyncio.run(run())


def _batches_through_the_door(installation: Installation, learners: list[tuple[User, str]], repeated: float) -> float:
    """Send batches and verify what became of them; return how many events a second were answered."""
    sent = _Sent.of(len(learners), repeated)
    users = [user.pk for user, _key in learners]
    before = _attempts(users)
    accepted, seconds = _send(
        installation, learners, [[json.dumps(one).encode() for one in own] for own in sent.batches]
    )
    assert accepted == sent.different, (accepted, sent.different)
    assert Event.objects.filter(pk__in=sent.ids).count() == sent.different
    while Arrival.objects.exists():
        time.sleep(0.05)
    assert _attempts(users) - before == sent.different, (_attempts(users), before, sent.different)
    return sent.events / seconds


def _attempts(users: list[int]) -> int:
    return int(Progress.objects.filter(user__in=users).aggregate(Sum("attempts"))["attempts__sum"] or 0)


def _bulk_create(academy: Academy, learners: list[tuple[User, str]], repeated: float) -> float:
    """Store the same batches as a conventional view would: the models of each, in a commit of its own."""
    sent = _Sent.of(len(learners), repeated)
    start = time.perf_counter()
    for (user, _key), own in zip(learners, sent.batches, strict=True):
        for batch in own:
            Event.objects.bulk_create([_model(academy, user, event) for event in batch], ignore_conflicts=True)
    seconds = time.perf_counter() - start
    # They are of the reference alone, and no worker has heard of them.
    assert Event.objects.filter(pk__in=sent.ids).delete()[0] == sent.different
    return sent.events / seconds


def _model(academy: Academy, user: User, event: dict[str, Any]) -> Event:
    return Event(
        id=event["id"],
        actor=user.username,
        user=user,
        academy=academy,
        sender=user,
        verb=event["verb"],
        object=event["object"],
        result=event["result"],
        context=event["context"],
        session_id=event["session_id"],
        object_id=event["object"]["id"],
        code_hash=event["object"]["code_hash"],
        occurred_at=datetime.fromisoformat(event["timestamp"]),
    )


async def _no_application(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("passed on")


def _rows(academy: Academy, learners: list[tuple[User, str]]) -> list[dict[str, Any]]:
    """Return the rows of one request of every learner."""
    rows = []
    for user, _key in learners:
        for number in range(EVENTS):
            event = _event(number)
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
    academy, learners = _prepare()
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
    yield from batches(installation, academy, learners)


def batches(installation: Installation, academy: Academy, learners: list[tuple[User, str]]) -> Iterator[Benchmark]:
    """The comparisons with `bulk_create`."""
    for repeated in REPEATED:
        row = Row(
            f"batches of {EVENTS} events, {repeated:.0%} sent before, worker at work",
            "events/s",
            "bulk_create of the same, a batch a commit",
            BULK_TARGET,
        )
        yield Benchmark(
            row,
            partial(_batches_through_the_door, installation, learners, repeated),
            partial(_bulk_create, academy, learners, repeated),
        )


def quick(installation: Installation) -> Iterator[Benchmark]:
    """The comparisons with `bulk_create` alone."""
    yield from batches(installation, *_prepare())
