"""Storing the telemetry documents that sources make: one row per learner and canonical asset, the newest wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

# One statement for a whole batch. Rows come sorted, so that two workers lock them in one order; an older document
# (contract, 3.3) finds its row newer, changes nothing and is not returned. A tie is the same document once more.
_STORE = """
INSERT INTO assignments_assignmenttelemetry AS kept (
       user_id, asset_slug, telemetry, engagement_score, frustration_score, metrics_algo_version, metrics,
       total_time, completion_rate, last_interaction_at, receipt, created_at, updated_at)
SELECT user_id, asset_slug, telemetry, engagement_score, frustration_score, metrics_algo_version, metrics,
       make_interval(secs => total_time), completion_rate, last_interaction_at, receipt, now(), now()
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
       last_interaction_at = excluded.last_interaction_at, receipt = excluded.receipt, updated_at = now()
 WHERE (coalesce(excluded.last_interaction_at, '-infinity'), excluded.receipt)
    >= (coalesce(kept.last_interaction_at, '-infinity'), coalesce(kept.receipt, 0))
RETURNING user_id, asset_slug
"""


@dataclass(frozen=True)
class Document:
    """A learner's state on an asset, as a source tells it.

    `telemetry` is JSON text, kept unaltered. `result` is what `metrics.indicators` made of it; None leaves the scores
    null. `last_interaction_at` and `receipt` (the source's inbox row) are its place in the order of documents.
    """

    user_id: int
    asset_slug: str
    telemetry: bytes
    result: dict[str, Any] | None
    last_interaction_at: datetime | None
    receipt: int

    def row(self) -> dict[str, Any]:
        """The columns of the row."""
        row = {
            "user_id": self.user_id,
            "asset_slug": self.asset_slug,
            "telemetry": msgspec.Raw(self.telemetry),
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


def store_documents(documents: Sequence[Document]) -> set[tuple[int, str]]:
    """Store documents, at most one for each learner and asset, in the open transaction.

    Returns the (user id, asset slug) of those that were the newest; the others changed nothing.
    """
    if not documents:
        return set()
    rows = msgspec.json.encode([document.row() for document in documents])
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [rows.decode()])
        return {(row[0], row[1]) for row in cursor.fetchall()}
