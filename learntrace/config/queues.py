"""The queues of all rooms in one list, and how their workers are woken."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.conf import settings

from learntrace.assignments import stats
from learntrace.core import wakeup
from learntrace.learnpack import drain, inbox
from learntrace.learnpack import telemetry as learnpack_telemetry
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.streaming import SOURCE as LEARNPACK
from learntrace.notebooks import arrivals
from learntrace.notebooks import inbox as events_inbox
from learntrace.notebooks import telemetry as notebook_telemetry
from learntrace.notebooks.activities import SOURCE as NOTEBOOK
from learntrace.progress import recomputation
from learntrace.progress.turns import oldest
from learntrace.registry.sync import TOPIC as STATS_TOPIC
from learntrace.signals import lessons, ticking
from learntrace.signals.notifications.delivery import deliver_due
from learntrace.signals.notifications.queueing import TOPIC as NOTIFICATIONS_TOPIC


@dataclass(frozen=True)
class Queue:
    """A table whose rows wait for work.

    `work(older_than)` does one batch of those that have waited that many seconds, and returns how many there were, 0
    when none is left; `oldest()` says since when the first one waits. `aside` is in how many threads of its own a worker
    does it, where it takes long or waits for the servers of others; the rows of other queues must not wait with it.
    """

    topic: str
    work: Callable[[float], int]
    oldest: Callable[[], datetime | None]
    aside: int = 0


def _oldest_webhook() -> datetime | None:
    return (
        Webhook.objects.filter(status=Webhook.Status.PENDING)
        .order_by("id")
        .values_list("created_at", flat=True)
        .first()
    )


QUEUES = {
    queue.topic: queue
    for queue in (
        Queue(inbox.TOPIC, lambda older_than: drain.process_next(older_than=older_than), _oldest_webhook),
        Queue(events_inbox.TOPIC, arrivals.take_arrivals, arrivals.oldest_arrival),
        Queue(recomputation.TOPIC, lambda older_than: recomputation.take_recomputation(), lambda: None),
        Queue(
            learnpack_telemetry.TOPIC,
            lambda older_than: learnpack_telemetry.take_attempts(older_than=older_than),
            lambda: oldest(LEARNPACK),
        ),
        Queue(
            notebook_telemetry.TOPIC,
            lambda older_than: notebook_telemetry.make_documents(older_than=older_than),
            lambda: oldest(NOTEBOOK),
        ),
        # What is due by the clock: nobody waits for it longer than until the next look.
        Queue(ticking.TOPIC, lambda older_than: ticking.tick_due(), lambda: None),
        # Of a lesson with a million events it takes a second, which nobody's batch waits for.
        Queue(lessons.TOPIC, lambda older_than: lessons.look_at_lessons(), lambda: None, aside=1),
        # Nobody's claim can be hurt by a second worker, so these need no age.
        # One at a time: a night's recomputation must not keep a learner's batch waiting.
        Queue(STATS_TOPIC, lambda older_than: stats.drain_stats(limit=1), lambda: None),
        # That somebody's mail server is away makes this server no less ready.
        Queue(NOTIFICATIONS_TOPIC, lambda older_than: deliver_due(limit=1), lambda: None, aside=2),
    )
}


def _by_notify() -> wakeup.Transport:
    """Wake through PostgreSQL: an own connection, so that nobody's commit waits for the notification's lock."""
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
    from learntrace.config.celery import DRAIN, app  # only where a broker is set

    def send(topic: str) -> None:
        # Some topics only tell those who listen that something changed: there is no work in them.
        if topic in QUEUES:
            app.send_task(DRAIN, args=(topic,), retry=False)

    return send


wakeup.use_transport(_by_broker if settings.BROKER_URL else _by_notify)
