"""Events as what learners did: the plain values that measures and signals take."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from learntrace.metrics.attempts import ERROR, EXECUTED, Activity
from learntrace.metrics.failures import from_result
from learntrace.notebooks.models import ASSIGNMENT, Event
from learntrace.progress.reading import Done

SOURCE = "notebook"

_COLUMNS = """
SELECT id::text, user_id, academy_id, verb, object ->> 'assignment', result::text, session_id, object_id, code_hash,
       occurred_at, arrival
  FROM events
"""
# An event whose learner is gone is nobody's doing any more.
_BY_ID = f"{_COLUMNS} WHERE id = ANY(%s::uuid[]) AND user_id IS NOT NULL"
_OF_LEARNER = f"{_COLUMNS} WHERE user_id = %s"


def read(ids: Collection[str]) -> list[Done]:
    """What the events with these ids are."""
    return _read(_BY_ID, list(ids))


def learners_of(ids: Collection[str]) -> list[int]:
    """Whose events these are."""
    rows = Event.objects.filter(pk__in=ids, user__isnull=False)
    return list(rows.order_by().values_list("user_id", flat=True).distinct())


def derive(user_id: int) -> list[Done]:
    """All that a learner did in notebooks, made from the events again."""
    return _read(_OF_LEARNER, user_id)


def learners(assignment: str | None) -> list[int]:
    """The ids of those whose events are kept, of any kind or on that assignment."""
    events = Event.objects.filter(user__isnull=False)
    if assignment is not None:
        events = events.alias(assignment=ASSIGNMENT).filter(assignment=assignment)
    return list(events.order_by().values_list("user_id", flat=True).distinct())


def _read(statement: str, parameter: Any) -> list[Done]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [parameter])
        return [_done(*row) for row in cursor.fetchall()]


def _done(
    identifier: str, user_id: int, academy_id: int | None, verb: str, assignment: str | None, result: str,
    session_id: str | None, object_id: str | None, code_hash: str | None, at: datetime, arrival: int,
) -> Done:  # fmt: skip
    told: Mapping[str, Any] = msgspec.json.decode(result)
    # Only an execution has an outcome that is an attempt's, whatever else a client adds to other events.
    outcome = told.get("outcome") if verb == EXECUTED else None
    return Done(
        user_id,
        academy_id,
        Activity(
            id=identifier, at=at, arrival=arrival, verb=verb, assignment=assignment, outcome=outcome,
            failures=from_result(told) if outcome == ERROR else (), session_id=session_id, object_id=object_id,
            code_hash=code_hash,
        ),
    )  # fmt: skip


def assigned(done: Iterable[Done]) -> list[Done]:
    """Those that belong to an assignment in an academy."""
    return [one for one in done if one.activity.assignment is not None and one.academy_id is not None]
