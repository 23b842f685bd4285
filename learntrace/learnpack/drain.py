"""Emptying the inbox: claim a batch of webhooks, act on them with set-based SQL, mark them, all in one transaction.

The claim is the rows' lock. A worker that is killed loses its connection, the database undoes what it did, and the
rows are free for the next: no lease to expire, nothing to take over. Doing a row twice changes nothing.
"""

import time
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from django.db import OperationalError, connection, transaction
from django.utils import translation

from learntrace.accounts.models import User
from learntrace.core import live
from learntrace.learnpack import outcomes
from learntrace.learnpack.attempts import STREAMED
from learntrace.learnpack.batches import process_batches
from learntrace.learnpack.claims import claim, claim_one, registry_for
from learntrace.learnpack.dispatch import BATCH, PACKAGE_EVENTS, Claimed, refuse
from learntrace.learnpack.measures import BATCH_SIZE, PROCESSED
from learntrace.learnpack.outcomes import Outcome, failed
from learntrace.learnpack.packages import lock_assets, process_package_event
from learntrace.learnpack.payloads import natural_id
from learntrace.learnpack.streaming import process_streamed
from learntrace.learnpack.watched import webhook_changes
from learntrace.progress.recording import tell_also, together

log = structlog.get_logger(__name__)

CLAIM = 200

_MARK = """
UPDATE learnpack_webhook w
   SET status = r.status, status_text = r.status_text, reason = r.reason, reason_values = r.reason_values,
       student_id = coalesce(w.student_id, r.student_id), updated_at = now()
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(id bigint, status text, status_text text, reason text, reason_values jsonb, student_id bigint)
 WHERE w.id = r.id
"""
_POSTPONE = """
UPDATE learnpack_webhook
   SET attempts = attempts + 1, retry_at = now() + make_interval(secs => least(power(2, attempts), 300))
 WHERE id = ANY(%s) AND status = 'PENDING'
"""


def drain_webhooks(limit: int = CLAIM, older_than: float = 0) -> int:
    """Process pending webhooks until none is left; return how many.

    `older_than` (seconds) leaves the youngest to others. Raises OperationalError when the database is away.
    """
    total = 0
    while count := process_next(limit, older_than):
        total += count
    return total


def process_next(limit: int = CLAIM, older_than: float = 0) -> int:
    """Claim and process one batch of webhooks; return how many were claimed."""
    ids: list[int] = []
    start = time.perf_counter()
    try:
        with transaction.atomic():
            webhooks = claim(limit, older_than)
            ids = [webhook.id for webhook in webhooks]
            results = _process(webhooks)
    except OperationalError:
        _postpone(ids)
        raise
    except Exception:
        log.exception("webhooks failed together; trying one by one", count=len(ids))
        for one in ids:
            _process_one(one)
        return len(ids)
    if ids:
        _count(results, time.perf_counter() - start)
    return len(ids)


def _process_one(webhook_id: int) -> None:
    """Process one webhook by itself; a fault of ours ends it as an ERROR that can be processed again."""
    try:
        with transaction.atomic():
            results = _process(claim_one(webhook_id))
        _count(results)
    except OperationalError:
        _postpone([webhook_id])
        raise
    except Exception:
        log.exception("webhook failed", webhook=webhook_id)
        with transaction.atomic():
            claimed = claim_one(webhook_id)
            _mark({webhook.id: failed(outcomes.FAULT) for webhook in claimed}, {})
            live.say(webhook_changes([webhook.id for webhook in claimed]))


def _process(webhooks: Sequence[Claimed]) -> dict[int, Outcome]:
    """Act on claimed webhooks and mark them, in the open transaction."""
    if not webhooks:
        return {}
    named = {natural_id(webhook.named_user()) for webhook in webhooks} | {webhook.student_id for webhook in webhooks}
    users = [one for one in named if one is not None]
    known = set(User.objects.filter(id__in=users).values_list("id", flat=True))
    results: dict[int, Outcome] = {}
    for webhook in webhooks:
        if refusal := refuse(webhook, known):
            results[webhook.id] = refusal
    accepted = [webhook for webhook in webhooks if webhook.id not in results]
    registry = registry_for(accepted)
    if any(webhook.event in PACKAGE_EVENTS for webhook in accepted):
        lock_assets(registry.by_id)
    results |= process_batches([one for one in accepted if one.event == BATCH], registry, known)
    for webhook in accepted:
        if webhook.event in PACKAGE_EVENTS:
            results[webhook.id] = process_package_event(webhook, registry)
    with together():
        # Last, as it waits for learners whose activities others have in hand.
        results |= process_streamed([one for one in accepted if one.event in STREAMED], registry, known)
        _mark(results, {webhook.id: webhook.student() for webhook in webhooks if webhook.student() in known})
        tell_also(webhook_changes(results))
    return results


def _mark(results: Mapping[int, Outcome], students: Mapping[int, int | None]) -> None:
    with translation.override("en"):
        rows = [
            {
                "id": webhook_id, "status": outcome.status, "status_text": outcome.sentence(),
                "reason": outcome.reason, "reason_values": outcome.values, "student_id": students.get(webhook_id),
            }
            for webhook_id, outcome in sorted(results.items())
        ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [msgspec.json.encode(rows).decode()])


def _postpone(ids: Sequence[int]) -> None:
    """Note a transient failure, so that rows are tried again later and less and less often."""
    if not ids:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_POSTPONE, [list(ids)])
    except OperationalError:
        # The database is away: they are still pending, and nobody has lost anything.
        connection.close()


def _count(results: Mapping[int, Outcome], seconds: float | None = None) -> None:
    for outcome in results.values():
        PROCESSED.labels(outcome.status).inc()
    if seconds is not None and results:
        BATCH_SIZE.observe(len(results))
        log.info("webhooks processed", count=len(results), ms=round(seconds * 1000, 1))
