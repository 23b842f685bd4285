"""Telling the workers that a queue has work, without making anybody wait for it.

A wake-up may be lost, late or double: the queue is the table, and each worker looks there by itself every second.
"""

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

CHANNEL = "learntrace_wakeup"
Transport = Callable[[str], None]
_PAUSE_AFTER_FAILURE = 5.0


class Announcer:
    """Sends topics from a thread of its own, each at most once however often it was announced meanwhile."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._topics: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def announce(self, topic: str) -> None:
        """Note that a queue has work; returns at once."""
        with self._changed:
            self._topics.add(topic)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._topics:
                    self._changed.wait()
                topics, self._topics = self._topics, set()
            for topic in sorted(topics):
                try:
                    self._transport(topic)
                except Exception as error:
                    log.warning("wake-up not sent; workers look by themselves", topic=topic, error=str(error)[:200])
                    time.sleep(_PAUSE_AFTER_FAILURE)


_announcer: Announcer | None = None
_make_transport: Callable[[], Transport] | None = None
_lock = threading.Lock()


def use_transport(make: Callable[[], Transport]) -> None:
    """Set how topics travel: PostgreSQL's NOTIFY or a broker. `make` is called in the process that first announces."""
    global _make_transport, _announcer
    with _lock:
        _make_transport, _announcer = make, None


def announce(topic: str) -> None:
    """Wake the workers for a queue. Call it after the commit that filled the queue."""
    global _announcer
    with _lock:
        if _announcer is None:
            if _make_transport is None:
                return
            _announcer = Announcer(_make_transport())
    _announcer.announce(topic)
