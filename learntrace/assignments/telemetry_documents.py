"""Storing sources' telemetry documents: one row per learner and canonical asset, in which the newest document stays."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from learntrace.core.sql import execute, fetch, json_rows

# The agent of records that are made from a notebook's activities. They tell nothing that these activities don't.
NOTEBOOKS_AGENT: Final = "jupyter"

# One statement for a whole batch. Rows come sorted, so that two workers lock them in one order; an older document
# (contract, 3.3) than the stored one changes nothing and is not returned. A tie is the same document again. A document that
# stands in its source's inbox is copied within the database: it is neither sent, parsed nor compressed again.
_STORE = """
INSERT INTO assignments_assignmenttelemetry AS kept (
       user_id, asset_slug, telemetry, engagement_score, frustration_score, metrics_algo_version, metrics,
       total_time, completion_rate, last_interaction_at, receipt, created_at, updated_at)
SELECT user_id, asset_slug, {telemetry}, engagement_score, frustration_score, metrics_algo_version, metrics,
       make_interval(secs => total_time), completion_rate,
       last_interaction_at, receipt, now(), now()
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, asset_slug text, telemetry jsonb, engagement_score double precision,
         frustration_score double precision, metrics_algo_version double precision, metrics jsonb,
         total_time double precision, completion_rate double precision, last_interaction_at timestamptz,
         receipt bigint)
 ORDER BY user_id, asset_slug
    ON CONFLICT (user_id, asset_slug) DO UPDATE
   SET telemetry = excluded.telemetry, engagement_score = excluded.engagement_score,
       frustration_score = excluded.frustration_score, metrics_algo_version = excluded.metrics_algo_version,
       metrics = excluded.metrics, total_time = excluded.total_time, completion_rate = excluded.completion_rate,
       last_interaction_at = excluded.last_interaction_at, receipt = excluded.receipt, by_staff = false, updated_at = now()
 WHERE (coalesce(excluded.last_interaction_at, '-infinity'), excluded.receipt)
    >= (coalesce(kept.last_interaction_at, '-infinity'), coalesce(kept.receipt, 0))
RETURNING user_id, asset_slug
"""
# A transaction that stores a document holds its row when it marks the pair stale, and a turn that counts attempts has claimed
# the pair when it comes to the row: so the turn doesn't wait for the row, but leaves it to a later turn.
_UNTOLD = """
WITH held AS (
    SELECT t.id, r.attempts
      FROM assignments_assignmenttelemetry t
      JOIN jsonb_to_recordset(%s::jsonb) AS r(user_id bigint, asset_slug text, attempts int) USING (user_id, asset_slug)
     WHERE t.untold_attempts <> r.attempts
       FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE assignments_assignmenttelemetry t SET untold_attempts = held.attempts
  FROM held WHERE held.id = t.id
RETURNING t.user_id, t.asset_slug
"""


_DELETE = """
DELETE FROM assignments_assignmenttelemetry t
 USING jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text)
 WHERE t.user_id = asked.user_id AND t.asset_slug = asked.asset_slug
   AND t.telemetry ->> 'agent' = %s AND NOT t.by_staff
"""


# Callbacks of the room that reads records: they keep what nobody has read yet of records that are changed or deleted by hand.
Keeper = Callable[[Collection[tuple[int, str]]], None]
_keepers: list[Keeper] = []


def from_client(record: str) -> str:
    """Return SQL: whether a row of the records, by its name in the statement, came from a client of LearnPack.

    Only what such a client says is read as attempts; a record that was made from activities would tell them again.
    """
    told = f"{record}.telemetry ->> 'agent' IS DISTINCT FROM '{NOTEBOOKS_AGENT}'"
    return f"({record}.receipt IS NOT NULL AND NOT {record}.by_staff AND {told})"


@dataclass(frozen=True)
class Document:
    """A learner's state on an asset, as a source has it.

    `telemetry` is JSON text, kept unaltered; None for one that is copied from the inbox (`store_documents`). `result` is
    the result of `measures.indicators`; None leaves the scores null. Documents are ordered by `last_interaction_at`, then
    by `receipt` (the id of the source's inbox row). The former is what counts (`measures.clock`): with a time ahead of
    ours, no later document would ever be newer.
    """

    user_id: int
    asset_slug: str
    telemetry: bytes | None
    result: dict[str, Any] | None
    last_interaction_at: datetime | None
    receipt: int

    def row(self) -> dict[str, Any]:
        """Return the columns of the row."""
        row = {
            "user_id": self.user_id,
            "asset_slug": self.asset_slug,
            "telemetry": None if self.telemetry is None else msgspec.Raw(self.telemetry),
            "last_interaction_at": self.last_interaction_at,
            "receipt": self.receipt,
        }
        if self.result is None:
            return row
        metrics, scores = self.result["global"]["metrics"], self.result["global"]["indicators"]
        return row | {
            "engagement_score": scores["EngagementIndicator"],
            "frustration_score": scores["FrustrationIndicator"],
            "metrics_algo_version": self.result["algo_version"],
            "metrics": self.result,
            "total_time": metrics["total_time_on_platform"],
            "completion_rate": metrics["completion_rate"],
        }


@dataclass(frozen=True)
class Inbox:
    """Where a source keeps what it was sent: its table, and the column with the document, by the receipt as the row's id."""

    table: str
    column: str


def store_documents(documents: Sequence[Document], inbox: Inbox | None = None) -> set[tuple[int, str]]:
    """Store documents, at most one for each learner and asset, in the open transaction.

    Those without a text are copied from their rows in the inbox. Return the (user id, asset slug) of each document that was
    the newest; the others changed nothing.
    """
    if not documents:
        return set()
    rows = json_rows(document.row() for document in documents)
    telemetry = "telemetry"
    if inbox is not None:
        telemetry = f"coalesce(telemetry, (SELECT q.{inbox.column} FROM {inbox.table} q WHERE q.id = r.receipt))"  # noqa: S608
    return {(user_id, slug) for user_id, slug in fetch(_STORE.format(telemetry=telemetry), [rows])}


def delete_documents(records: Collection[tuple[int, str]], agent: str) -> None:
    """Delete records, (user id, slug), that a source's own documents made; what another source or staff wrote stays."""
    if records:
        rows = json_rows({"user_id": user_id, "asset_slug": slug} for user_id, slug in records)
        execute(_DELETE, [rows, agent])


def register_keeper(keeper: Keeper) -> None:
    """Register a callback; it gets (user id, asset slug) of records, in the transaction that changes them."""
    if keeper not in _keepers:
        _keepers.append(keeper)


def keep_unread_records(records: Collection[tuple[int, str]]) -> None:
    """Call the callbacks, before the records are changed or deleted by hand in the open transaction."""
    for keeper in _keepers:
        keeper(records)


def store_untold(counts: Mapping[tuple[int, str], int]) -> set[tuple[int, str]]:
    """Store how many attempts of a learner on an asset, (user id, slug), earlier documents told and the stored one doesn't.

    Never waits: return those whose rows another transaction holds, which have to be counted again. `counts` are others than
    the stored ones.
    """
    rows = [{"user_id": user_id, "asset_slug": slug, "attempts": count} for (user_id, slug), count in counts.items()]
    if not rows:
        return set()
    return counts.keys() - {(user_id, slug) for user_id, slug in fetch(_UNTOLD, [json_rows(rows)])}
