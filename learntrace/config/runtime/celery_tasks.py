"""Celery's tasks: the same functions as the embedded worker runs."""

import time

import structlog
from django.db import Error

from learntrace.config.runtime.celery import DRAIN, app
from learntrace.config.runtime.queues import QUEUES
from learntrace.core.wakeup import announce

log = structlog.get_logger(__name__)

# A queue that never empties must not keep the process from stopping.
_TURN_SECONDS = 2.0


@app.task(name=DRAIN, ignore_result=True)
def drain_queue(topic: str) -> None:
    """Process a queue until it is empty. A topic of a newer version is left to workers of that version."""
    queue = QUEUES.get(topic)
    if queue is None:
        log.warning("unknown queue", topic=topic)
        return
    until = time.monotonic() + _TURN_SECONDS
    try:
        while queue.work(0):
            if time.monotonic() > until:
                announce(topic)
                return
    except Error as error:
        # The rows are still in the table, and the next check finds them.
        log.warning("queue not worked off; trying again later", topic=topic, error=str(error).strip())
