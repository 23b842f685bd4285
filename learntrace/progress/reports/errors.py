"""The errors of a class by type and message: how many learners had each, and how long they took to solve it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from learntrace.core.sql import fetch, json_rows
from learntrace.progress.catalogue import SHOWN_TO_CLASS
from learntrace.progress.counting import counts
from learntrace.progress.reports.activity_rate import Scope

# Name and message as the sources have cleaned them. An attempt with several errors counts once for each of them.
_RECENT_OF = """
SELECT a.assignment, failure->>0 AS name, failure->>1 AS message, count(DISTINCT a.user_id) AS learners, count(*) AS times
  FROM progress_activity a CROSS JOIN LATERAL jsonb_array_elements(a.failures) AS failure
 WHERE a.academy_id = %(academy)s AND a.at > %(since)s AND a.at <= %(now)s AND a.outcome = 'error'
   AND a.part IS DISTINCT FROM 'check' AND a.assignment IS NOT NULL AND {shown} AND {counts}
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
   AND (%(keys)s::text[] IS NULL OR a.assignment = ANY(%(keys)s))
 GROUP BY a.assignment, name, message
 ORDER BY learners DESC, times DESC, a.assignment, name, message
 LIMIT %(most)s
"""
_RECENT = _RECENT_OF.format(shown=SHOWN_TO_CLASS.format(academy="a.academy_id", key="a.assignment"), counts=counts("a"))
_ON_ASSIGNMENTS = """
SELECT p.assignment, min(e.name) AS name, min(e.message) AS message, count(*) AS learners, sum(e.count)::bigint AS times
  FROM progress_progress p JOIN progress_errorcount e ON e.progress_id = p.id
 WHERE p.academy_id = %(academy)s AND p.assignment = ANY(%(keys)s)
   AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
 GROUP BY p.assignment, e.digest
 ORDER BY learners DESC, times DESC, name, message
 LIMIT %(most)s
"""
# The counts hold when each learner first had the error; the next success is one step in the index activity_assignment.
_SOLVED = f"""
WITH error AS (
     SELECT * FROM jsonb_to_recordset(%(errors)s::jsonb) AS r(number int, about text, name text, message text)
), seen AS MATERIALIZED (
     SELECT p.id, p.user_id, p.assignment, p.academy_id
       FROM progress_progress p
      WHERE p.academy_id = %(academy)s AND p.assignment = ANY(%(error_keys)s)
        AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
)
SELECT error.number, extract(epoch FROM solved.at - e.first_at)::float8
  FROM seen p
  JOIN progress_errorcount e ON e.progress_id = p.id
  JOIN error ON error.about = p.assignment AND error.name = e.name AND error.message = e.message
 CROSS JOIN LATERAL (
       SELECT a.at FROM progress_activity a
        WHERE a.user_id = p.user_id AND a.assignment = p.assignment AND a.at >= e.first_at
          AND (a.outcome = 'ok' OR a.verb = 'completed') AND a.academy_id = p.academy_id AND {counts("a")}
        ORDER BY a.at LIMIT 1) AS solved
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class ErrorRow:
    """An error on an assignment: the number of learners who had it, how often it occurred, and how long it took to solve.

    `solved` counts the learners with a later success, or who were done later. `median_seconds` is the median of their
    times from the first occurrence to then, None where nobody solved it.
    """

    assignment: str
    name: str
    message: str
    learners: int
    times: int
    solved: int = 0
    median_seconds: float | None = None


def recent_errors(scope: Scope, most: int) -> list[ErrorRow]:
    """Return the errors of the last half hour, those of most learners first, at most `most`; runs two queries."""
    return _read(_RECENT, {**scope.parameters(), "most": most})


def errors_on(academy_id: int, keys: Collection[str], learners: Collection[int] | None, most: int) -> list[ErrorRow]:
    """Return all errors on the assignments, those of most learners first, at most `most`; runs two queries."""
    learner_ids = None if learners is None else list(learners)
    return _read(_ON_ASSIGNMENTS, {"academy": academy_id, "keys": list(keys), "learners": learner_ids, "most": most})


def _read(statement: str, parameters: dict[str, Any]) -> list[ErrorRow]:
    errors = [ErrorRow(*row) for row in fetch(statement, parameters)]
    if not errors:
        return []
    seconds = _seconds_to_solve(errors, parameters)
    return [
        replace(error, solved=len(times), median_seconds=median(times) if times else None)
        for error, times in zip(errors, seconds, strict=True)
    ]


def _seconds_to_solve(errors: Sequence[ErrorRow], parameters: dict[str, Any]) -> list[list[float]]:
    """Return for each error the seconds of the learners who solved it."""
    rows = [
        {"number": number, "about": error.assignment, "name": error.name, "message": error.message}
        for number, error in enumerate(errors)
    ]
    seconds: list[list[float]] = [[] for _ in errors]
    keys = [*{error.assignment for error in errors}]
    for number, taken in fetch(_SOLVED, {**parameters, "errors": json_rows(rows), "error_keys": keys}):
        seconds[number].append(taken)
    return seconds
