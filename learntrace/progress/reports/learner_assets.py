"""How each learner does on each asset: the numbers of an asset, a cohort and a learner are sums of these."""

from dataclasses import dataclass
from datetime import datetime

from learntrace.core.sql import fetch
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
    """Return the numbers of the selection's learners on its assets; runs one query."""
    return [
        LearnerAssetRow(*row)
        for row in fetch(_READ.format(progress=progress_in(selection.period)), selection.parameters())
    ]


def published(selection: Selection) -> dict[int, int]:
    """Return how many assignments each of the selection's assets has."""
    rows = Assignment.objects.filter(academy=selection.academy)
    if selection.assets is not None:
        rows = rows.filter(asset__in=selection.assets)
    counts: dict[int, int] = {}
    for asset_id in rows.order_by().values_list("asset_id", flat=True):
        counts[asset_id] = counts.get(asset_id, 0) + 1
    return counts
