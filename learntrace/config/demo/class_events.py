"""The real class's compilations (`cs1`) as the events that a notebook would send: pure, and the same each time.

The data hold no source code, so the events have no `code_hash`: consecutive_errors and rapid_fire, which look for code
that is run unchanged, can find nothing in them.
"""

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from learntrace.config.demo.cs1 import Compilation, Homework, read_homework
from learntrace.metrics.attempts import ERROR, OK
from learntrace.metrics.failures import UNKNOWN

HOMEWORKS: tuple[Homework, ...] = ("hw03", "hw04")

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "learntrace demo-class")
# A longer silence begins a new session: the data don't tell when an editor was closed.
_SESSION_GAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Timed:
    """An event and the moment at which it happened, by which it is sent."""

    at: datetime
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Clock:
    """When what happened at a moment happens in the replay: then, or since `start` and `speed` times as fast."""

    first: datetime
    start: datetime | None = None
    speed: float = 1.0

    def moment(self, at: datetime) -> datetime:
        return at if self.start is None else self.start + (at - self.first) / self.speed


def username_of(student: str) -> str:
    """A student's user name: the beginning of the pseudonym that the data give."""
    return student[:12]


def tag_of(homework: Homework) -> str:
    return f"assignment:{homework}-exercise-1"


def notebook_of(homework: Homework) -> str:
    return f"{homework}.ipynb"


def cell_of(homework: Homework) -> str:
    return f"{homework}-cell-1"


def chosen_compilations(homeworks: Iterable[Homework], learners: int | None) -> dict[Homework, list[Compilation]]:
    """The compilations of the homeworks, by student, then by time; of the first `learners` students, None for all."""
    read = {homework: read_homework(homework) for homework in homeworks}
    students = sorted({one.student for compilations in read.values() for one in compilations})
    chosen = set(students[:learners])
    return {homework: [one for one in rows if one.student in chosen] for homework, rows in read.items()}


def events_of(compilations: dict[Homework, list[Compilation]], academy: str, start: datetime | None = None,
              speed: float = 1.0) -> list[Timed]:  # fmt: skip
    """One event a compilation, in the order of their times.

    Ids follow from the academy's slug, the homework, the student and the time: sent twice, an event is the same one.
    With `start` the class happens again from then on, `speed` times as fast, and the events are others.
    """
    first = min((one.at for rows in compilations.values() for one in rows), default=None)
    if first is None:
        return []
    clock = Clock(first, start, speed)
    events = [
        _event(homework, one, session, academy, clock)
        for homework, rows in compilations.items()
        for one, session in _with_sessions(homework, rows)
    ]
    return sorted(events, key=lambda timed: (timed.at, timed.event["id"]))


def arranged(events: Sequence[Timed], *, twice: bool, seed: int | None) -> list[Timed]:
    """The events as they are to be sent: each two times, and shuffled by a seed, where that is wanted."""
    found = [*events, *events] if twice else list(events)
    if seed is not None:
        random.Random(seed).shuffle(found)  # noqa: S311 (an order, no secret)
    return found


def _with_sessions(homework: Homework, compilations: Sequence[Compilation]) -> Iterator[tuple[Compilation, str]]:
    before: Compilation | None = None
    session = ""
    for one in compilations:
        if before is None or one.student != before.student or one.at - before.at > _SESSION_GAP:
            session = str(uuid.uuid5(_NAMESPACE, f"session {homework} {one.student} {one.at.isoformat()}"))
        yield one, session
        before = one


def _event(homework: Homework, one: Compilation, session: str, academy: str, clock: Clock) -> Timed:
    at = clock.moment(one.at)
    again = f" from {clock.start.isoformat()} x{clock.speed}" if clock.start else ""
    name = f"{academy} {homework} {one.student} {one.at.isoformat()}{again}"
    tag = tag_of(homework)
    event = {
        "id": str(uuid.uuid5(_NAMESPACE, name)),
        "actor": username_of(one.student),
        "verb": "executed",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "session_id": session,
        "object": {"type": "cell", "id": cell_of(homework), "notebook": notebook_of(homework), "assignment": tag,
                   "tags": [tag]},
        "result": _result(one),
        "context": {"frontend": "replay", "kernel": "java"},
    }  # fmt: skip
    return Timed(at, event)


def _result(one: Compilation) -> dict[str, Any]:
    if not one.errors:
        return {"outcome": OK}
    errors = [{"name": error.name or UNKNOWN, "value": error.message} for error in one.errors]
    first = errors[0]
    return {"outcome": ERROR, "error_name": first["name"], "error_value": first["value"], "errors": errors}
