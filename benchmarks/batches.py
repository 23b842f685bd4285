"""Batches of notebook events, some of which were sent before, against `bulk_create` of the same events.

With the workers at work and stopped. Each round is verified: every event is stored once, and once the workers have recorded
them, every attempt counts once.
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Sum

from benchmarks.events import LEARNERS, make_event, prepare, send
from benchmarks.figures import Benchmark, Group, Row
from benchmarks.server import wait_for_the_queues, workers_stopped
from learntrace.accounts.models import Academy, User
from learntrace.notebooks.models import Event
from learntrace.progress.models import Progress
from tests.faults.installation import Installation

# Events in a batch, and how many learners send at once.
SIZES = {100: LEARNERS, 500: LEARNERS // 2}
QUICK = 100  # the size that `make bench-quick` measures
# Which part of a batch's events was sent before.
REPEATED = (0.0, 0.5, 1.0)
BATCHES = 3  # of each learner
# How many times as fast as `bulk_create`.
AT_WORK_TARGET, STOPPED_TARGET = 5.0, 8.0


class _Sent(NamedTuple):
    """The batches of each learner, one after another, of `size` events, and the number of different events in them."""

    size: int
    batches: list[list[list[dict[str, Any]]]]
    different: int

    @classmethod
    def of(cls, learners: int, size: int, repeated: float) -> "_Sent":
        """Make batches; of the events of each but the first, so many are in the one before too."""
        kept = round(size * repeated)
        batches = []
        for _ in range(learners):
            own = [[make_event(number) for number in range(size)]]
            while len(own) < BATCHES:
                own.append(own[-1][:kept] + [make_event(number) for number in range(size - kept)])
            batches.append(own)
        return cls(size, batches, learners * (size + (BATCHES - 1) * (size - kept)))

    @property
    def events(self) -> int:
        return sum(len(batch) for own in self.batches for batch in own)

    @property
    def ids(self) -> set[str]:
        return {event["id"] for own in self.batches for batch in own for event in batch}


class _Batches:
    """What is sent by learners of an academy of their own: so many events in a batch, of which so many were sent before."""

    def __init__(self, installation: Installation, size: int, repeated: float) -> None:
        self._installation, self._size, self._repeated = installation, size, repeated
        self._prepared: tuple[Academy, list[tuple[User, str]]] | None = None

    @property
    def _people(self) -> tuple[Academy, list[tuple[User, str]]]:
        if self._prepared is None:
            academy, learners = prepare(f"bench-batches-{self._size}-{self._repeated * 100:.0f}")
            self._prepared = academy, learners[: SIZES[self._size]]
        return self._prepared

    def _make(self) -> _Sent:
        return _Sent.of(len(self._people[1]), self._size, self._repeated)

    def at_work(self) -> float:
        """Send batches and verify what became of them; return how many events a second were answered."""
        sent, before = self._make(), self._attempts()
        seconds = self._send(sent)
        self._verify_attempts(before + sent.different)
        return sent.events / seconds

    def stopped(self) -> float:
        """The same while no worker works."""
        sent, before = self._make(), self._attempts()
        with workers_stopped(self._installation):
            seconds = self._send(sent)
        self._verify_attempts(before + sent.different)
        return sent.events / seconds

    def _send(self, sent: _Sent) -> float:
        """Send batches, verify that each event is stored once, and return the seconds that it took."""
        bodies = [[json.dumps(batch).encode() for batch in own] for own in sent.batches]
        accepted, seconds = send(self._installation, self._people[1], bodies, sent.size)
        assert accepted == sent.different, (accepted, sent.different)
        assert Event.objects.filter(pk__in=sent.ids).count() == sent.different
        return seconds

    def _verify_attempts(self, expected: int) -> None:
        wait_for_the_queues()
        assert self._attempts() == expected, (self._attempts(), expected)

    def _attempts(self) -> int:
        users = [user.pk for user, _key in self._people[1]]
        return int(Progress.objects.filter(user__in=users).aggregate(Sum("attempts"))["attempts__sum"] or 0)

    def bulk_create(self) -> float:
        """Store such batches as a conventional view would: the models of each, in a commit of its own."""
        sent, (academy, learners) = self._make(), self._people
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


def _group(batches: _Batches, size: int, repeated: float) -> Group:
    name = f"batches of {size} events, {repeated:.0%} sent before, worker"
    reference, bulk_create = "bulk_create of the same, a batch a commit", batches.bulk_create
    return [
        Benchmark(Row(f"{name} at work", "events/s", reference, AT_WORK_TARGET), batches.at_work, bulk_create),
        Benchmark(Row(f"{name} stopped", "events/s", reference, STOPPED_TARGET), batches.stopped, bulk_create),
    ]


def benchmarks(installation: Installation) -> Iterator[Group]:
    for size in SIZES:
        for repeated in REPEATED:
            yield _group(_Batches(installation, size, repeated), size, repeated)


def quick(installation: Installation) -> Iterator[Group]:
    """Batches of one size, with the workers at work alone."""
    for repeated in REPEATED:
        yield _group(_Batches(installation, QUICK, repeated), QUICK, repeated)[:1]
