"""The worker: processes the queues when it is woken and every second, and runs scheduled jobs."""

import os
import signal
import socket
import threading
import time
from collections.abc import Collection
from types import FrameType

import psycopg
import structlog
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from learntrace.config import environment
from learntrace.config.runtime.background import Background
from learntrace.config.runtime.looks import Listener, Look
from learntrace.config.runtime.queues import QUEUES, Queue
from learntrace.config.runtime.schedules import run_due_jobs
from learntrace.config.runtime.seats import Seat
from learntrace.core.fair_claims import SHARE
from learntrace.intake import saturation

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
# All queues are tried now and then, whatever a look says of them.
TRY_SECONDS = 30.0
HEARTBEAT_SECONDS = 5.0
SCHEDULE_SECONDS = 20.0
# Beside a broker, only rows that its messages have not reached in this time.
SWEEP_AGE_SECONDS = 2.0
LONG_TURN_SECONDS = 1.0
# How long a stopping worker waits for a message that is being sent to another server.
BACKGROUND_STOP_SECONDS = 5.0
_PAUSE_AFTER_FAILURE = 0.5
_NICENESS = 10
# A queue whose last turn took few rows rests from that turn's beginning, so many times as long as the turn took, within these
# seconds: what comes meanwhile is taken together, as a turn costs nearly the same for one row as for ten. So a queue takes at
# most a part of the worker's time before its turns grow. A lone row comes after the rest, and waits for nothing.
REST_FACTOR = 4.0
REST_SECONDS, LONGEST_REST_SECONDS = 0.03, 0.35
FEW_ROWS = 100
# After a turn of so many seconds, the queues that somebody watches get a turn before the next one.
LONG_FOR_WATCHERS_SECONDS = 0.1
# Where requests come faster than they can be stored, a worker rests after its turns so many times as long as they took, at
# most so many seconds: everybody's turn comes within a second or two all the same.
YIELD_FACTOR = 4.0
YIELD_SECONDS = 0.25
# How long a worker yields after it has heard of saturation; it is announced again as long as it lasts.
YIELDING_SECONDS = 1.0
# The pause after turns that found nothing though rows are due: another worker has their learners. It is doubled each time.
_FIRST_PAUSE = 0.02

# Looked at once a second and when they are announced; nobody waits for them.
_PATIENT = frozenset(queue.topic for queue in QUEUES.values() if queue.patient)


def yield_seconds(taken: float) -> float:
    """Return how long to leave the machine to saturated intake after turns that took so many seconds."""
    return min(YIELD_FACTOR * taken, YIELD_SECONDS)


def rest_seconds(taken: float) -> float:
    """Return how long a queue rests from the beginning of a turn of few rows that took so many seconds."""
    return min(max(REST_FACTOR * taken, REST_SECONDS), LONGEST_REST_SECONDS)


