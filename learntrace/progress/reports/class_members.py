"""The members of a class: the denominator of its completion."""

from collections.abc import Collection, Iterable

from learntrace.accounts.cohort_limits.limit import parameter
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.sql import fetch
from learntrace.progress.reports.learner_assets import learner_assets_in
from learntrace.progress.reports.selection import Selection, slugs_of

# One row an asset, however many learners it has.
_SEEN = """
SELECT asset_id, array_agg(user_id)
  FROM (SELECT DISTINCT a.asset_id, p.user_id
          FROM progress_assignment a JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
         WHERE a.academy_id = %(academy)s AND a.asset_id = ANY(%(assets)s)
           AND (%(seen)s::bigint[] IS NULL OR p.user_id = ANY(%(seen)s))) AS seen
 GROUP BY asset_id
"""


def classes_of(selection: Selection, asset_ids: frozenset[int]) -> dict[int, frozenset[int]]:
    """Return the class of each asset, as user ids.

    With cohorts or learners in the selection these are its learners; else everybody who was seen on the asset or has a
    task on it.
    """
    if selection.learners is not None:
        return dict.fromkeys(asset_ids, selection.learners)
    members: dict[int, set[int]] = {asset_id: set() for asset_id in asset_ids}
    for asset_id, user_ids in _seen_on(selection, asset_ids):
        members[asset_id].update(user_ids)
    for user_id, asset_id in tasks_on(selection, asset_ids):
        members[asset_id].add(user_id)
    return {asset_id: frozenset(user_ids) for asset_id, user_ids in members.items()}


def _seen_on(selection: Selection, asset_ids: frozenset[int]) -> Iterable[tuple[int, Collection[int]]]:
    """Return who was seen on each asset, as far as the academy's member sees; one query, over kept cells two."""
    # The rows of one asset are few among all of the academy's.
    cells = selection.cells if len(asset_ids) > 1 else None
    if cells is None:
        academy = selection.academy
        return fetch(_SEEN, {"academy": academy.pk, "assets": list(asset_ids), "seen": parameter(academy)})
    seen: dict[int, list[int]] = {asset_id: [] for asset_id in asset_ids}
    for row in learner_assets_in(selection, cells):
        if row.asset_id in asset_ids:
            seen[row.asset_id].append(row.user_id)
    return seen.items()


def tasks_on(selection: Selection, asset_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return (user id, asset id) of the tasks on these assets, of the selection's learners only."""
    slugs = slugs_of(frozenset(asset_ids))
    tasks = tasks_seen_in(selection.academy).filter(associated_slug__in=list(slugs))
    if selection.learners is not None:
        tasks = tasks.filter(user__in=selection.learners)
    return {(user_id, slugs[slug]) for user_id, slug in tasks.values_list("user_id", "associated_slug")}
