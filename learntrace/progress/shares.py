"""How each learner does on each asset, from which an asset's, a cohort's and a learner's numbers add up."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from learntrace.progress.models import Assignment
from learntrace.progress.selection import Selection

# One row for each learner and asset, however many assignments: the index progress_assignment finds an academy's rows, a
# hash of its few hundred assignments says whose asset each is. What was seen of no asset is one row more of a learner.
_READ = """
SELECT p.user_id, a.asset_id, count(*), count(*) FILTER (WHERE a.id IS NOT NULL AND p.last_outcome = 'ok'),
       sum(p.attempts)::bigint, sum(p.errors)::bigint, sum(p.active_seconds), sum(p.error_quotient),
       count(p.error_quotient), sum(p.repeated_error_density), max(p.last_seen_at)
  FROM progress_progress p
  LEFT JOIN progress_assignment a ON a.academy_id = p.academy_id AND a.key = p.assignment
 WHERE p.academy_id = %(academy)s
   AND (%(assets)s::bigint[] IS NULL OR a.asset_id = ANY(%(assets)s))
   AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
 GROUP BY p.user_id, a.asset_id
"""


@dataclass(frozen=True, slots=True)
class Share:
    """A learner's numbers on an asset's assignments; `asset_id` is None for those that no asset has.

    `done` counts published assignments alone. Error quotients are a sum and of how many, times seconds.
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
    repeated_error_density: float
    last_seen_at: datetime


def shares_of(selection: Selection) -> list[Share]:
    """The shares of the selection's learners in its assets; one query."""
    parameters = {
        "academy": selection.academy.pk, "assets": selection.asset_ids, "learners": selection.learner_ids,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ, parameters)
        return [Share(*row) for row in cursor.fetchall()]


def published(selection: Selection) -> dict[int, int]:
    """How many assignments each of the selection's assets has."""
    rows = Assignment.objects.filter(academy=selection.academy)
    if selection.assets is not None:
        rows = rows.filter(asset__in=selection.assets)
    counts: dict[int, int] = {}
    for asset_id in rows.order_by().values_list("asset_id", flat=True):
        counts[asset_id] = counts.get(asset_id, 0) + 1
    return counts
