"""Keeping what accepted batches tell until it is recorded, where their document is no record, or no longer one.

Real clients' documents lack earlier runs, so that the newest does not tell all. Reading each in the drain would hold up
the batches behind it: they are copied within the database instead, in the transaction in which the batch stops waiting, and
read in the turns that record attempts (`attempts.derivation`), with the learner's share of these.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

from django.db import transaction

from learntrace.assignments.telemetry_documents import from_client
from learntrace.core.sql import execute, fetch, json_rows
from learntrace.core.wakeup import announce
from learntrace.learnpack.processing.dispatch import Batch
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.progress.stale_queue import Pair, mark_stale

TOPIC: Final = "learnpack-attempts"

# A batch that was sent twice tells what the record tells, which is read anyway.
_KEEP = """
INSERT INTO learnpack_unreaddocument (user_id, asset_slug, receipt, until, received_at, document)
SELECT r.user_id, r.asset_slug, w.id, r.until, w.created_at, w.payload
  FROM jsonb_to_recordset(%s::jsonb) AS r(receipt bigint, user_id bigint, asset_slug text, until timestamptz)
  JOIN learnpack_webhook w ON w.id = r.receipt
  LEFT JOIN assignments_assignmenttelemetry t ON t.user_id = r.user_id AND t.asset_slug = r.asset_slug
 WHERE t.by_staff OR w.payload -> 'steps' IS DISTINCT FROM t.telemetry -> 'steps'
 ORDER BY w.id
RETURNING user_id, asset_slug
"""
# The order is that in which documents are stored (`assignments.telemetry_documents`); in doubt a record is kept. The mark of
# a pair that a worker is reading at this moment still stands here: then its document is read twice.
_KEEP_REPLACED = f"""
WITH replaced AS (
    SELECT t.user_id, t.asset_slug, t.receipt, t.last_interaction_at, t.updated_at, t.telemetry
      FROM assignments_assignmenttelemetry t
      JOIN jsonb_to_recordset(%s::jsonb) AS newer(user_id bigint, asset_slug text, until timestamptz, receipt bigint)
        ON newer.user_id = t.user_id AND newer.asset_slug = t.asset_slug
     WHERE {from_client("t")}
       AND ((coalesce(newer.until, '-infinity'), newer.receipt) >= (coalesce(t.last_interaction_at, '-infinity'), t.receipt)
            OR t.last_interaction_at > t.updated_at + interval '5 minutes')
       AND EXISTS (SELECT FROM progress_stale s
                    WHERE s.user_id = t.user_id AND s.asset_slug = t.asset_slug AND s.source = %s)
     ORDER BY t.user_id, t.asset_slug FOR NO KEY UPDATE OF t
)
INSERT INTO learnpack_unreaddocument (user_id, asset_slug, receipt, until, received_at, document)
SELECT r.user_id, r.asset_slug, r.receipt, r.last_interaction_at, coalesce(w.created_at, r.updated_at), r.telemetry
  FROM replaced r LEFT JOIN learnpack_webhook w ON w.id = r.receipt AND w.student_id = r.user_id
"""  # noqa: S608 (only texts of ours)


# What staff is about to change or delete.
_KEEP_RECORDS = f"""
INSERT INTO learnpack_unreaddocument (user_id, asset_slug, receipt, until, received_at, document)
SELECT t.user_id, t.asset_slug, t.receipt, t.last_interaction_at, coalesce(w.created_at, t.updated_at), t.telemetry
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
  LEFT JOIN learnpack_webhook w ON w.id = t.receipt AND w.student_id = t.user_id
 WHERE {from_client("t")}
   AND EXISTS (SELECT FROM progress_stale s
                WHERE s.user_id = t.user_id AND s.asset_slug = t.asset_slug AND s.source = %s)
"""  # noqa: S608 (only texts of ours)


def keep_records(records: Collection[tuple[int, str]]) -> None:
    """Keep the records that are about to be changed or deleted by hand and that nobody has read yet, in the open
    transaction."""
    rows = json_rows({"user_id": user_id, "asset_slug": slug} for user_id, slug in records)
    execute(_KEEP_RECORDS, [rows, SOURCE])


def keep_replaced(batches: Sequence[Batch]) -> None:
    """Keep the records that these batches are about to replace and that nobody has read yet, in the open transaction."""
    execute(_KEEP_REPLACED, [json_rows(_row(batch) for batch in batches), SOURCE])


def keep_unread(batches: Sequence[Batch]) -> None:
    """Keep the documents of batches that do not become the record, in the open transaction, and have them read."""
    if not batches:
        return
    rows = json_rows(_row(batch) for batch in batches)
    pairs: set[Pair] = {(user_id, slug) for user_id, slug in fetch(_KEEP, [rows])}
    mark_stale(SOURCE, pairs)
    if pairs:
        transaction.on_commit(partial(announce, TOPIC))


def _row(batch: Batch) -> dict[str, Any]:
    user_id, slug = batch.key
    return {
        "user_id": user_id,
        "asset_slug": slug,
        "until": batch.webhook.last_interaction_at,
        "receipt": batch.webhook.id,
    }
