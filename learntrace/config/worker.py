"""The worker: looks at the queues when it is woken and every second besides, and runs what is due by the clock."""

import os
import signal
import socket
import threading
import time
from types import FrameType

import psycopg
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from learntrace.config.queues import QUEUES, Queue
from learntrace.config.schedules import run_due_jobs
from learntrace.core.models import Heartbeat
from learntrace.core.wakeup import CHANNEL

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
SCHEDULE_SECONDS = 20.0
# Beside a broker only what its messages have not reached in this time is ours.
SWEEP_AGE_SECONDS = 2.0
# How long a message that is being sent to somebody's server is waited for at the end.
ASIDE_SECONDS = 5.0
_PAUSE_AFTER_FAILURE = 0.5


class Worker:
    """One worker process. `sweeping`: Celery does the work, this one looks after what Celery missed."""

    def __init__(self, *, sweeping: bool = False) -> None:
        self._older_than = SWEEP_AGE_SECONDS if sweeping else 0.0
        self._stopping = threading.Event()
        self._listener: psycopg.Connection[tuple[object, ...]] | None = None
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._last_heartbeat = -HEARTBEAT_SECONDS

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; what is in hand is finished first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        by_clock = threading.Thread(target=self._run_schedule, name="schedule", daemon=True)
        by_clock.start()
        aside = [
            threading.Thread(target=self._run_aside, args=(queue,), name=f"{queue.topic} {number}", daemon=True)
            for queue in QUEUES.values()
            for number in range(queue.aside)
        ]
        for thread in aside:
            thread.start()
        log.info("worker started", name=self._name, sweeping=bool(self._older_than))
        while not self._stopping.is_set():
            try:
                self._work()
                self._wait()
            except (OperationalError, InterfaceError, psycopg.Error) as error:
                self._recover(error)
            except Exception:
                # Also what the database refuses of ours, such as a row twice: no outage, and told as what it is. Some of it
                # belongs to the session, such as a plan from before an upgrade, and goes with it.
                log.exception("worker stumbled")
                connection.close()
                self._stopping.wait(_PAUSE_AFTER_FAILURE)
        if self._listener is not None:
            self._listener.close()
        until = time.monotonic() + ASIDE_SECONDS
        for thread in aside:
            thread.join(max(0.0, until - time.monotonic()))
        log.info("worker stopped", name=self._name)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _work(self) -> None:
        """Work all queues off, in turns of a batch each: none keeps another waiting, nor us from stopping."""
        busy = True
        while busy and not self._stopping.is_set():
            self._heartbeat()
            busy = sum(queue.work(self._older_than) for queue in QUEUES.values() if not queue.aside) > 0

    def _wait(self) -> None:
        """Wait for a wake-up, at most until the next look."""
        if self._listener is None or self._listener.closed:
            self._listener = psycopg.connect(settings.DATABASE_URL, autocommit=True, connect_timeout=5)
            self._listener.execute(f"LISTEN {CHANNEL}")
            return  # a wake-up may have come before we listened
        until = time.monotonic() + LOOK_SECONDS
        while not self._stopping.is_set() and time.monotonic() < until:
            # In short turns, so that a signal to stop is seen soon.
            if list(self._listener.notifies(timeout=0.2, stop_after=1)) and not self._older_than:
                return

    def _heartbeat(self) -> None:
        """Say now and then that we live, in a long backlog too."""
        if time.monotonic() - self._last_heartbeat > HEARTBEAT_SECONDS:
            Heartbeat.objects.update_or_create(name=self._name, defaults={"seen_at": timezone.now()})
            self._last_heartbeat = time.monotonic()

    def _recover(self, error: Exception) -> None:
        """The database refused or is away: start over with new connections."""
        log.warning("database trouble; trying again", error=str(error).strip()[:300])
        connection.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._stopping.wait(_PAUSE_AFTER_FAILURE)

    def _run_aside(self, queue: Queue) -> None:
        """Work a queue off that waits for others' servers; a wake-up is not worth a second connection that listens."""
        while not self._stopping.is_set():
            try:
                while not self._stopping.is_set() and queue.work(self._older_than):
                    pass
            except (DatabaseError, psycopg.Error) as error:
                log.warning("queue not looked at", topic=queue.topic, error=str(error).strip()[:300])
                connection.close()
            except Exception:
                log.exception("worker stumbled", topic=queue.topic)
            self._stopping.wait(LOOK_SECONDS)
        connection.close()

    def _run_schedule(self) -> None:
        # A thread of its own: a long job must not keep a learner's batch waiting.
        while not self._stopping.wait(SCHEDULE_SECONDS):
            try:
                run_due_jobs()
            except (DatabaseError, psycopg.Error) as error:
                log.warning("schedule not looked at", error=str(error).strip()[:300])
                connection.close()
            finally:
                close_old_connections()
