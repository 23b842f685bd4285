"""Read activities from their table and write them to it, as the plain values that measures and detectors take."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from learntrace.core.sql import Parameters, execute, fetch, fetch_one, json_rows
from learntrace.measures.activity import COMPLETED, EXECUTED, Activity, Failure
from learntrace.progress.counting import below_floor, counts, exclusion_of, not_kept

# Activities of one moment and one arrival, which the version before "history only grows" has recorded, are read in the order
# of their ids, so that they count the same each time.
_COLUMNS = """a.id::text, a.user_id, a.academy_id, a.at, a.arrival, a.verb, a.assignment, a.outcome, a.failures::text,
       a.session_id, a.object_id, a.code_hash, a.part"""
_SELECT = f"SELECT {_COLUMNS} FROM progress_activity a"  # noqa: S608 (only texts of this module)
_OF_ASSIGNMENTS = f"""{_SELECT}
  JOIN jsonb_to_recordset(%s::jsonb) AS key(learner bigint, academy bigint, about text)
    ON a.user_id = key.learner AND a.assignment = key.about AND a.academy_id IS NOT DISTINCT FROM key.academy
 WHERE {counts("a")}
 ORDER BY a.user_id, a.at, a.arrival, a.id
"""
# Those of earlier course runs, which staff hasn't excluded.
_BEFORE_FLOORS = f"""{_SELECT}
  JOIN jsonb_to_recordset(%s::jsonb) AS key(learner bigint, academy bigint, about text)
    ON a.user_id = key.learner AND a.assignment = key.about AND a.academy_id IS NOT DISTINCT FROM key.academy
 WHERE key.academy IS NOT NULL AND a.before_floor AND a.exclusion_id IS NULL
 ORDER BY a.user_id, a.at, a.arrival, a.id
"""
_OF_LEARNERS = f"{_SELECT} WHERE a.user_id = ANY(%s) AND {counts('a')} ORDER BY a.user_id, a.at, a.arrival, a.id"
# The activities of each learner in an academy from the last attempt with an outcome before a point of the order on; all of
# them if there is no such attempt. One search for that attempt and one walk from there, whatever the planner thinks of a
# table that has just grown.
_MARKS = f"""
WITH since AS MATERIALIZED (
     SELECT point.learner, point.academy, coalesce(mark.at, '-infinity') AS at, coalesce(mark.arrival, 0) AS arrival
       FROM jsonb_to_recordset(%(points)s::jsonb)
         AS point(learner bigint, academy bigint, at timestamptz, arrival bigint)
       LEFT JOIN LATERAL (SELECT m.at, m.arrival FROM progress_activity m
                           WHERE m.user_id = point.learner AND m.academy_id IS NOT DISTINCT FROM point.academy
                             AND m.outcome = %(outcome)s AND m.assignment IS NOT NULL AND {counts("m")}
                             AND (m.at, m.arrival) < (point.at, point.arrival)
                           ORDER BY m.at DESC, m.arrival DESC LIMIT 1) AS mark ON true
)
"""  # noqa: S608 (only texts of this module)
_SINCE = f"""{_MARKS}
SELECT {_COLUMNS}
  FROM since
 CROSS JOIN LATERAL (SELECT * FROM progress_activity x
                      WHERE x.user_id = since.learner AND x.academy_id IS NOT DISTINCT FROM since.academy
                        AND (x.at, x.arrival) >= (since.at, since.arrival) AND {counts("x")}
                      ORDER BY x.at, x.arrival OFFSET 0) AS a
 ORDER BY a.user_id, a.at, a.arrival, a.id
"""  # noqa: S608 (only texts of this module)
_MORE_SINCE = f"""{_MARKS}
SELECT learner, academy FROM since
 WHERE (SELECT count(*)
          FROM (SELECT FROM progress_activity x
                 WHERE x.user_id = since.learner AND x.academy_id IS NOT DISTINCT FROM since.academy
                   AND (x.at, x.arrival) >= (since.at, since.arrival) AND {counts("x")}
                 LIMIT %(most)s + 1) AS activity) > %(most)s
