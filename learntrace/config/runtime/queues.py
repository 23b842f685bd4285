"""All queues in one list, and how workers are woken for them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.conf import settings

from learntrace.assignments import telemetry_stats
from learntrace.core import wakeup
from learntrace.core.sql import fetch_one
from learntrace.learnpack.attempts import derivation as learnpack_attempts
from learntrace.learnpack.attempts import earlier_ids
from learntrace.learnpack.inbox import source as learnpack_inbox
from learntrace.learnpack.processing import drain
from learntrace.learnpack.processing.streaming import SOURCE as LEARNPACK
from learntrace.notebooks.documents import arrivals
from learntrace.notebooks.documents import telemetry_queue as notebook_telemetry
from learntrace.notebooks.documents.activities import SOURCE as NOTEBOOK
from learntrace.notebooks.inbox import source as notebooks_inbox
from learntrace.progress.recording import recomputation
from learntrace.progress.stale_queue import oldest
from learntrace.registry.sync import TOPIC as STATS_TOPIC
from learntrace.signals.evaluation import timers
from learntrace.signals.falling_behind import comparison_queue
from learntrace.signals.notifications.claims import MOST_AT_ONCE
from learntrace.signals.notifications.delivery import deliver_due
from learntrace.signals.notifications.queueing import TOPIC as NOTIFICATIONS_TOPIC


@dataclass(frozen=True)
class Queue:
    """A table whose rows wait for work.

    `work(older_than)` processes one batch of the rows that have waited that many seconds and returns how many there were,
    0 when none is left; `oldest()` returns since when the oldest row waits. `threads` is the number of threads in which a
    worker runs the queue apart from the others, for work that takes long or waits for other servers.
    """

    topic: str
    work: Callable[[float], int]
    oldest: Callable[[], datetime | None]
    threads: int = 0


def _oldest_webhook() -> datetime | None:
    """Return since when the oldest webhook waits for a worker: one that was deferred does since it has been due."""
    row = fetch_one(_OLDEST_WEBHOOK)
    return None if row is None else row[0]


_OLDEST_WEBHOOK = """
SELECT CASE WHEN attempts = 0 THEN greatest(created_at, retry_at) ELSE created_at END
  FROM learnpack_webhook
 WHERE status = 'PENDING' AND (retry_at <= statement_timestamp() OR attempts > 0)
 ORDER BY id LIMIT 1
"""


QUEUES = {
    queue.topic: queue
    for queue in (
        Queue(learnpack_inbox.TOPIC, lambda older_than: drain.process_next(older_than=older_than), _oldest_webhook),
        Queue(notebooks_inbox.TOPIC, arrivals.take_arrivals, arrivals.oldest_arrival),
        # A learner with a long history takes seconds.
        Queue(recomputation.TOPIC, lambda older_than: recomputation.take_recomputation(), lambda: None, threads=1),
        Queue(
            learnpack_attempts.TOPIC,
            lambda older_than: learnpack_attempts.take_attempts(older_than=older_than),
            lambda: oldest(LEARNPACK),
        ),
        Queue(
            notebook_telemetry.TOPIC,
            lambda older_than: notebook_telemetry.make_documents(older_than=older_than),
            lambda: oldest(NOTEBOOK),
        ),
        # Nothing waits, unless there is data of an earlier version. A part takes a fraction of a second.
        Queue(earlier_ids.TOPIC, lambda older_than: earlier_ids.take_earlier_ids(), lambda: None, threads=1),
        # Timers: a delay until the next check hurts nobody.
        Queue(timers.TOPIC, lambda older_than: timers.evaluate_due_timers(), lambda: None),
        # A comparison over a million events takes a second; no batch waits for it.
        Queue(comparison_queue.TOPIC, lambda older_than: comparison_queue.take_turn(), lambda: None, threads=1),
        # A second worker can't disturb the claims of the first, so these ignore `older_than`.
        # One at a time: the nightly recomputation must not delay a learner's batch.
        Queue(STATS_TOPIC, lambda older_than: telemetry_stats.drain_stats(limit=1), lambda: None),
        # A mail server that is away makes this server no less ready. One thread more than an academy may hold.
        Queue(NOTIFICATIONS_TOPIC, lambda older_than: deliver_due(limit=1), lambda: None, threads=MOST_AT_ONCE + 1),
    )
}


def _by_notify() -> wakeup.Transport:
    """Wake workers through PostgreSQL, on a connection of its own, so that no commit waits for the lock of NOTIFY."""
    connection: psycopg.Connection[tuple[object, ...]] | None = None

    def send(topic: str) -> None:
        nonlocal connection
        if connection is None or connection.closed:
            connection = psycopg.connect(settings.DATABASE_URL, autocommit=True, connect_timeout=5)
        try:
            connection.execute("SELECT pg_notify(%s, %s)", [wakeup.CHANNEL, topic])
        except psycopg.Error:
            connection.close()
            raise

    return send


def _by_broker() -> wakeup.Transport:
    from learntrace.config.runtime.celery import DRAIN, app  # imported only if a broker is set

    def send(topic: str) -> None:
        # Some topics only announce changes to listeners; they are no queues.
        if topic in QUEUES:
            app.send_task(DRAIN, args=(topic,), retry=False)

    return send


wakeup.use_transport(_by_broker if settings.BROKER_URL else _by_notify)
