"""Activities as rows: read from the table and written to it, as the plain values that measures and detectors take."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from learntrace.metrics.attempts import Activity, Failure

_COLUMNS = """a.id::text, a.user_id, a.academy_id, a.at, a.arrival, a.verb, a.assignment, a.outcome, a.failures::text,
       a.session_id, a.object_id, a.code_hash"""
_SELECT = f"SELECT {_COLUMNS} FROM progress_activity a"  # noqa: S608 (of our own texts alone)
_OF_ASSIGNMENTS = f"""{_SELECT}
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, about text)
    ON a.user_id = asked.learner AND a.assignment = asked.about AND a.academy_id IS NOT DISTINCT FROM asked.academy
 ORDER BY a.user_id, a.at, a.arrival
"""
_OF_LEARNERS = f"{_SELECT} WHERE a.user_id = ANY(%s) ORDER BY a.user_id, a.at, a.arrival"
# Of each learner in an academy, from the last attempt with an outcome before a point of the order; all, if there is none.
# One search for the point and one walk from there, whatever the planner thinks of a table that has just grown.
_SINCE = f"""
WITH since AS MATERIALIZED (
     SELECT asked.learner, asked.academy, coalesce(mark.at, '-infinity') AS at, coalesce(mark.arrival, 0) AS arrival
       FROM jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, at timestamptz, arrival bigint)
       LEFT JOIN LATERAL (SELECT m.at, m.arrival FROM progress_activity m
                           WHERE m.user_id = asked.learner AND m.academy_id IS NOT DISTINCT FROM asked.academy
                             AND m.outcome = %s AND m.assignment IS NOT NULL
                             AND (m.at, m.arrival) < (asked.at, asked.arrival)
                           ORDER BY m.at DESC, m.arrival DESC LIMIT 1) AS mark ON true
)
SELECT {_COLUMNS}
  FROM since
 CROSS JOIN LATERAL (SELECT * FROM progress_activity x
                      WHERE x.user_id = since.learner AND x.academy_id IS NOT DISTINCT FROM since.academy
                        AND (x.at, x.arrival) >= (since.at, since.arrival)
                      ORDER BY x.at, x.arrival OFFSET 0) AS a
 ORDER BY a.user_id, a.at, a.arrival
"""  # noqa: S608 (of our own texts alone)
_OF_SOURCE = f"{_SELECT} WHERE a.user_id = %s AND a.source = %s AND starts_with(a.assignment, %s)"
_BY_ID = f"{_SELECT} WHERE a.id = ANY(%s::uuid[]) ORDER BY a.at, a.arrival"

# Two, as PostgreSQL uses no index for "IS NOT DISTINCT FROM".
_LATEST = "SELECT at FROM progress_activity WHERE academy_id = %s ORDER BY at DESC LIMIT 1"
_LATEST_OF_NONE = "SELECT at FROM progress_activity WHERE academy_id IS NULL ORDER BY at DESC LIMIT 1"

# Each id once: a source may tell the same thing again, also two workers at the same moment.
_INSERT = """
INSERT INTO progress_activity (id, source, user_id, academy_id, assignment, verb, outcome, failures, session_id, object_id,
                               code_hash, at, arrival)
SELECT id, %s, user_id, academy_id, assignment, verb, outcome, failures, session_id, object_id, code_hash, at, arrival
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(id uuid, user_id bigint, academy_id bigint, assignment text, verb text, outcome text, failures jsonb,
         session_id text, object_id text, code_hash text, at timestamptz, arrival bigint)
 ORDER BY id
ON CONFLICT (id) DO NOTHING
RETURNING id::text
"""


@dataclass(frozen=True, slots=True)
class Done:
    """An activity with whose it is, and the academy that sees it."""

    user_id: int
    academy_id: int | None
    activity: Activity


@dataclass(frozen=True, slots=True)
class Place:
    """A learner's assignment in an academy: what measures are kept of."""

    user_id: int
    academy_id: int | None
    assignment: str


def place_of(done: Done) -> Place | None:
    assignment = done.activity.assignment
    return None if assignment is None else Place(done.user_id, done.academy_id, assignment)


def insert(source: str, done: Sequence[Done]) -> set[str]:
    """Write activities; the ids of those that weren't there yet."""
    if not done:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [source, msgspec.json.encode([_row(one) for one in done]).decode()])
        return {row[0] for row in cursor.fetchall()}


def _row(done: Done) -> dict[str, Any]:
    one = done.activity
    return {
        "id": one.id, "user_id": done.user_id, "academy_id": done.academy_id, "assignment": one.assignment,
        "verb": one.verb, "outcome": one.outcome, "failures": [[failure.name, failure.message] for failure in one.failures],
        "session_id": one.session_id, "object_id": one.object_id, "code_hash": one.code_hash, "at": one.at,
        "arrival": one.arrival,
    }  # fmt: skip


def of_places(places: Collection[Place]) -> list[Done]:
    """All activities on the learners' assignments, each learner's in their order."""
    if not places:
        return []
    asked = [{"learner": one.user_id, "academy": one.academy_id, "about": one.assignment} for one in places]
    return list(_read(_OF_ASSIGNMENTS, [msgspec.json.encode(asked).decode()]))


def of_learners(user_ids: Collection[int]) -> list[Done]:
    """All activities of the learners, each learner's in their order."""
    return list(_read(_OF_LEARNERS, [list(user_ids)])) if user_ids else []


def since_attempts(points: Mapping[tuple[int, int | None], tuple[datetime, int]], outcome: str) -> list[Done]:
    """Activities of learners in academies, each from the last attempt with that outcome before a point of their order on;
    all of them, where there is no such attempt."""
    if not points:
        return []
    asked = [
        {"learner": learner, "academy": academy, "at": point[0], "arrival": point[1]}
        for (learner, academy), point in points.items()
    ]
    return list(_read(_SINCE, [msgspec.json.encode(asked).decode(), outcome]))


def of_source(user_id: int, source: str, prefix: str) -> list[Done]:
    """A learner's activities of one source, on assignments that start with the prefix."""
    return list(_read(_OF_SOURCE, [user_id, source, prefix]))


def by_id(ids: Collection[str]) -> list[Done]:
    """The activities with these ids, in their order."""
    return list(_read(_BY_ID, [list(ids)])) if ids else []


def _read(statement: str, parameters: list[Any]) -> Iterator[Done]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield from map(_done, cursor.fetchall())


def _done(row: tuple[Any, ...]) -> Done:
    identifier, user_id, academy_id, at, arrival, verb, assignment, outcome, failures, session, about, code_hash = row
    return Done(
        user_id,
        academy_id,
        Activity(
            id=identifier, at=at, arrival=arrival, verb=verb, assignment=assignment, outcome=outcome,
            failures=tuple(Failure(*pair) for pair in msgspec.json.decode(failures)), session_id=session, object_id=about,
            code_hash=code_hash,
        ),
    )  # fmt: skip


def latest_at(academy_id: int | None) -> datetime | None:
    """The learner's clock at the latest activity in an academy."""
    with connection.cursor() as cursor:
        if academy_id is None:
            cursor.execute(_LATEST_OF_NONE)
        else:
            cursor.execute(_LATEST, [academy_id])
        row = cursor.fetchone()
    return None if row is None else row[0]


def by_place(done: Iterable[Done]) -> dict[Place, list[Activity]]:
    """Activities by what measures are kept of, in the order in which they come; those of no assignment are left out."""
    found: dict[Place, list[Activity]] = {}
    for one in done:
        if (place := place_of(one)) is not None:
            found.setdefault(place, []).append(one.activity)
    return found
