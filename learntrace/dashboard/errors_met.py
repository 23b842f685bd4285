"""The errors that a class meets, by type and message: how many learners each, and how long until it is solved."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import msgspec
from django.db import connection

from learntrace.dashboard.pulse import Scope

# Name and message as the sources have cleaned them. An attempt with several errors met each of them.
_LATELY = """
SELECT a.assignment, failure->>0 AS name, failure->>1 AS message, count(DISTINCT a.user_id) AS learners, count(*) AS times
  FROM progress_activity a CROSS JOIN LATERAL jsonb_array_elements(a.failures) AS failure
 WHERE a.academy_id = %(academy)s AND a.at > %(since)s AND a.at <= %(now)s AND a.outcome = 'error'
   AND a.assignment IS NOT NULL
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
   AND (%(keys)s::text[] IS NULL OR a.assignment = ANY(%(keys)s))
 GROUP BY a.assignment, name, message
 ORDER BY learners DESC, times DESC, a.assignment, name, message
 LIMIT %(most)s
"""
_EVER = """
SELECT p.assignment, min(e.name) AS name, min(e.message) AS message, count(*) AS learners, sum(e.count)::bigint AS times
  FROM progress_progress p JOIN progress_errorcount e ON e.progress_id = p.id
 WHERE p.academy_id = %(academy)s AND p.assignment = ANY(%(keys)s)
   AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
 GROUP BY p.assignment, e.digest
 ORDER BY learners DESC, times DESC, name, message
 LIMIT %(most)s
"""
# When each learner met it first stands in the counts; the next success is one step in the index activity_assignment.
_SOLVED = """
WITH asked AS (
     SELECT * FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(place int, about text, name text, message text)
), seen AS MATERIALIZED (
     SELECT p.id, p.user_id, p.assignment, p.academy_id
       FROM progress_progress p
      WHERE p.academy_id = %(academy)s AND p.assignment = ANY(%(keys_asked)s)
        AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
)
SELECT asked.place, extract(epoch FROM solved.at - e.first_at)::float8
  FROM seen p
  JOIN progress_errorcount e ON e.progress_id = p.id
  JOIN asked ON asked.about = p.assignment AND asked.name = e.name AND asked.message = e.message
 CROSS JOIN LATERAL (
       SELECT a.at FROM progress_activity a
        WHERE a.user_id = p.user_id AND a.assignment = p.assignment AND a.at >= e.first_at AND a.outcome = 'ok'
          AND a.academy_id = p.academy_id
        ORDER BY a.at LIMIT 1) AS solved
"""


@dataclass(frozen=True)
class ErrorMet:
    """An error on an assignment: by how many learners, how often, and the median of the seconds until it was solved.

    `solved` of the learners have succeeded after it; without any the median is None.
    """

    assignment: str
    name: str
    message: str
    learners: int
    times: int
    solved: int = 0
    median_seconds: float | None = None


def errors_lately(scope: Scope, most: int) -> list[ErrorMet]:
    """What the class has met in the last half hour, that of most learners first; two queries."""
    return _read(_LATELY, {**scope.parameters(), "most": most})


def errors_ever(academy_id: int, keys: Collection[str], learners: Collection[int] | None, most: int) -> list[ErrorMet]:
    """What was ever met on the assignments, that of most learners first; two queries."""
    asked = {"academy": academy_id, "keys": list(keys), "learners": None if learners is None else list(learners)}
    return _read(_EVER, {**asked, "most": most})


def _read(statement: str, parameters: dict[str, Any]) -> list[ErrorMet]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
        if not rows:
            return []
        asked = [
            {"place": place, "about": key, "name": name, "message": message}
            for place, (key, name, message, *_counts) in enumerate(rows)
        ]
        cursor.execute(_SOLVED, {**parameters, "asked": _json(asked), "keys_asked": [*{row[0] for row in rows}]})
        seconds: dict[int, list[float]] = {}
        for place, taken in cursor.fetchall():
            seconds.setdefault(place, []).append(taken)
    return [
        replace(ErrorMet(*row), solved=len(taken), median_seconds=median(taken) if taken else None)
        for place, row in enumerate(rows)
        for taken in [seconds.get(place, [])]
    ]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
