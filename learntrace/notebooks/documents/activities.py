"""Events as activities: the plain values that measures and signals take."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from learntrace.core.sql import fetch
from learntrace.measures.activity import CHECK, ERROR, EXECUTED, OK, Activity
from learntrace.measures.clock import counted_at
from learntrace.measures.code_hash import without_blanks
from learntrace.measures.failures import from_result
from learntrace.notebooks.models import ASSIGNMENT, Event
from learntrace.progress.recording.activity_store import LearnerActivity

SOURCE = "notebook"

_COLUMNS = """
SELECT id::text, user_id, academy_id, verb, object ->> 'assignment', object ->> 'part',
       object -> 'tags' ?| ARRAY['raises-exception', 'nbval-raises-exception'],
       result::text, session_id, object_id, code_hash, occurred_at, clock_offset_ms, created_at, arrival, object ->> 'code'
  FROM events
"""
# Events whose learner was deleted are left out.
_BY_ID = f"{_COLUMNS} WHERE id = ANY(%s::uuid[]) AND user_id IS NOT NULL"
_OF_LEARNER = f"{_COLUMNS} WHERE user_id = %s"


def read(ids: Collection[str]) -> list[LearnerActivity]:
    """Return the activities of the events with these ids."""
    return _read(_BY_ID, list(ids))


def learners_of(ids: Collection[str]) -> list[int]:
    """Return the learners of these events."""
    rows = Event.objects.filter(pk__in=ids, user__isnull=False)
    return list(rows.order_by().values_list("user_id", flat=True).distinct())


def derive(user_id: int) -> list[LearnerActivity]:
    """Return all of a learner's activities in notebooks, derived from the events."""
    return _read(_OF_LEARNER, user_id)


def learners(assignment: str | None) -> list[int]:
    """Return the ids of the learners who have events: on the assignment, or any if it is None."""
    events = Event.objects.filter(user__isnull=False)
    if assignment is not None:
        events = events.alias(assignment=ASSIGNMENT).filter(assignment=assignment)
    return list(events.order_by().values_list("user_id", flat=True).distinct())


def _read(statement: str, parameter: Any) -> list[LearnerActivity]:
    return [_activity(*row) for row in fetch(statement, [parameter])]


def _activity(
    event_id: str,
    user_id: int,
    academy_id: int | None,
    verb: str,
    assignment: str | None,
    part: str | None,
    may_raise: bool | None,
    result_json: str,
    session_id: str | None,
    object_id: str | None,
    code_hash: str | None,
    occurred_at: datetime,
    clock_offset_ms: int | None,
    received_at: datetime,
    arrival: int,
    code: str | None,
) -> LearnerActivity:
    result: Mapping[str, Any] = msgspec.json.decode(result_json)
    # Only an execution is an attempt and has an outcome, whatever a client adds to other events.
    outcome = result.get("outcome") if verb == EXECUTED else None
    # The author has tagged the cell as one that is meant to raise, by the tag of Jupyter or that of nbval.
    if outcome == ERROR and may_raise:
        outcome = OK
    offset = None if clock_offset_ms is None else timedelta(milliseconds=clock_offset_ms)
    activity = Activity(
        id=event_id,
        at=counted_at(occurred_at, received_at, offset),
        arrival=arrival,
        verb=verb,
        assignment=assignment,
        outcome=outcome,
        failures=from_result(result) if outcome == ERROR else (),
        session_id=session_id,
        object_id=object_id,
        code_hash=code_hash,
        part=CHECK if part == CHECK else None,
    )
    return LearnerActivity(user_id, academy_id, activity, None if code is None else without_blanks(code))


def assigned(activities: Iterable[LearnerActivity]) -> list[LearnerActivity]:
    """Return the activities that belong to an assignment and an academy."""
    return [done for done in activities if done.activity.assignment is not None and done.academy_id is not None]
