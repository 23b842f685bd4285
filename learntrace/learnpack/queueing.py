"""Queueing what waits, without the batches that a newer one has made superfluous (contract, section 11)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from learntrace.core.progress import Progress
from learntrace.core.wakeup import announce
from learntrace.learnpack import outcomes
from learntrace.learnpack.claims import read_pending_batches, registry_for
from learntrace.learnpack.dispatch import resolve
from learntrace.learnpack.inbox import TOPIC
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.outcomes import Outcome

_CHUNK = 1000

# A row that a worker finished meanwhile is left as it is.
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
    """What came of it: rows left to the workers, and older batches ignored."""

    queued: int
    ignored: int


def queue_pending(*, dry_run: bool = False, progress: Progress | None = None) -> Queued:
    """Hand all pending webhooks to the workers at once; of several batches for one learner and asset only the newest."""
    superfluous = _older_batches(progress)
    waiting = Webhook.objects.filter(status=Webhook.Status.PENDING).count()
    if dry_run:
        return Queued(waiting - len(superfluous), len(superfluous))
    ignored = 0
    text = Outcome(Webhook.Status.IGNORED, outcomes.DEDUPLICATED).text()
    with connection.cursor() as cursor:
        for start in range(0, len(superfluous), _CHUNK):
            cursor.execute(_IGNORE, [text, outcomes.DEDUPLICATED, superfluous[start : start + _CHUNK]])
            ignored += cursor.rowcount
        cursor.execute(_QUEUE)
    announce(TOPIC)
    return Queued(Webhook.objects.filter(status=Webhook.Status.PENDING).count(), ignored)


def _older_batches(progress: Progress | None) -> list[int]:
    """The ids of pending batches for which a newer one of the same learner and canonical asset waits too."""
    newest: dict[tuple[int, str], tuple[tuple[bool, datetime | None, int], int]] = {}
    older: list[int] = []
    after = 0
    while webhooks := read_pending_batches(after, _CHUNK):
        after = webhooks[-1].id
        registry = registry_for(webhooks)
        for webhook in webhooks:
            student, resolved = webhook.student(), resolve(webhook, registry)
            if student is None or resolved is None:
                continue
            key = (student, registry.canonical(resolved.asset).slug)
            mine = (webhook.order(), webhook.id)
            held = newest.get(key)
            newest[key] = mine if held is None else max(held, mine)
            if held is not None:
                older.append(min(held, mine)[1])
        if progress:
            progress.advance(len(webhooks))
    return older