class Worker:
    """One worker process. `sweeping`: Celery does the work, and this one processes what Celery missed."""

    def __init__(self, seat: Seat | None = None, *, sweeping: bool = False) -> None:
        self._seat = seat or Seat()
        self._older_than = SWEEP_AGE_SECONDS if sweeping else 0.0
        self._stopping = threading.Event()
        self._listener = Listener(listening=not sweeping)
        self._name = f"{socket.gethostname()}:{self._seat.name}"
        self._turns = [queue for queue in QUEUES.values() if not queue.threads]
        self._watched = [queue for queue in self._turns if queue.watched]
        self._background = Background(QUEUES.values() if self._seat.is_first else (), self._older_than, self._stopping)
        self._next_heartbeat = self._next_look = self._next_try = 0.0
        self._pause = _FIRST_PAUSE
        # Until when a queue rests, by its topic (`time.monotonic`).
        self._rests: dict[str, float] = {}
        self._yields_until = 0.0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; the current batch is finished first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)
        # On a machine that has too much to do, what is sent is taken in first.
        os.nice(_NICENESS)
        self._background.start()
        if self._seat.is_first:
            threading.Thread(target=self._run_schedule, name="schedule", daemon=True).start()
        log.info("worker started", name=self._name, sweeping=bool(self._older_than))
        heard: set[str] = set()
        while not self._is_over():
            try:
                pause = self._work(heard)
                heard = self._wait(pause) if not self._is_over() else set()
            except (OperationalError, InterfaceError, psycopg.Error) as error:
                self._recover(error)
            except Exception:
                # Also errors that the database reports about a statement, such as a duplicate row. Some of them
                # belong to the session, such as a cached plan from before an upgrade, and end with it.
                log.exception("worker iteration failed")
                connection.close()
                self._stopping.wait(_PAUSE_AFTER_FAILURE)
        self._listener.close()
        self._background.join(BACKGROUND_STOP_SECONDS)
        log.info("worker stopped", name=self._name)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if not self._stopping.is_set():
            # The kernel ends a worker that is held for longer, in a statement that waits for a lock.
            signal.alarm(environment.STOP_SECONDS.value())
        self._stopping.set()

    def _is_over(self) -> bool:
        return self._stopping.is_set() or self._seat.is_orphaned

    def _work(self, heard: Collection[str]) -> float:
        """Take turns of the queues with something due, one of each at a time, until none has any; return the seconds until
        the next look."""
        self._background.wake(heard)
        if saturation.TOPIC in heard:
            self._yields_until = time.monotonic() + YIELDING_SECONDS
        patient = _PATIENT & set(heard)
        while not self._is_over():
            SHARE.take(self._seat.seats, self._seat.take())
            look = self._look(patient)
            now = time.monotonic()
            due = [queue for queue in self._turns if queue.topic in look.due]
            rested = [queue for queue in due if self._rests.get(queue.topic, 0.0) <= now]
            taken = self._take_turns(rested)
            if not taken:
                return self._until_next(look, due)
            patient = _PATIENT & taken
            self._pause = _FIRST_PAUSE
            if now < self._yields_until:
                self._stopping.wait(yield_seconds(time.monotonic() - now))
                break
        return 0.0

    def _wait(self, pause: float) -> set[str]:
        """Wait for wake-ups, at most so many seconds; return their topics.

        Wake-ups of a queue that rests wait for its rest: a crowd's come a hundred times a second, and a look for each of them
        would cost more than the turn after the rest.
        """
        until = time.monotonic() + pause
        heard: set[str] = set()
        while True:
            new = self._listener.wait(max(until - time.monotonic(), 0.0))
            heard |= new
            now = time.monotonic()
            rests = [self._rests.get(topic, 0.0) for topic in new]
            # Nothing is heard when the time is up, and at a signal.
            if now >= until or not rests or min(rests) <= now or self._is_over():
                return heard
            until = min(until, *rests)

    def _look(self, patient: Collection[str]) -> Look:
        """Look at the queues for which somebody waits and these patient ones; once a second at all."""
        now = time.monotonic()
        if now < self._next_look:
            asked = [queue for queue in self._turns if not queue.patient or queue.topic in patient]
            return self._listener.look(asked, self._older_than)
        self._next_look = now + LOOK_SECONDS
        self._heartbeat(now)
        look = self._listener.look([*self._turns, *self._background.queues], self._older_than)
        if now >= self._next_try:
            self._next_try = now + TRY_SECONDS
            look = Look(frozenset(QUEUES), look.pause)
        self._background.wake(look.due)
        return look

    def _until_next(self, look: Look, due: Collection[Queue]) -> float:
        """Return how long to wait after a look that led to nothing."""
        now = time.monotonic()
        until = self._next_look - now
        if look.pause is not None:
            until = min(until, look.pause)
        rests = [self._rests.get(queue.topic, 0.0) - now for queue in due if not queue.patient]
        until = min([until, *(rest for rest in rests if rest > 0)])
        if any(rest <= 0 for rest in rests):
            # A turn has found nothing: another worker has these learners.
            until, self._pause = min(until, self._pause), min(2 * self._pause, LOOK_SECONDS)
        return max(until, 0.0)

    def _take_turns(self, queues: Collection[Queue]) -> set[str]:
        """Take a turn of each queue, and of the watched ones after each long turn; return the topics with work done."""
        taken = set()
        for queue in queues:
            began = time.monotonic()
            if self._take_turn(queue):
                taken.add(queue.topic)
            now = time.monotonic()
            if now - began < LONG_FOR_WATCHERS_SECONDS:
                continue
            for watched in self._watched:
                if watched is not queue and self._rests.get(watched.topic, 0.0) <= now and self._take_turn(watched):
                    taken.add(watched.topic)
        return taken

    def _take_turn(self, queue: Queue) -> int:
        began = time.monotonic()
        count = queue.work(self._older_than)
        seconds = time.monotonic() - began
        if 0 < count < FEW_ROWS and not queue.patient:
            self._rests[queue.topic] = began + rest_seconds(seconds)
        if seconds > LONG_TURN_SECONDS:
            # Everybody else's work has waited for it.
            log.warning("long turn", topic=queue.topic, count=count, seconds=round(seconds, 2))
        return count

    def _heartbeat(self, now: float) -> None:
        """Record now and then that this worker is alive, also during a long backlog."""
        if now >= self._next_heartbeat:
            self._listener.beat(self._name)
            self._next_heartbeat = now + HEARTBEAT_SECONDS

    def _recover(self, error: Exception) -> None:
        """Start over with new connections after a database error."""
        log.warning("database error; reconnecting", error=str(error).strip()[:300])
        connection.close()
        self._listener.close()
        self._stopping.wait(_PAUSE_AFTER_FAILURE)

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
