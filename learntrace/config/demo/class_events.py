"""The real class's compilations (`cs1`) as notebook events: pure, and the same each time.

The data contain no source code, so the events have no `code_hash`, and consecutive_errors and rapid_fire, which look for
unchanged code, find nothing in them.
"""

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from learntrace.config.demo.cs1 import Compilation, Homework, read_homework
from learntrace.measures.activity import ERROR, OK
from learntrace.measures.failures import UNKNOWN

HOMEWORKS: tuple[Homework, ...] = ("hw03", "hw04")

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "learntrace demo-class")
# A longer gap begins a new session: the data don't tell when an editor was closed.
_SESSION_GAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Timed:
    """An event and the time at which it is sent."""

    at: datetime
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps times of the class to times of the replay: the same, or from `start` on and `speed` times as fast."""

    first: datetime
    start: datetime | None = None
    speed: float = 1.0

    def moment(self, at: datetime) -> datetime:
        return at if self.start is None else self.start + (at - self.first) / self.speed


def username_of(student: str) -> str:
    """Return a student's user name: the beginning of the pseudonym in the data."""
    return student[:12]


def tag_of(homework: Homework) -> str:
    return f"assignment:{homework}-exercise-1"


def notebook_of(homework: Homework) -> str:
    return f"{homework}.ipynb"


def cell_of(homework: Homework) -> str:
    return f"{homework}-cell-1"


def chosen_compilations(homeworks: Iterable[Homework], learners: int | None) -> dict[Homework, list[Compilation]]:
    """Return compilations by homework, ordered by student and time; of the first `learners` students, None for all."""
    read = {homework: read_homework(homework) for homework in homeworks}
    students = sorted({compilation.student for compilations in read.values() for compilation in compilations})
    chosen = set(students[:learners])
    return {
        homework: [compilation for compilation in rows if compilation.student in chosen]
        for homework, rows in read.items()
    }


def events_of(
    compilations: dict[Homework, list[Compilation]], academy: str, start: datetime | None = None, speed: float = 1.0
) -> list[Timed]:
    """Return one event per compilation, in the order of their times.

    Ids are derived from the academy's slug, the homework, the student and the time, so that an event sent twice has the
    same id. With `start` the class is replayed from then on, `speed` times as fast, and the events have other ids.
    """
    first = min((compilation.at for rows in compilations.values() for compilation in rows), default=None)
    if first is None:
        return []
    clock = Clock(first, start, speed)
    events = [
        _event(homework, compilation, session, academy, clock)
        for homework, rows in compilations.items()
        for compilation, session in _with_sessions(homework, rows)
    ]
    return sorted(events, key=lambda timed: (timed.at, timed.event["id"]))


def arranged(events: Sequence[Timed], *, twice: bool, seed: int | None) -> list[Timed]:
    """Return the events in the order of sending: each two times and shuffled by a seed, if wanted."""
    ordered = [*events, *events] if twice else list(events)
    if seed is not None:
        random.Random(seed).shuffle(ordered)  # noqa: S311 (an order, no secret)
    return ordered


def _with_sessions(homework: Homework, compilations: Sequence[Compilation]) -> Iterator[tuple[Compilation, str]]:
    before: Compilation | None = None
    session = ""
    for compilation in compilations:
        if before is None or compilation.student != before.student or compilation.at - before.at > _SESSION_GAP:
            session = str(
                uuid.uuid5(_NAMESPACE, f"session {homework} {compilation.student} {compilation.at.isoformat()}")
            )
        yield compilation, session
        before = compilation


def _event(homework: Homework, compilation: Compilation, session: str, academy: str, clock: Clock) -> Timed:
    at = clock.moment(compilation.at)
    again = f" from {clock.start.isoformat()} x{clock.speed}" if clock.start else ""
    name = f"{academy} {homework} {compilation.student} {compilation.at.isoformat()}{again}"
    tag = tag_of(homework)
    event = {
        "id": str(uuid.uuid5(_NAMESPACE, name)),
        "actor": username_of(compilation.student),
        "verb": "executed",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "session_id": session,
        "object": {
            "type": "cell",
            "id": cell_of(homework),
            "notebook": notebook_of(homework),
            "assignment": tag,
            "tags": [tag],
        },
        "result": _result(compilation),
        "context": {"frontend": "replay", "kernel": "java"},
    }
    return Timed(at, event)


def _result(compilation: Compilation) -> dict[str, Any]:
    if not compilation.errors:
        return {"outcome": OK}
    errors = [{"name": error.name or UNKNOWN, "value": error.message} for error in compilation.errors]
    first = errors[0]
    return {"outcome": ERROR, "error_name": first["name"], "error_value": first["value"], "errors": errors}
