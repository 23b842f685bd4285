"""The queues of all rooms in one list, and how their workers are woken."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.conf import settings

from learntrace.assignments import stats
from learntrace.core import wakeup
from learntrace.learnpack import drain, inbox
from learntrace.learnpack.models import Webhook
from learntrace.registry.sync import TOPIC as STATS_TOPIC


@dataclass(frozen=True)
class Queue:
    """A table whose rows wait for work.

    `work(older_than)` does one batch of those that have waited that many seconds, and returns how many there were, 0
    when none is left; `oldest()` says since when the first one waits.
    """

    topic: str
    work: Callable[[float], int]
    oldest: Callable[[], datetime | None]


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
        # Nobody's claim can be hurt by a second worker, so these need no age.
        # One at a time: a night's recomputation must not keep a learner's batch waiting.
        Queue(STATS_TOPIC, lambda older_than: stats.drain_stats(limit=1), lambda: None),
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
