"""Processing the inbox: claim pending webhooks, act on them with set-based SQL and mark them, in one transaction.

`core.queue` has the policy for claims and faults. Processing is idempotent: a row may be processed twice.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils import translation

from learntrace.core import live_events
from learntrace.core.queue import run_turn
from learntrace.core.sql import execute, json_rows
from learntrace.learnpack.attempts.earlier_ids import change_earlier_ids
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.batches import process_batches
from learntrace.learnpack.processing.claims import Claimed, claim, claim_one, registry_for
from learntrace.learnpack.processing.dispatch import StreamedEvent, dispatch
from learntrace.learnpack.processing.outcomes import Outcome, failed
from learntrace.learnpack.processing.packages import lock_assets, process_package_events
from learntrace.learnpack.processing.streaming import process_streamed
from learntrace.learnpack.prometheus import BATCH_SIZE, PROCESSED
from learntrace.learnpack.webhook_log.live_changes import changes_of_update
from learntrace.progress.recording.recording import lock_free_learners, tell_also, together

log = structlog.get_logger(__name__)

CLAIM = 200

_MARK = """
UPDATE learnpack_webhook w
   SET status = r.status, status_text = r.status_text, reason = r.reason, reason_values = r.reason_values,
       student_id = coalesce(w.student_id, r.student_id), updated_at = now()
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(id bigint, status text, status_text text, reason text, reason_values jsonb, student_id bigint)
 WHERE w.id = r.id
RETURNING w.id, w.status, w.student_id, w.asset_id
"""
_POSTPONE = """
UPDATE learnpack_webhook
   SET attempts = attempts + 1, retry_at = now() + make_interval(secs => least(power(2, attempts), 300))
 WHERE id = ANY(%s) AND status = 'PENDING'
"""
_WAIT = "UPDATE learnpack_webhook SET retry_at = statement_timestamp() + interval '0.2 seconds' WHERE id = ANY(%s)"


def drain_webhooks(limit: int = CLAIM, older_than: float = 0) -> int:
    """Process pending webhooks until none is left; return how many.

    `older_than` (seconds) leaves younger webhooks to other workers. Raises OperationalError when the database is away.
    """
    total = 0
    while count := process_next(limit, older_than):
        total += count
    return total


def process_next(limit: int = CLAIM, older_than: float = 0) -> int:
    """Claim and process one batch of webhooks; return how many were claimed."""
    return run_turn(_WebhooksTurn(limit, older_than))


@dataclass(frozen=True)
class _WebhooksTurn:
    limit: int
    older_than: float
    name: str = "webhooks"

    def describe(self, item: Claimed) -> Mapping[str, object]:
        return {"webhook": item.id}

    def claim(self) -> list[Claimed]:
        return claim(self.limit, self.older_than)

    def claim_again(self, item: Claimed) -> list[Claimed]:
        return claim_one(item.id)

    def work(self, items: Sequence[Claimed]) -> None:
        start = time.perf_counter()
        outcomes_by_id = _process(items)
        transaction.on_commit(lambda: _count(outcomes_by_id, time.perf_counter() - start))

    def postpone(self, items: Sequence[Claimed]) -> None:
        """Wait with exponential back-off, 300 seconds at most."""
        execute(_POSTPONE, [[webhook.id for webhook in items]])

    def give_up(self, items: Sequence[Claimed], error: Exception) -> None:
        """End as an ERROR; staff can have the webhook processed again."""
        live_events.say(_mark({webhook.id: failed(outcomes.FAULT) for webhook in items}, {}))


def _process(webhooks: Sequence[Claimed]) -> dict[int, Outcome]:
    """Act on claimed webhooks and mark them, in the open transaction; return each webhook's outcome by its id."""
    registry = registry_for(webhooks)
    dispatched = dispatch(webhooks, registry)
    if dispatched.package_events:
        lock_assets(registry.by_id)
    results = dispatched.refused
    results |= process_batches(dispatched.batches)
    results |= process_package_events(dispatched.package_events, registry)
    with together():
        results |= process_streamed(_of_free_learners(dispatched.streamed))
        tell_also(_mark(results, {webhook.id: webhook.student_id for webhook in webhooks}))
    return results


def _of_free_learners(events: Sequence[StreamedEvent]) -> list[StreamedEvent]:
    """Return the events of learners whose activities no other worker has locked and whose ids are of today's form; the
    others are taken a moment later."""
    if not events:
        return []
    free = lock_free_learners({event.student_id for event in events if event.student_id is not None})
    free = change_earlier_ids(free)
    waiting = [event.webhook.id for event in events if event.student_id is not None and event.student_id not in free]
    if waiting:
        execute(_WAIT, [waiting])
    return [event for event in events if event.student_id is None or event.student_id in free]


def _mark(results: Mapping[int, Outcome], students: Mapping[int, int | None]) -> list[live_events.Change]:
    """Store outcomes, and the students of webhooks that came before their students existed; return the changes for live
    clients."""
    with translation.override("en"):
        rows = [
            {
                "id": webhook_id,
                "status": outcome.status,
                "status_text": outcome.sentence(),
                "reason": outcome.reason,
                "reason_values": outcome.values,
                "student_id": students.get(webhook_id),
            }
            for webhook_id, outcome in sorted(results.items())
        ]
    return changes_of_update(_MARK, [json_rows(rows)]) if rows else []


def _count(results: Mapping[int, Outcome], seconds: float) -> None:
    for outcome in results.values():
        PROCESSED.labels(outcome.status).inc()
    BATCH_SIZE.observe(len(results))
    log.info("webhooks processed", count=len(results), ms=round(seconds * 1000, 1))
