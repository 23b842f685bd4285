"""Making all pending webhooks due at once, without superseded batches (contract, section 11)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from learntrace.core.progress_line import ProgressLine
from learntrace.core.sql import execute
from learntrace.core.wakeup import announce
from learntrace.learnpack.inbox.source import TOPIC
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.batches import refuse_without_task
from learntrace.learnpack.processing.claims import Order, claim_these, read_pending_batches, registry_for
from learntrace.learnpack.processing.dispatch import Batch, batch_of
from learntrace.learnpack.processing.outcomes import Outcome
from learntrace.learnpack.processing.unread_documents import keep_unread

_CHUNK = 1000

# A row that a worker has taken or finished meanwhile is left as it is.
_IGNORE = """
UPDATE learnpack_webhook
   SET status = 'IGNORED', status_text = %s, reason = %s, updated_at = now()
 WHERE id = ANY(%s) AND status = 'PENDING'
"""
_QUEUE = """
UPDATE learnpack_webhook SET retry_at = statement_timestamp()
 WHERE status = 'PENDING' AND retry_at > statement_timestamp()
"""


@dataclass(frozen=True)
class Queued:
    """How many webhooks were left to the workers, and how many older batches were ignored."""

    queued: int
    ignored: int


def queue_pending(*, dry_run: bool = False, progress: ProgressLine | None = None) -> Queued:
    """Make all pending webhooks due; of several batches for one learner and asset, only the newest.

    The runs in the others are recorded.
    """
    superseded = _older_batches(progress)
    waiting = Webhook.objects.filter(status=Webhook.Status.PENDING).count()
    if dry_run:
        return Queued(waiting - len(superseded), len(superseded))
    ignored = 0
    text = Outcome(Webhook.Status.IGNORED, outcomes.DEDUPLICATED).text()
    for start in range(0, len(superseded), _CHUNK):
        ignored += _ignore(superseded[start : start + _CHUNK], text)
    execute(_QUEUE)
    announce(TOPIC)
    return Queued(Webhook.objects.filter(status=Webhook.Status.PENDING).count(), ignored)


def _ignore(ids: Sequence[int], text: str) -> int:
    """Ignore pending batches, whose runs are kept to be recorded in the same transaction; return how many."""
    with transaction.atomic():
        webhooks = claim_these(ids)
        registry = registry_for(webhooks)
        batches = [batch_of(webhook, registry) for webhook in webhooks]
        kept, _refused = refuse_without_task([batch for batch in batches if isinstance(batch, Batch)])
        keep_unread(kept)
        return execute(_IGNORE, [text, outcomes.DEDUPLICATED, [webhook.id for webhook in webhooks]])


def _older_batches(progress: ProgressLine | None) -> list[int]:
    """Return the ids of pending batches with a newer pending one of the same learner and canonical asset."""
    newest: dict[tuple[int, str], Order] = {}
    older: list[int] = []
    after = 0
    while webhooks := read_pending_batches(after, _CHUNK):
        after = webhooks[-1].id
        registry = registry_for(webhooks)
        for webhook in webhooks:
            batch = batch_of(webhook, registry)
            if not isinstance(batch, Batch):
                continue
            other = newest.get(batch.key)
            newest[batch.key] = webhook.order if other is None else max(other, webhook.order)
            if other is not None:
                older.append(min(other, webhook.order).id)
        if progress:
            progress.advance(len(webhooks))
    return older
