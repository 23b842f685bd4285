"""A worker's threads: for queues whose turns take long or wait for other servers."""

import threading
import time
from collections.abc import Collection, Iterable

import psycopg
import structlog
from django.db import Error as DatabaseError
from django.db import connection

from learntrace.config.runtime.queues import Queue

log = structlog.get_logger(__name__)

# After so long without work a thread closes its connection, which costs the database some megabytes.
IDLE_SECONDS = 60.0


class Background:
    """The threads of the queues that have any. They work when they are woken: the worker looks at their queues too."""

    def __init__(self, queues: Iterable[Queue], older_than: float, stopping: threading.Event) -> None:
        self.queues = [queue for queue in queues if queue.threads]
        self._threads = [
            _Thread(queue, number, older_than, stopping) for queue in self.queues for number in range(queue.threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self, topics: Collection[str]) -> None:
        """Have the threads of these topics work, of whatever queues they are."""
        for thread in self._threads:
            if thread.queue.topic in topics:
                thread.woken.set()

    def join(self, seconds: float) -> None:
        """Wait at most so long for the end of the threads, which have been told to stop."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.woken.set()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


class _Thread(threading.Thread):
    def __init__(self, queue: Queue, number: int, older_than: float, stopping: threading.Event) -> None:
        super().__init__(name=f"{queue.topic} {number}", daemon=True)
        self.queue = queue
        self.woken = threading.Event()
        self._older_than, self._stopping = older_than, stopping

    def run(self) -> None:
        while not self._stopping.is_set():
            if not self.woken.wait(IDLE_SECONDS):
                connection.close()
                continue
            self.woken.clear()
            try:
                while not self._stopping.is_set() and self.queue.work(self._older_than):
                    pass
            except (DatabaseError, psycopg.Error) as error:
                log.warning("queue skipped", topic=self.queue.topic, error=str(error).strip()[:300])
                connection.close()
            except Exception:
                log.exception("worker iteration failed", topic=self.queue.topic)
        connection.close()