"""  # noqa: S608 (only texts of this module)
_ATTEMPTS = f"""SELECT a.id::text, a.at FROM progress_activity a
 WHERE a.id = ANY(%(ids)s::uuid[]) AND {counts("a")}
   AND (a.verb = %(executed)s
        OR a.verb = %(completed)s
           AND NOT EXISTS (SELECT FROM progress_activity o
                            WHERE o.user_id = a.user_id AND o.assignment = a.assignment AND o.verb = %(completed)s
                              AND o.id <> ALL(%(ids)s::uuid[]) AND {counts("o")}))"""  # noqa: S608 (only texts of this module)
_MISSING = "SELECT asked.id FROM unnest(%s::text[]) AS asked(id) WHERE NOT EXISTS (SELECT FROM progress_activity a WHERE a.id = asked.id::uuid)"  # noqa: E501
_DELETE = "DELETE FROM progress_activity a USING unnest(%s::uuid[]) AS gone(id) WHERE a.id = gone.id"
_BY_ID = f"{_SELECT} WHERE a.id = ANY(%s::uuid[]) ORDER BY a.at, a.arrival, a.id"

# Two statements, as PostgreSQL uses no index for "IS NOT DISTINCT FROM".
_LATEST_OF = f"SELECT a.at FROM progress_activity a WHERE {counts('a')} AND a.academy_id"  # noqa: S608 (as above)
_LATEST = f"{_LATEST_OF} = %s ORDER BY a.at DESC LIMIT 1"
_LATEST_WITHOUT_ACADEMY = f"{_LATEST_OF} IS NULL ORDER BY a.at DESC LIMIT 1"

# The sources that keep out by themselves what was before an erasure (`sources.Source.told_once`).
TOLD_ONCE: set[str] = set()

# Each id once: a source may report the same activity again, and two workers may do so at the same moment. What staff has
# excluded is stored as excluded, and what was before a floor as such; what isn't kept is not stored. Where a rename
# stands, it is stored under the step's new name, with that under which it was told.
_INSERT = f"""
WITH told AS (
    SELECT * FROM jsonb_to_recordset(%(activities)s::jsonb)
        AS r(id uuid, user_id bigint, academy_id bigint, assignment text, verb text, outcome text, failures jsonb,
             session_id text, object_id text, code_hash text, at timestamptz, arrival bigint, part text)
), placed AS (
    SELECT told.id, told.user_id, told.academy_id, told.verb, told.outcome, told.failures, told.session_id, told.object_id,
           told.code_hash, told.at, told.arrival, told.part, coalesce(n.read_as, told.assignment) AS assignment,
           CASE WHEN n.id IS NOT NULL THEN told.assignment END AS told_as
      FROM told LEFT JOIN progress_steprename n
        ON n.academy_id = told.academy_id AND n.old_key = told.assignment AND n.undone_at IS NULL
)
INSERT INTO progress_activity (id, source, user_id, academy_id, assignment, told_as, verb, outcome, failures, session_id,
                               object_id, code_hash, at, arrival, part, exclusion_id, before_floor)
SELECT id, %(source)s, user_id, academy_id, assignment, told_as, verb, outcome, failures, session_id, object_id, code_hash,
       at, arrival, part,
       {exclusion_of("placed")}, {below_floor("placed")}
  FROM placed
 WHERE NOT {not_kept("placed")}
 ORDER BY id
ON CONFLICT (id) DO NOTHING
RETURNING id::text, assignment, exclusion_id IS NULL AND NOT before_floor
"""  # noqa: S608 (only texts of this module)


@dataclass(frozen=True, slots=True)
class LearnerActivity:
    """An activity with its learner and the academy that sees it, None if no academy does.

    `code` is what was run, as it is hashed, where the source collects it; it is written and never read again with it.
    """

    user_id: int
    academy_id: int | None
    activity: Activity
    code: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AssignmentKey:
    """A learner's assignment in an academy: measures are stored for each of these."""

    user_id: int
    academy_id: int | None
    assignment: str


def assignment_key_of(activity: LearnerActivity) -> AssignmentKey | None:
    """Return the key whose measures an activity belongs to, None for an activity of no assignment."""
    assignment = activity.activity.assignment
    return None if assignment is None else AssignmentKey(activity.user_id, activity.academy_id, assignment)


def key_rows(keys: Iterable[AssignmentKey]) -> str:
    """Return keys as the one parameter of a statement that joins them."""
    return json_rows({"learner": key.user_id, "academy": key.academy_id, "about": key.assignment} for key in keys)


@dataclass(frozen=True)
class Inserted:
    """The result of writing activities: the ids of the new ones, and those of them that count."""

    ids: frozenset[str] = frozenset()
    counted: Sequence[LearnerActivity] = ()


def insert(source: str, activities: Sequence[LearnerActivity]) -> Inserted:
    """Write activities that aren't stored yet."""
    if not activities:
        return Inserted()
    rows = fetch(
        _INSERT,
        {"source": source, "told_once": source in TOLD_ONCE, "activities": json_rows(map(_row, activities))},
    )
    placed = {identifier: assignment for identifier, assignment, counted in rows if counted}
    by_id = {told.activity.id: told for told in activities}
    counted = [_read_as(told, placed[identifier]) for identifier, told in by_id.items() if identifier in placed]
    return Inserted(frozenset(row[0] for row in rows), counted)


def _read_as(told: LearnerActivity, assignment: str | None) -> LearnerActivity:
    """Return the activity under the assignment that it is read as, where a rename says so."""
    if told.activity.assignment == assignment:
        return told
    return replace(told, activity=replace(told.activity, assignment=assignment))


