"""How a class does on each assignment: published ones, and those on which somebody was only seen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from learntrace.core.sql import fetch, json_rows
from learntrace.progress.class_cells.cells import Cell
from learntrace.progress.class_cells.kept import ClassCells
from learntrace.progress.class_cells.totals import AssignmentTotals, totals_of
from learntrace.progress.periods.measures import progress_in
from learntrace.progress.reports.class_members import classes_of
from learntrace.progress.reports.errors import ErrorRow, errors_on
from learntrace.progress.reports.selection import Selection

MOST_ERRORS = 5

# The full join lists published assignments on which nobody was seen, with zeros, as well as unpublished ones of
# notebooks (`catalogue.SHOWN_TO_CLASS`: published ones are included).
_READ = """
WITH published AS (
    SELECT a.key, a.title, a.asset_id, asset.slug, coalesce(nullif(asset.title, ''), asset.slug) AS asset_title, a.position
      FROM progress_assignment a JOIN registry_asset asset ON asset.id = a.asset_id
     WHERE a.academy_id = %(academy)s AND (%(assets)s::bigint[] IS NULL OR a.asset_id = ANY(%(assets)s))
), seen AS ({seen})
SELECT key, coalesce(published.title, ''), published.asset_id, published.slug, published.asset_title,
       coalesce(seen.learners, 0), coalesce(seen.done, 0), coalesce(seen.attempts, 0), coalesce(seen.errors, 0),
       seen.active, seen.last_seen_at
  FROM published FULL JOIN seen USING (key)
 WHERE published.key IS NOT NULL OR starts_with(key, 'assignment:')
 ORDER BY published.slug NULLS LAST, published.position, key
"""
_SEEN_IN_ROWS = """
    SELECT p.assignment AS key, count(*) AS learners, count(*) FILTER (WHERE p.done_at IS NOT NULL) AS done,
           sum(p.attempts)::bigint AS attempts, sum(p.errors)::bigint AS errors,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY p.active_seconds) AS active, max(p.last_seen_at) AS last_seen_at
      FROM {progress} p
     WHERE p.academy_id = %(academy)s
       AND (%(assets)s::bigint[] IS NULL OR p.assignment IN (SELECT key FROM published))
       AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
     GROUP BY p.assignment
"""
# What was summed over kept cells.
_SEEN_IN_CELLS = """
    SELECT * FROM jsonb_to_recordset(%(totals)s::jsonb)
        AS r(key text, learners int, done int, attempts bigint, errors bigint, active float8, last_seen_at timestamptz)
     WHERE %(assets)s::bigint[] IS NULL OR key IN (SELECT key FROM published)
"""


@dataclass
class AssignmentRow:
    """A class's numbers on an assignment. `learners` is the size of the class; times are seconds, rates 0 to 100.

    `asset` is None for an assignment of no asset.
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
    top_errors: list[ErrorRow] = field(default_factory=list)
    explain: Mapping[str, Any] | None = None


def percent(part: int, whole: int) -> float:
    """Return a part of a whole, 0 to 100, rounded to two places; 0 if the whole is 0."""
    return round(100 * part / whole, 2) if whole else 0.0


def assignments_of(selection: Selection) -> list[AssignmentRow]:
    """Return each assignment's numbers, by asset and position; without errors, which `with_errors` adds."""
    rows = _read(selection)
    assets = frozenset(row[2] for row in rows if row[2] is not None)
    classes = classes_of(selection, assets) if assets else {}
    return [_row(row, classes) for row in rows]


def _read(selection: Selection) -> list[tuple[Any, ...]]:
    """Return each assignment's sums, from kept cells where the selection has them."""
    parameters = selection.parameters()
    if (cells := selection.cells) is None:
        return fetch(_READ.format(seen=_SEEN_IN_ROWS.format(progress=progress_in(selection.period))), parameters)
    totals = json_rows(_told(key, own) for key, own in _totals(selection, cells).items())
    return fetch(_READ.format(seen=_SEEN_IN_CELLS), {**parameters, "totals": totals})


def _totals(selection: Selection, cells: ClassCells) -> Mapping[str, AssignmentTotals]:
    if selection.learner_ids is None:
        return cells.totals
    by_key: dict[str, list[Cell]] = {}
    for own in selection.cells_of_learners(cells).values():
        for key, cell in own.items():
            by_key.setdefault(key, []).append(cell)
    return {key: totals_of(seen) for key, seen in by_key.items()}


def _told(key: str, totals: AssignmentTotals) -> dict[str, Any]:
    return {
        "key": key,
        "learners": totals.learners,
        "done": totals.done,
        "attempts": totals.attempts,
        "errors": totals.errors,
        "active": totals.median_active_time,
        "last_seen_at": totals.last_seen_at,
    }


def _row(row: tuple[Any, ...], classes: Mapping[int, frozenset[int]]) -> AssignmentRow:
    key, title, asset_id, slug, asset_title, seen, done, attempts, errors, active, last_seen_at = row
    # Without an asset there is no class: its size is the number of those who were seen.
    learners = len(classes[asset_id]) if asset_id is not None else seen
    return AssignmentRow(
        assignment=key,
        title=title,
        asset=None if asset_id is None else {"id": asset_id, "slug": slug, "title": asset_title},
        learners=learners,
        learners_seen=seen,
        learners_done=done,
        completion_rate=percent(done, learners),
        attempts=attempts,
        errors=errors,
        median_active_time=active,
        last_seen_at=last_seen_at,
    )


def with_errors(selection: Selection, rows: Collection[AssignmentRow]) -> None:
    """Add to each row the errors that most learners met; runs one query."""
    by_key = {row.assignment: row for row in rows}
    for error in errors_on(selection.academy.pk, by_key, selection.learner_ids, MOST_ERRORS, selection.period):
        by_key[error.assignment].top_errors.append(error)
