"""What learners do, one thing after the other, for the tests of detectors."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import strategies as st

from learntrace.measures.activity import ABORTED, CLOSED, ERROR, EXECUTED, OK, Activity, Failure
from learntrace.signals.detectors.base import Change, Detector, Finding, Findings, State, advance

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NAME = Failure("NameError", "name 'x' is not defined")
TYPE = Failure("TypeError", "unsupported operand")
VALUE = Failure("ValueError", "bad")

# Tables from which one draw takes several things at once: draws are most of what such a test costs.
_KINDS = (ERROR, ERROR, ERROR, ERROR, ERROR, OK, ABORTED, "saved", "focused", CLOSED)
_GAPS = (0, 0, 1, 4, 5, 20, 150, 300, 400, 899.999999, 900, 2000)
# None, one of three or two of them, each about as often.
_FAILURES = tuple(
    failures for number in range(3) for failures in 9 // 3**number * [*product((NAME, TYPE, VALUE), repeat=number)]
)
_WHAT = st.sampled_from(list(product(_KINDS, _GAPS)))
_HASHES = ("h1", "h1", "h1", "h2", None)
_CODES = st.sampled_from(list(product(_HASHES, _FAILURES)))
_SESSIONS = ("s1", "s1", "s2", None)
_OBJECTS = ("c1", "c1", "c2", None)


def moment(seconds: float = 0, *, minutes: float = 0) -> datetime:
    return START + timedelta(seconds=seconds, minutes=minutes)


def activity(number: int, at: float, verb: str = EXECUTED, **more: Any) -> Activity:
    """The activity "a<number>", `at` seconds after the start; on ex-1, in a cell and a session, unless told otherwise."""
    standard = {"assignment": "ex-1", "session_id": "s1", "object_id": "c1"}
    return Activity(id=f"a{number}", at=moment(at), arrival=number, verb=verb, **{**standard, **more})


def failing(number: int, at: float, code: str | None = "h1", *failures: Failure, **more: Any) -> Activity:
    return activity(number, at, outcome=ERROR, failures=failures or (NAME,), code_hash=code, **more)


def passing(number: int, at: float, code: str | None = "h1", **more: Any) -> Activity:
    return activity(number, at, outcome=OK, code_hash=code, **more)


def aborted(number: int, at: float, code: str | None = "h1", **more: Any) -> Activity:
    return activity(number, at, outcome=ABORTED, code_hash=code, **more)


def attempts(pattern: str, *, every: float = 60, code: str | None = "h1") -> list[Activity]:
    """One attempt a letter, from the start on: x failed, - succeeded, a aborted, s is a save."""
    made = {"x": failing, "-": passing, "a": aborted}
    return [
        activity(number, number * every, "saved") if letter == "s" else made[letter](number, number * every, code)
        for number, letter in enumerate(pattern, 1)
    ]


def changes_of(detector: Detector, activities: Iterable[Activity], **thresholds: float) -> list[Change]:
    return list(advance(detector, detector.begin(), activities, {**detector.defaults(), **thresholds}))


def findings_of(detector: Detector, activities: Iterable[Activity], **thresholds: float) -> list[Finding]:
    """What a detector finds in one group, the oldest first."""
    found = Findings()
    found.apply(changes_of(detector, activities, **thresholds))
    return sorted(found.by_key.values(), key=lambda finding: finding.opened_at)


def stored(state: State) -> State:
    """A state as it comes back from the database."""
    again: State = json.loads(json.dumps(state, allow_nan=False))
    assert again == state
    return again


def in_order(activities: Iterable[Activity]) -> list[Activity]:
    """As they come out of the database: each once, in the learner's order."""
    once = {activity.id: activity for activity in activities}
    return sorted(once.values(), key=lambda activity: activity.order)


def sequences(longest: int = 40, *, assignments: Sequence[str | None] = ("ex-1",)) -> st.SearchStrategy[list[Activity]]:
    """Activities of one learner in their order: few codes, errors, cells and sessions, so that they meet; gaps around
    the thresholds, and none at all."""
    one = st.tuples(_WHAT, _CODES, st.sampled_from(list(product(_SESSIONS, _OBJECTS, assignments))))
    return st.lists(one, max_size=longest).map(lambda rows: list(_made(rows)))


def _made(rows: Iterable[tuple[Any, ...]]) -> Iterator[Activity]:
    at = 0.0
    for number, ((kind, gap), (code, failures), (session, cell, assignment)) in enumerate(rows, 1):
        at += gap
        about: Mapping[str, Any] = {"session_id": session, "object_id": cell, "assignment": assignment}
        if kind not in (ERROR, OK, ABORTED):
            yield activity(number, at, kind, **about)
        else:
            found = failures if kind == ERROR else ()
            yield activity(number, at, outcome=kind, code_hash=code, failures=found, **about)
