"""Which assignments exist: kept in step with what a notebook's author publishes, or a package's steps."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from django.db import connection

from learntrace.progress.models import Assignment, Progress

Listed = tuple[str, str, int]
"""An assignment's key, title and position."""

# One at a time for an asset: two lists at once would be locked in different orders.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace assignments of ' || %s, 0))"
# What is as it was is not written again, and not returned.
_KEEP = """
WITH told AS (
    SELECT * FROM jsonb_to_recordset(%(told)s::jsonb) AS r(key text, title text, position int)
), gone AS (
    DELETE FROM progress_assignment
     WHERE academy_id = %(academy)s AND asset_id = %(asset)s AND key NOT IN (SELECT key FROM told)
    RETURNING key
), kept AS (
    INSERT INTO progress_assignment AS held (academy_id, asset_id, key, title, position)
    SELECT %(academy)s, %(asset)s, key, title, position FROM told ORDER BY key
        ON CONFLICT (academy_id, key) DO UPDATE
       SET asset_id = excluded.asset_id, title = excluded.title, position = excluded.position
     WHERE (held.asset_id, held.title, held.position) IS DISTINCT FROM (excluded.asset_id, excluded.title, excluded.position)
    RETURNING key
)
SELECT key FROM gone UNION ALL SELECT key FROM kept
"""


def publish_assignments(academy_id: int, asset_id: int, listed: Sequence[Listed]) -> set[str]:
    """Have an academy's asset consist of these assignments and no others, in the open transaction; keys are unique.

    A key that another asset of the academy had is this one's from now on. Returns the keys of what has changed.
    """
    told = [{"key": key, "title": title, "position": position} for key, title, position in listed]
    with connection.cursor() as cursor:
        cursor.execute(_TURN, [str(asset_id)])
        cursor.execute(_KEEP, {"told": msgspec.json.encode(told).decode(), "academy": academy_id, "asset": asset_id})
        return {row[0] for row in cursor.fetchall()}


def published(assets: Collection[tuple[int, int]]) -> Mapping[tuple[int, int], list[Listed]]:
    """What is published of assets: (academy id, asset id) to its assignments in their order."""
    found: dict[tuple[int, int], list[Listed]] = {one: [] for one in assets}
    rows = Assignment.objects.filter(asset__in={asset for _academy, asset in assets}).order_by("position", "id")
    for academy, asset, key, title, position in rows.values_list("academy_id", "asset_id", "key", "title", "position"):
        if (academy, asset) in found:
            found[academy, asset].append((key, title, position))
    return found


def seen_on(academy_id: int, keys: Iterable[str]) -> set[int]:
    """The ids of the learners who were seen on any of these assignments."""
    return set(Progress.objects.filter(academy=academy_id, assignment__in=set(keys)).values_list("user_id", flat=True))
