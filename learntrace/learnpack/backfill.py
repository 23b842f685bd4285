"""Filling a webhook's columns from its payload again: rows of older versions, or of assets that came later.

The rules are those of the front door (contract, section 2, "Record").
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from django.db import connection, transaction

from learntrace.core.errors import FieldProblem
from learntrace.core.progress import Progress
from learntrace.learnpack.inbox import package_slug_of
from learntrace.learnpack.payloads import asset_id_candidates, asset_id_raw, choose_asset, package_id
from learntrace.registry.models import Asset

BATCH_SIZE = 1_000

# By id, so that each batch starts where the last one ended; without the long lists, which say nothing here.
_READ = """
SELECT id, (payload - ARRAY['steps', 'workout_session', 'global_metrics', 'global_indicators'])::text
  FROM learnpack_webhook
 WHERE id > %(after)s AND jsonb_typeof(payload) = 'object'
   AND (%(overwrite)s OR package_slug IS NULL OR asset_id IS NULL OR learnpack_package_id IS NULL)
 ORDER BY id LIMIT %(size)s
"""
# A payload that doesn't say it never empties a column. The condition is looked at again in the row's newest version,
# and an asset that was deleted meanwhile is none. Rows are locked in the order of their ids.
_WRITE = """
WITH told AS (
    SELECT w.id,
           CASE WHEN %(overwrite)s THEN coalesce(r.package_slug, w.package_slug)
                ELSE coalesce(w.package_slug, r.package_slug) END AS package_slug,
           CASE WHEN %(overwrite)s THEN coalesce(a.id, w.asset_id)
                ELSE coalesce(w.asset_id, a.id) END AS asset_id,
           CASE WHEN %(overwrite)s THEN coalesce(r.package_id, w.learnpack_package_id)
                ELSE coalesce(w.learnpack_package_id, r.package_id) END AS package_id
      FROM jsonb_to_recordset(%(rows)s::jsonb)
        AS r(id bigint, package_slug text, asset_id bigint, package_id bigint)
      JOIN learnpack_webhook w ON w.id = r.id
      LEFT JOIN registry_asset a ON a.id = r.asset_id
     ORDER BY w.id FOR NO KEY UPDATE OF w
)
UPDATE learnpack_webhook w
   SET package_slug = told.package_slug, asset_id = told.asset_id, learnpack_package_id = told.package_id,
       updated_at = now()
  FROM told
 WHERE w.id = told.id
   AND (w.package_slug, w.asset_id, w.learnpack_package_id)
       IS DISTINCT FROM (told.package_slug, told.asset_id, told.package_id)
"""


def backfill(*, overwrite: bool = False, dry_run: bool = False, progress: Progress | None = None) -> tuple[int, int]:
    """Fill package_slug, asset_id and learnpack_package_id where they are empty, with `overwrite` everywhere.

    Returns how many rows were looked at and how many changed. A batch is a transaction.
    """
    looked_at = changed = 0
    for rows in _batches(overwrite):
        told = msgspec.json.encode(_columns(rows)).decode()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_WRITE, {"overwrite": overwrite, "rows": told})
                changed += cursor.rowcount
            transaction.set_rollback(dry_run)  # the same statement counts for a dry run
        looked_at += len(rows)
        if progress:
            progress.advance(len(rows))
    return looked_at, changed


def _batches(overwrite: bool) -> Iterator[list[tuple[int, Mapping[str, Any]]]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_READ, {"after": after, "overwrite": overwrite, "size": BATCH_SIZE})
            rows = [(row[0], msgspec.json.decode(row[1])) for row in cursor.fetchall()]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _columns(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    candidates = {webhook: asset_id_candidates(asset_id_raw(payload)) for webhook, payload in rows}
    named = {candidate for found in candidates.values() for candidate in found}
    assets = dict(Asset.objects.filter(pk__in=named).values_list("pk", "lang"))
    return [
        {
            "id": webhook,
            "package_slug": _package_slug(payload),
            "asset_id": choose_asset(candidates[webhook], assets),
            "package_id": package_id(payload),
        }
        for webhook, payload in rows
    ]


def _package_slug(payload: Mapping[str, Any]) -> str | None:
    """As the inbox has it; what it would refuse is none."""
    try:
        return package_slug_of(payload)
    except FieldProblem:
        return None