def _row(stored: LearnerActivity) -> dict[str, Any]:
    activity = stored.activity
    return {
        "id": activity.id,
        "user_id": stored.user_id,
        "academy_id": stored.academy_id,
        "assignment": activity.assignment,
        "verb": activity.verb,
        "outcome": activity.outcome,
        "failures": [[failure.name, failure.message] for failure in activity.failures],
        "session_id": activity.session_id,
        "object_id": activity.object_id,
        "code_hash": activity.code_hash,
        "part": activity.part,
        "at": activity.at,
        "arrival": activity.arrival,
    }


def of_keys(keys: Collection[AssignmentKey]) -> list[LearnerActivity]:
    """Return all activities on the learners' assignments that count, each learner's in order."""
    return _read(_OF_ASSIGNMENTS, [key_rows(keys)]) if keys else []


def before_floors(keys: Collection[AssignmentKey]) -> list[LearnerActivity]:
    """Return all activities of earlier course runs on the learners' assignments, each learner's in order."""
    return _read(_BEFORE_FLOORS, [key_rows(keys)]) if keys else []


def of_learners(user_ids: Collection[int]) -> list[LearnerActivity]:
    """Return all activities of the learners that count, each learner's in order."""
    return _read(_OF_LEARNERS, [list(user_ids)]) if user_ids else []


Points = Mapping[tuple[int, int | None], tuple[datetime, int]]
"""A point in the order of each learner's activities in an academy: (user id, academy id) to (time, arrival)."""


def since_attempts(points: Points, outcome: str) -> list[LearnerActivity]:
    """Return activities of learners in academies from the last attempt with that outcome before a point of their order.

    Without such an attempt, all activities are returned.
    """
    return _read(_SINCE, {"points": _point_rows(points), "outcome": outcome}) if points else []


def with_more_since_attempts(points: Points, outcome: str, most: int) -> set[tuple[int, int | None]]:
    """Return the learners and academies of which `since_attempts` would return more than `most` activities."""
    if not points:
        return set()
    asked = {"points": _point_rows(points), "outcome": outcome, "most": most}
    return {(learner, academy) for learner, academy in fetch(_MORE_SINCE, asked)}


def _point_rows(points: Points) -> str:
    return json_rows(
        {"learner": learner, "academy": academy, "at": at, "arrival": arrival}
        for (learner, academy), (at, arrival) in points.items()
    )


def executions(ids: Collection[str]) -> dict[str, datetime]:
    """Return the times of those of these activities that count and are executions, or completions of steps of which no
    other activity tells one."""
    parameters = {"ids": list(ids), "executed": EXECUTED, "completed": COMPLETED}
    return dict(fetch(_ATTEMPTS, parameters)) if ids else {}


def missing(ids: Collection[str]) -> set[str]:
    """Return those of the ids that no stored activity has."""
    return {identifier for (identifier,) in fetch(_MISSING, [list(ids)])} if ids else set()


def delete(ids: Collection[str]) -> int:
    """Delete activities in the open transaction, for an erasure; return how many. The caller sees to what follows."""
    return execute(_DELETE, [list(ids)]) if ids else 0


def by_id(ids: Collection[str]) -> list[LearnerActivity]:
    """Return the activities with these ids, in order, excluded ones too."""
    return _read(_BY_ID, [list(ids)]) if ids else []


def _read(statement: str, parameters: Parameters) -> list[LearnerActivity]:
    return [_activity(*row) for row in fetch(statement, parameters)]


def _activity(
    identifier: str,
    user_id: int,
    academy_id: int | None,
    at: datetime,
    arrival: int,
    verb: str,
    assignment: str | None,
    outcome: str | None,
    failures: str,
    session_id: str | None,
    object_id: str | None,
    code_hash: str | None,
    part: str | None,
) -> LearnerActivity:
    """Return the activity of a row; the parameters are `_COLUMNS`, in their order."""
    activity = Activity(
        id=identifier,
        at=at,
        arrival=arrival,
        verb=verb,
        assignment=assignment,
        outcome=outcome,
        failures=tuple(Failure(*pair) for pair in msgspec.json.decode(failures)),
        session_id=session_id,
        object_id=object_id,
        code_hash=code_hash,
        part=part,
    )
    return LearnerActivity(user_id, academy_id, activity)


def latest_at(academy_id: int | None) -> datetime | None:
    """Return the time of the latest activity in an academy, by the learner's clock."""
    row = fetch_one(_LATEST_WITHOUT_ACADEMY) if academy_id is None else fetch_one(_LATEST, [academy_id])
    return None if row is None else row[0]


def by_key(activities: Iterable[LearnerActivity]) -> dict[AssignmentKey, list[Activity]]:
    """Return activities by assignment key, in the given order; those of no assignment are left out."""
    grouped: dict[AssignmentKey, list[Activity]] = {}
    for activity in activities:
        if (key := assignment_key_of(activity)) is not None:
            grouped.setdefault(key, []).append(activity.activity)
    return grouped
