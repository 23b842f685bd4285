"""The worker: processes the queues when it is woken and every second, and runs scheduled jobs."""

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

from learntrace.config.runtime.queues import QUEUES, Queue
from learntrace.config.runtime.schedules import run_due_jobs
from learntrace.core.models import Heartbeat
from learntrace.core.wakeup import CHANNEL

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
SCHEDULE_SECONDS = 20.0
# Beside a broker, only rows that its messages have not reached in this time.
SWEEP_AGE_SECONDS = 2.0
LONG_TURN_SECONDS = 1.0
# How long a stopping worker waits for a message that is being sent to another server.
BACKGROUND_STOP_SECONDS = 5.0
_PAUSE_AFTER_FAILURE = 0.5


class Worker:
    """One worker process. `sweeping`: Celery does the work, and this one processes what Celery missed."""

    def __init__(self, *, sweeping: bool = False) -> None:
        self._older_than = SWEEP_AGE_SECONDS if sweeping else 0.0
        self._stopping = threading.Event()
        self._listener: psycopg.Connection[tuple[object, ...]] | None = None
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._last_heartbeat = -HEARTBEAT_SECONDS

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; the current batch is finished first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        schedule_thread = threading.Thread(target=self._run_schedule, name="schedule", daemon=True)
        schedule_thread.start()
        background = [
            threading.Thread(target=self._run_in_background, args=(queue,), name=f"{queue.topic} {number}", daemon=True)
            for queue in QUEUES.values()
            for number in range(queue.threads)
        ]
        for thread in background:
            thread.start()
        log.info("worker started", name=self._name, sweeping=bool(self._older_than))
        while not self._stopping.is_set():
            try:
                self._work()
                self._wait()
            except (OperationalError, InterfaceError, psycopg.Error) as error:
                self._recover(error)
            except Exception:
                # Also errors that the database reports about a statement, such as a duplicate row. Some of them
                # belong to the session, such as a cached plan from before an upgrade, and end with it.
                log.exception("worker iteration failed")
                connection.close()
                self._stopping.wait(_PAUSE_AFTER_FAILURE)
        if self._listener is not None:
            self._listener.close()
        until = time.monotonic() + BACKGROUND_STOP_SECONDS
        for thread in background:
            thread.join(max(0.0, until - time.monotonic()))
        log.info("worker stopped", name=self._name)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _work(self) -> None:
        """Process all queues in turns of one batch each, so that none delays another or the stop."""
        busy = True
        while busy and not self._stopping.is_set():
            self._heartbeat()
            busy = sum(self._take_turn(queue) for queue in QUEUES.values() if not queue.threads) > 0

    def _take_turn(self, queue: Queue) -> int:
        began = time.monotonic()
        count = queue.work(self._older_than)
        if (seconds := time.monotonic() - began) > LONG_TURN_SECONDS:
            # Everybody else's work has waited for it.
            log.warning("long turn", topic=queue.topic, count=count, seconds=round(seconds, 2))
        return count

    def _wait(self) -> None:
        """Wait for a wake-up, at most until the next check."""
        if self._listener is None or self._listener.closed:
            self._listener = psycopg.connect(settings.DATABASE_URL, autocommit=True, connect_timeout=5)
            self._listener.execute(f"LISTEN {CHANNEL}")
            return  # a wake-up may have come before this LISTEN
        until = time.monotonic() + LOOK_SECONDS
        while not self._stopping.is_set() and time.monotonic() < until:
            # In short waits, so that a signal to stop is noticed soon.
            if list(self._listener.notifies(timeout=0.2, stop_after=1)) and not self._older_than:
                return

    def _heartbeat(self) -> None:
        """Record now and then that this worker is alive, also during a long backlog."""
        if time.monotonic() - self._last_heartbeat > HEARTBEAT_SECONDS:
            Heartbeat.objects.update_or_create(name=self._name, defaults={"seen_at": timezone.now()})
            self._last_heartbeat = time.monotonic()

    def _recover(self, error: Exception) -> None:
        """Start over with new connections after a database error."""
        log.warning("database error; reconnecting", error=str(error).strip()[:300])
        connection.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._stopping.wait(_PAUSE_AFTER_FAILURE)

    def _run_in_background(self, queue: Queue) -> None:
        """Process a queue in a thread of its own, polling: a wake-up is not worth a second listening connection."""
        while not self._stopping.is_set():
            try:
                while not self._stopping.is_set() and queue.work(self._older_than):
                    pass
            except (DatabaseError, psycopg.Error) as error:
                log.warning("queue skipped", topic=queue.topic, error=str(error).strip()[:300])
                connection.close()
            except Exception:
                log.exception("worker iteration failed", topic=queue.topic)
            self._stopping.wait(LOOK_SECONDS)
        connection.close()

    def _run_schedule(self) -> None:
        # A thread of its own: a long job must not delay a learner's batch.
        while not self._stopping.wait(SCHEDULE_SECONDS):
            try:
                run_due_jobs()
            except (DatabaseError, psycopg.Error) as error:
                log.warning("schedule skipped", error=str(error).strip()[:300])
                connection.close()
            finally:
                close_old_connections()
