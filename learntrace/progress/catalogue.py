"""The published assignments, kept in step with what a notebook's author publishes and with a package's steps."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from learntrace.core.sql import fetch, json_rows
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.models import Assignment, Progress

Listed = tuple[str, str, int]
"""An assignment's key, title and position."""

# What pages and answers about a class may name: notebooks' tags, and published steps. Any learner can make up a step with
# any slug; one that is not published is shown on the learner's own pages only.
SHOWN_TO_CLASS = """
(starts_with({key}, 'assignment:') OR EXISTS (SELECT FROM progress_assignment published
                                               WHERE published.academy_id = {academy} AND published.key = {key}))
"""

# What `titles_of` returns, of a row of progress_assignment, `a`, joined with its asset, `asset`, and with
# REPEATED_TITLES, `repeated`.
TOLD_TITLE = """
CASE WHEN repeated.title IS NULL OR asset.title = a.title THEN a.title
     ELSE coalesce(nullif(asset.title, ''), asset.slug) || ': ' || a.title END
"""
REPEATED_TITLES = """
SELECT academy_id, title FROM progress_assignment
 WHERE title <> '' AND academy_id IN ({academies}) GROUP BY academy_id, title HAVING count(DISTINCT asset_id) > 1
"""

_PUBLISHED_OF = "SELECT key FROM progress_assignment WHERE academy_id = %s AND key = ANY(%s)"

# One transaction at a time for an asset: two would lock their rows in different orders.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace assignments of ' || %s, 0))"
# Unchanged assignments are neither written again nor returned. A package's step that is gone is remembered, one that comes back
# is none of the former ones any longer.
_REPLACE = """
WITH listed AS (
    SELECT * FROM jsonb_to_recordset(%(listed)s::jsonb) AS r(key text, title text, position int)
), removed AS (
    DELETE FROM progress_assignment
     WHERE academy_id = %(academy)s AND asset_id = %(asset)s AND key NOT IN (SELECT key FROM listed)
    RETURNING key, title, position, published_at
), former AS (
    INSERT INTO progress_formerstep (academy_id, asset_id, key, title, position, published_at)
    SELECT %(academy)s, %(asset)s, key, title, position, published_at FROM removed
     WHERE NOT starts_with(key, 'assignment:') ORDER BY key
        ON CONFLICT (academy_id, key) DO UPDATE SET left_at = now()
), come_back AS (
    DELETE FROM progress_formerstep WHERE academy_id = %(academy)s AND key IN (SELECT key FROM listed)
), stored AS (
    INSERT INTO progress_assignment AS old (academy_id, asset_id, key, title, position)
    SELECT %(academy)s, %(asset)s, key, title, position FROM listed ORDER BY key
        ON CONFLICT (academy_id, key) DO UPDATE
       SET asset_id = excluded.asset_id, title = excluded.title, position = excluded.position
     WHERE (old.asset_id, old.title, old.position) IS DISTINCT FROM (excluded.asset_id, excluded.title, excluded.position)
    RETURNING key
)
SELECT key FROM removed UNION ALL SELECT key FROM stored
"""


def publish_assignments(academy_id: int, asset_id: int, listed: Sequence[Listed]) -> set[str]:
    """Make these the only assignments of an academy's asset, in the open transaction; keys are unique.

    A key of another asset of the academy moves to this one. Returns the keys of added, changed and removed assignments.
    """
    rows = json_rows({"key": key, "title": title, "position": position} for key, title, position in listed)
    lock_assignments([asset_id])
    return {key for (key,) in fetch(_REPLACE, {"listed": rows, "academy": academy_id, "asset": asset_id})}


def lock_assignments(asset_ids: Collection[int]) -> None:
    """Keep others from publishing assignments of these assets until the open transaction ends."""
    for asset_id in sorted(asset_ids):
        fetch(_LOCK, [str(asset_id)])


def published(assets: Collection[tuple[int, int]]) -> Mapping[tuple[int, int], list[Listed]]:
    """Return the published assignments in order, by (academy id, asset id)."""
    listed: dict[tuple[int, int], list[Listed]] = {academy_and_asset: [] for academy_and_asset in assets}
    rows = Assignment.objects.filter(asset__in={asset for _academy, asset in assets}).order_by("position", "id")
    for academy, asset, key, title, position in rows.values_list("academy_id", "asset_id", "key", "title", "position"):
        if (academy, asset) in listed:
            listed[academy, asset].append((key, title, position))
    return listed


def seen_on(academy_id: int, keys: Iterable[str]) -> set[int]:
    """Return the ids of the learners who were seen on any of these assignments."""
    return set(Progress.objects.filter(academy=academy_id, assignment__in=set(keys)).values_list("user_id", flat=True))


def shown_to_class(academy: str, key: str) -> Q:
    """Return the condition of SHOWN_TO_CLASS on rows whose columns have these names."""
    listed = Assignment.objects.filter(academy=OuterRef(academy), key=OuterRef(key))
    return Q(**{f"{key}__startswith": PREFIX}) | Q(Exists(listed))


def titles_of(academy_id: int, keys: Iterable[str]) -> dict[str, str]:
    """Return the titles of those of an academy's assignments that have one; at most one query.

    With the asset's title before it where another asset has an assignment of the same title: many packages begin with "Hello".
    """
    alike = Assignment.objects.filter(academy=academy_id, title=OuterRef("title")).exclude(asset=OuterRef("asset"))
    rows = (
        Assignment.objects.filter(academy=academy_id, key__in=set(keys)).exclude(title="").annotate(alike=Exists(alike))
    )
    titles = rows.values_list("key", "title", "alike", "asset__title", "asset__slug")
    return {
        key: str(Title(title, (asset_title or asset_slug or "") if alike else ""))
        for key, title, alike, asset_title, asset_slug in titles
    }


@dataclass(frozen=True)
class Title:
    """What an assignment is called: its title, else its key without the prefix, and its asset's title, empty without one."""

    assignment: str
    asset: str

    def __str__(self) -> str:
        return f"{self.asset}: {self.assignment}" if self.asset and self.asset != self.assignment else self.assignment


def full_titles_of(academy_id: int, keys: Iterable[str]) -> dict[str, Title]:
    """Return what each of an academy's assignments is called, published or not; at most one query."""
    if not (wanted := set(keys)):
        return {}
    rows = Assignment.objects.filter(academy=academy_id, key__in=wanted)
    found = {
        key: Title(title or key.removeprefix(PREFIX), asset_title or asset_slug or "")
        for key, title, asset_title, asset_slug in rows.values_list("key", "title", "asset__title", "asset__slug")
    }
    return {key: found.get(key) or Title(key.removeprefix(PREFIX), "") for key in wanted}


def shown_keys(academy_id: int, keys: Iterable[str]) -> set[str]:
    """Return those of the keys that pages and answers about a class may name; at most one query."""
    keys = set(keys)
    tags = {key for key in keys if key.startswith(PREFIX)}
    if not (others := keys - tags):
        return tags
    return tags | {key for (key,) in fetch(_PUBLISHED_OF, [academy_id, sorted(others)])}
