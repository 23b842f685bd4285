"""Wake the workers of a queue without delaying the caller.

A wake-up may be lost, late or duplicated: the queue is its table, which every worker also checks each second.
"""

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

CHANNEL = "learntrace_wakeup"
Transport = Callable[[str], None]
# How long an announcer is silent after it has sent: a crowd's commits wake workers 50 times a second, not a thousand.
REST_SECONDS = 0.02
_PAUSE_AFTER_FAILURE = 5.0


class Announcer:
    """Sends topics from its own thread: the first at once, and then those of each REST_SECONDS together.

    A topic that is announced again before it is sent is sent once.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._topics: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def announce(self, topic: str) -> None:
        """Announce that a queue has work; returns at once."""
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
                    log.warning(
                        "wake-up not sent; workers check their queues anyway", topic=topic, error=str(error)[:200]
                    )
                    time.sleep(_PAUSE_AFTER_FAILURE)
            # Whoever was woken is still at work, and finds what came meanwhile: a lone announcement never waits for this.
            time.sleep(REST_SECONDS)


_announcer: Announcer | None = None
_make_transport: Callable[[], Transport] | None = None
_lock = threading.Lock()


def use_transport(make: Callable[[], Transport]) -> None:
    """Set the transport of topics: PostgreSQL's NOTIFY or a broker. `make` is called at a process's first announcement."""
    global _make_transport, _announcer
    with _lock:
        _make_transport, _announcer = make, None


def announce(topic: str) -> None:
    """Wake the workers of a queue. Call it after the commit that filled the queue."""
    global _announcer
    with _lock:
        if _announcer is None:
            if _make_transport is None:
                return
            _announcer = Announcer(_make_transport())
    _announcer.announce(topic)
