"""Whom a class is made of: the denominator of what it has done."""

from collections.abc import Collection

from django.db import connection

from learntrace.assignments.tasks import tasks_seen_in
from learntrace.progress.selection import Selection, slugs_of

# A row an asset, however many learners it has.
_SEEN = """
SELECT a.asset_id, array_agg(DISTINCT p.user_id)
  FROM progress_assignment a JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
 WHERE a.academy_id = %s AND a.asset_id = ANY(%s)
 GROUP BY a.asset_id
"""


def classes_of(selection: Selection, asset_ids: frozenset[int]) -> dict[int, frozenset[int]]:
    """The class of each asset.

    The learners that were asked for, where cohorts or learners were; else whoever was seen on the asset or has a task
    on it.
    """
    if selection.learners is not None:
        return dict.fromkeys(asset_ids, selection.learners)
    found: dict[int, set[int]] = {asset_id: set() for asset_id in asset_ids}
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [selection.academy.pk, list(asset_ids)])
        for asset_id, user_ids in cursor.fetchall():
            found[asset_id].update(user_ids)
    for user_id, asset_id in tasks_on(selection, asset_ids):
        found[asset_id].add(user_id)
    return {asset_id: frozenset(users) for asset_id, users in found.items()}


def tasks_on(selection: Selection, asset_ids: Collection[int]) -> set[tuple[int, int]]:
    """Who has tasks on these assets, as (user id, asset id); the selection's learners alone."""
    slugs = slugs_of(frozenset(asset_ids))
    tasks = tasks_seen_in(selection.academy).filter(associated_slug__in=list(slugs))
    if selection.learners is not None:
        tasks = tasks.filter(user__in=selection.learners)
    return {(user_id, slugs[slug]) for user_id, slug in tasks.values_list("user_id", "associated_slug")}
