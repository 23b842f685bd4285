"""Filling columns of webhooks from their payloads again: rows of older versions, or of assets that came later.

The values are those that the inbox stores (contract, section 2, "Record"): an asset that the sender may not name is none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import transaction

from learntrace.accounts.write_facts import People, read_people
from learntrace.core.errors import FieldProblem
from learntrace.core.progress_line import ProgressLine
from learntrace.core.sql import execute, fetch, json_rows
from learntrace.learnpack.inbox.source import package_slug_of
from learntrace.learnpack.payloads import choose_asset
from learntrace.learnpack.processing.dispatch import naming
from learntrace.learnpack.webhook_refs import WebhookRefs, read_refs
from learntrace.registry.resolution import Registry, load_registry

BATCH_SIZE = 1_000

# By id, so that each batch starts where the last one ended; without the long lists, which name nothing.
_READ = """
SELECT id, event, student_id, sender_id,
       (payload - ARRAY['steps', 'workout_session', 'global_metrics', 'global_indicators'])::text
  FROM learnpack_webhook
 WHERE id > %(after)s AND jsonb_typeof(payload) = 'object'
   AND (%(overwrite)s OR package_slug IS NULL OR asset_id IS NULL OR learnpack_package_id IS NULL)
 ORDER BY id LIMIT %(size)s
"""
# A payload without a value never empties a column. The condition is checked again on the row's newest version, and an
# asset that was deleted meanwhile is left out. Rows are locked in the order of their ids.
_WRITE = """
WITH filled AS (
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
   SET package_slug = filled.package_slug, asset_id = filled.asset_id, learnpack_package_id = filled.package_id,
       updated_at = now()
  FROM filled
 WHERE w.id = filled.id
   AND (w.package_slug, w.asset_id, w.learnpack_package_id)
       IS DISTINCT FROM (filled.package_slug, filled.asset_id, filled.package_id)
"""


def backfill(
    *, overwrite: bool = False, dry_run: bool = False, progress: ProgressLine | None = None
) -> tuple[int, int]:
    """Fill package_slug, asset_id and learnpack_package_id where they are empty, with `overwrite` everywhere.

    Return how many rows were looked at and how many changed. A batch is a transaction.
    """
    looked_at = changed = 0
    for rows in _batches(overwrite):
        columns = json_rows(_columns(rows))
        with transaction.atomic():
            changed += execute(_WRITE, {"overwrite": overwrite, "rows": columns})
            transaction.set_rollback(dry_run)  # the same statement counts for a dry run
        looked_at += len(rows)
        if progress:
            progress.advance(len(rows))
    return looked_at, changed


class _Row(NamedTuple):
    """A webhook, and what it refers to."""

    id: int
    student_id: int | None
    sender_id: int | None
    refs: WebhookRefs


def _batches(overwrite: bool) -> Iterator[list[_Row]]:
    after = 0
    while rows := fetch(_READ, {"after": after, "overwrite": overwrite, "size": BATCH_SIZE}):
        yield [
            _Row(webhook_id, student, sender, read_refs(event, msgspec.json.decode(payload)))
            for webhook_id, event, student, sender, payload in rows
        ]
        after = rows[-1][0]


def _columns(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    registry = load_registry(ids={asset_id for row in rows for asset_id in row.refs.asset_ids})
    people = read_people(user_id for row in rows for user_id in (row.student_id, row.sender_id))
    return [
        {
            "id": row.id,
            "package_slug": _package_slug(row.refs),
            "asset_id": _asset_id(row, registry, people),
            "package_id": row.refs.package_id,
        }
        for row in rows
    ]


def _asset_id(row: _Row, registry: Registry, people: People) -> int | None:
    may_name = naming(people.sender(row.sender_id, row.student_id), people.learner(row.student_id))
    assets = (registry.by_id[asset_id] for asset_id in row.refs.asset_ids if asset_id in registry.by_id)
    languages = {asset.id: asset.lang for asset in assets if may_name(asset)}
    return choose_asset(languages, languages)


def _package_slug(refs: WebhookRefs) -> str | None:
    """Return the package slug as the inbox stores it, None where the inbox would refuse it."""
    try:
        return package_slug_of(refs)
    except FieldProblem:
        return None
