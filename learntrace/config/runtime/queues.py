"""All queues in one list, and how workers are woken for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg
from django.conf import settings

from learntrace.accounts.roster.jobs import asking as roster_asking
from learntrace.accounts.roster.jobs import running as roster_jobs
from learntrace.assignments import telemetry_stats
from learntrace.assignments.changes import assets as asset_changes
from learntrace.core import wakeup
from learntrace.core.sql import fetch_one
from learntrace.learnpack.attempts import derivation as learnpack_attempts
from learntrace.learnpack.attempts import earlier_ids
from learntrace.learnpack.inbox import source as learnpack_inbox
from learntrace.learnpack.processing import drain
from learntrace.learnpack.processing.claims import TABLE as WEBHOOKS
from learntrace.learnpack.processing.streaming import SOURCE as LEARNPACK
from learntrace.notebooks.documents import arrivals
from learntrace.notebooks.documents import telemetry_queue as notebook_telemetry
from learntrace.notebooks.documents.activities import SOURCE as NOTEBOOK
from learntrace.notebooks.inbox import source as notebooks_inbox
from learntrace.progress import stale_queue
from learntrace.progress.recording import recomputation
from learntrace.registry.sync import TOPIC as STATS_TOPIC
from learntrace.signals.concerns import class_turn
from learntrace.signals.evaluation import timers
from learntrace.signals.falling_behind import comparison_queue
from learntrace.signals.notifications.claims import MOST_AT_ONCE
from learntrace.signals.notifications.delivery import deliver_due
from learntrace.signals.notifications.queueing import TOPIC as NOTIFICATIONS_TOPIC


def _if(condition: str) -> str:
    """Return the SQL of a look (`Queue.look`) where a condition says whether there is work."""
    return f"SELECT {condition}, NULL::float8"


@dataclass(frozen=True)
class Queue:
    """A table whose rows wait for work.

    `work(older_than)` processes one batch of the rows that have waited that many seconds and returns how many there were,
    0 when none is left; `oldest()` returns since when the oldest row waits.

    `look` is SQL of one row: whether there may be work, and in how many seconds there will be some, NULL where nothing is
    known to come. It has the parameters of `fair_claims.in_share` and `older_than`. `patient`: looked at once a second and
    when the topic is announced. `watched`: what it does is seen at once, so that it gets a turn after each long one of another
    queue. `threads` is the number of threads in which a worker runs the queue apart from the others,
    for work that takes long or waits for other servers; of several workers of a command only the first one has them.
    """

    topic: str
    work: Callable[[float], int]
    oldest: Callable[[], datetime | None]
    look: str
    patient: bool = False
    watched: bool = False
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
_RECOMPUTATIONS = _if(
    "EXISTS (SELECT FROM progress_recomputation WHERE done_at IS NULL AND due_at <= statement_timestamp())"
)
_TIMERS = _if("EXISTS (SELECT FROM signals_watch WHERE due_at <= statement_timestamp())")
_STATS = _if("EXISTS (SELECT FROM registry_asset WHERE sync_status = 'PENDING')")
_NOTIFICATIONS = _if(
    "EXISTS (SELECT FROM signals_notification WHERE state IN ('waiting', 'sending') AND due_at <= statement_timestamp())"
)


def _stale(source: str) -> str:
    return replace(stale_queue.TABLE, waiting=f"q.source = '{source}'").look


QUEUES = {
    queue.topic: queue
    for queue in (
        Queue(
            learnpack_inbox.TOPIC,
            lambda older_than: drain.process_next(older_than=older_than),
            _oldest_webhook,
            WEBHOOKS.look,
        ),
        # A teacher sees a learner who is stuck by a signal that an event raises.
        Queue(
            notebooks_inbox.TOPIC, arrivals.take_arrivals, arrivals.oldest_arrival, arrivals.TABLE.look, watched=True
        ),
        # A learner with a long history takes seconds.
        Queue(
            recomputation.TOPIC,
            lambda older_than: recomputation.take_recomputation(),
            lambda: None,
            _RECOMPUTATIONS,
            threads=1,
        ),
        Queue(
            learnpack_attempts.TOPIC,
            lambda older_than: learnpack_attempts.take_attempts(older_than=older_than),
            lambda: stale_queue.oldest(LEARNPACK),
            _stale(LEARNPACK),
        ),
        Queue(
            notebook_telemetry.TOPIC,
            lambda older_than: notebook_telemetry.make_documents(older_than=older_than),
            lambda: stale_queue.oldest(NOTEBOOK),
            _stale(NOTEBOOK),
        ),
        # Nothing waits, unless there is data of an earlier version. A part takes a fraction of a second.
        Queue(
            earlier_ids.TOPIC,
            lambda older_than: earlier_ids.take_earlier_ids(),
            lambda: None,
            _if(f"EXISTS (SELECT FROM progress_activity a WHERE {earlier_ids.EARLIER})"),
            threads=1,
        ),
        # Timers: a delay until the next check hurts nobody.
        Queue(timers.TOPIC, lambda older_than: timers.evaluate_due_timers(), lambda: None, _TIMERS, patient=True),
        # A comparison over a million events takes a second; no batch waits for it. It knows itself when to look again.
        Queue(
            comparison_queue.TOPIC,
            lambda older_than: comparison_queue.take_turn(),
            lambda: None,
            _if("true"),
            threads=1,
        ),
        # Many of a class at once: tells live clients. It knows itself when to look again.
        Queue(class_turn.TOPIC, lambda older_than: class_turn.take_turn(), lambda: None, _if("true"), threads=1),
        # A second worker can't disturb the claims of the first, so these ignore `older_than`.
        # One at a time: the nightly recomputation must not delay a learner's batch.
        Queue(STATS_TOPIC, lambda older_than: telemetry_stats.drain_stats(limit=1), lambda: None, _STATS, patient=True),
        # Whole classes may have to be scored, which takes a while.
        Queue(
            asset_changes.TOPIC,
            lambda older_than: asset_changes.take_change(),
            lambda: None,
            _if("EXISTS (SELECT FROM registry_assetchange)"),
            patient=True,
            threads=1,
        ),
        # Thousands of people take seconds.
        Queue(
            roster_asking.TOPIC,
            lambda older_than: roster_jobs.take_job(),
            lambda: None,
            _if(roster_jobs.WAITING),
            threads=1,
        ),
        # A mail server that is away makes this server no less ready. One thread more than an academy may hold.
        Queue(
            NOTIFICATIONS_TOPIC,
            lambda older_than: deliver_due(limit=1),
            lambda: None,
            _NOTIFICATIONS,
            threads=MOST_AT_ONCE + 1,
        ),
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
