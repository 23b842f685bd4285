"""How each learner does on each asset: the numbers of an asset, a cohort and a learner are sums of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import fsum

from learntrace.core.sql import fetch
from learntrace.progress.class_cells.cells import Cell, LearnerCells, derive, same
from learntrace.progress.class_cells.kept import ClassCells
from learntrace.progress.models import Assignment
from learntrace.progress.periods.measures import progress_in
from learntrace.progress.reports.selection import Selection

# Exact sums in a fixed order: sums of floats would depend on where the rows lie.
# One row for each learner and asset, however many assignments: the index progress_assignment finds an academy's rows, a
# hash of its few hundred assignments gives the asset of each. Assignments of no asset are one more row of a learner.
_READ = """
SELECT p.user_id, a.asset_id, count(*), count(*) FILTER (WHERE a.id IS NOT NULL AND p.done_at IS NOT NULL),
       sum(p.attempts)::bigint, sum(p.errors)::bigint, sum(p.active_seconds::numeric)::float8,
       sum(p.error_quotient::numeric)::float8, count(p.error_quotient), sum(p.repeated_error_density::numeric)::float8,
       max(p.last_seen_at)
  FROM {progress} p
  LEFT JOIN progress_assignment a ON a.academy_id = p.academy_id AND a.key = p.assignment
 WHERE p.academy_id = %(academy)s
   AND (%(assets)s::bigint[] IS NULL OR a.asset_id = ANY(%(assets)s))
   AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
 GROUP BY p.user_id, a.asset_id
 ORDER BY p.user_id, a.asset_id
"""


@dataclass(frozen=True, slots=True)
class LearnerAssetRow:
    """A learner's numbers on an asset's assignments; `asset_id` is None for assignments of no asset.

    `done` counts published assignments only. `error_quotients` is the sum of the `with_quotient` Error Quotients; times
    are seconds. Over a period there are no Error Quotients, and no Repeated Error Density.
    """

    user_id: int
    asset_id: int | None
    seen: int
    done: int
    attempts: int
    errors: int
    active_time: float
    error_quotients: float | None
    with_quotient: int
    repeated_error_density: float | None
    last_seen_at: datetime


def learner_assets_of(selection: Selection) -> list[LearnerAssetRow]:
    """Return the numbers of the selection's learners on its assets, by learner; runs one query, over kept cells two."""
    if (cells := selection.cells) is None:
        statement = _READ.format(progress=progress_in(selection.period))
        return [LearnerAssetRow(*row) for row in fetch(statement, selection.parameters())]
    rows = learner_assets_in(selection, cells)
    return rows if selection.assets is None else [row for row in rows if row.asset_id in selection.assets]


def learner_assets_in(selection: Selection, cells: ClassCells) -> list[LearnerAssetRow]:
    """Return the numbers of the selection's learners on all assets, from these cells; runs one query."""
    assignments = Assignment.objects.filter(academy=selection.academy).order_by("key")
    published_in = same(tuple(assignments.values_list("key", "asset_id")))
    asset_of = dict(published_in)
    return [
        row
        for user_id, own in selection.cells_of_learners(cells).items()
        for row in derive(own, "assets", published_in, partial(_rows_of, user_id, own, asset_of))
    ]


def _rows_of(user_id: int, cells: LearnerCells, asset_of: Mapping[str, int]) -> list[LearnerAssetRow]:
    """Return a learner's numbers on each asset, as the statement has them."""
    by_asset: dict[int | None, list[Cell]] = {}
    for key, cell in cells.items():
        by_asset.setdefault(asset_of.get(key), []).append(cell)
    in_order = sorted(by_asset.items(), key=lambda item: (item[0] is None, item[0]))
    return [_row(user_id, asset_id, own) for asset_id, own in in_order]


def _row(user_id: int, asset_id: int | None, cells: list[Cell]) -> LearnerAssetRow:
    quotients = [cell.error_quotient for cell in cells if cell.error_quotient is not None]
    return LearnerAssetRow(
        user_id=user_id,
        asset_id=asset_id,
        seen=len(cells),
        done=0 if asset_id is None else sum(cell.standing.done_at is not None for cell in cells),
        attempts=sum(cell.attempts for cell in cells),
        errors=sum(cell.errors for cell in cells),
        # Exact, as the cells come in any order.
        active_time=fsum(cell.active_seconds for cell in cells),
        error_quotients=fsum(quotients) if quotients else None,
        with_quotient=len(quotients),
        repeated_error_density=fsum(cell.repeated_error_density for cell in cells),
        last_seen_at=max(cell.last_seen_at for cell in cells if cell.last_seen_at is not None),
    )


def published(selection: Selection) -> dict[int, int]:
    """Return how many assignments each of the selection's assets has."""
    rows = Assignment.objects.filter(academy=selection.academy)
    if selection.assets is not None:
        rows = rows.filter(asset__in=selection.assets)
    counts: dict[int, int] = {}
    for asset_id in rows.order_by().values_list("asset_id", flat=True):
        counts[asset_id] = counts.get(asset_id, 0) + 1
    return counts
