"""How a class does on each assignment: those that exist, and those that somebody was only seen on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from learntrace.progress.classes import classes_of
from learntrace.progress.selection import Selection

MOST_ERRORS = 5

# The full join: an assignment nobody was seen on is in the list with zeros, and one that nobody published as well.
_READ = """
WITH published AS (
    SELECT a.key, a.title, a.asset_id, asset.slug, a.position
      FROM progress_assignment a JOIN registry_asset asset ON asset.id = a.asset_id
     WHERE a.academy_id = %(academy)s AND (%(assets)s::bigint[] IS NULL OR a.asset_id = ANY(%(assets)s))
), seen AS (
    SELECT p.assignment AS key, count(*) AS learners, count(*) FILTER (WHERE p.last_outcome = 'ok') AS done,
           sum(p.attempts)::bigint AS attempts, sum(p.errors)::bigint AS errors,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY p.active_seconds) AS active, max(p.last_seen_at) AS last_seen_at
      FROM progress_progress p
     WHERE p.academy_id = %(academy)s
       AND (%(assets)s::bigint[] IS NULL OR p.assignment IN (SELECT key FROM published))
       AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
     GROUP BY p.assignment
)
SELECT key, coalesce(published.title, ''), published.asset_id, published.slug, coalesce(seen.learners, 0),
       coalesce(seen.done, 0), coalesce(seen.attempts, 0), coalesce(seen.errors, 0), seen.active, seen.last_seen_at
  FROM published FULL JOIN seen USING (key)
 ORDER BY published.slug NULLS LAST, published.position, key
"""
# Grouped by the digest, which is shorter than what it stands for.
_ERRORS = """
SELECT assignment, name, message, times, learners
  FROM (SELECT p.assignment, min(e.name) AS name, min(e.message) AS message, sum(e.count)::bigint AS times,
               count(*) AS learners,
               row_number() OVER (PARTITION BY p.assignment
                                  ORDER BY sum(e.count) DESC, count(*) DESC, min(e.name), min(e.message)) AS place
          FROM progress_progress p JOIN progress_errorcount e ON e.progress_id = p.id
         WHERE p.academy_id = %(academy)s AND p.assignment = ANY(%(keys)s)
           AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
         GROUP BY p.assignment, e.digest) AS counted
 WHERE place <= %(most)s
 ORDER BY assignment, place
"""


@dataclass
class AssignmentRow:
    """What a class did on an assignment. `learners` is the class; times are seconds, rates 0 to 100.

    `asset` is None where no asset has it.
    """

    assignment: str
    title: str
    asset: Mapping[str, Any] | None
    learners: int
    learners_seen: int
    learners_done: int
    completion_rate: float
    attempts: int
    errors: int
    median_active_time: float | None
    last_seen_at: datetime | None
    top_errors: list[Mapping[str, Any]] = field(default_factory=list)
    explain: Mapping[str, Any] | None = None


def percent(part: int, whole: int) -> float:
    """A part of a whole, 0 to 100, rounded to two places; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def assignments_of(selection: Selection) -> list[AssignmentRow]:
    """Each assignment's numbers, in the order of its asset; without errors (`with_errors`)."""
    parameters = {
        "academy": selection.academy.pk, "assets": selection.asset_ids, "learners": selection.learner_ids,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ, parameters)
        rows = cursor.fetchall()
    assets = frozenset(row[2] for row in rows if row[2] is not None)
    classes = classes_of(selection, assets) if assets else {}
    return [_row(row, classes) for row in rows]


def _row(row: tuple[Any, ...], classes: Mapping[int, frozenset[int]]) -> AssignmentRow:
    key, title, asset_id, slug, seen, done, attempts, errors, active, last_seen_at = row
    # Of what no asset has, nobody says who should be there.
    learners = len(classes[asset_id]) if asset_id is not None else seen
    return AssignmentRow(
        assignment=key, title=title, asset=None if asset_id is None else {"id": asset_id, "slug": slug},
        learners=learners, learners_seen=seen, learners_done=done, completion_rate=percent(done, learners),
        attempts=attempts, errors=errors, median_active_time=active, last_seen_at=last_seen_at,
    )  # fmt: skip


def with_errors(selection: Selection, rows: Collection[AssignmentRow]) -> None:
    """Have the rows bring the errors that were met most often; one query."""
    by_key = {row.assignment: row for row in rows}
    parameters: dict[str, Any] = {
        "academy": selection.academy.pk, "keys": list(by_key), "learners": selection.learner_ids, "most": MOST_ERRORS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ERRORS, parameters)
        for key, name, message, times, learners in cursor.fetchall():
            found = {"name": name, "message": message, "count": times, "learners": learners}
            by_key[key].top_errors.append(found)
