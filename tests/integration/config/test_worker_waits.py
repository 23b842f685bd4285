"""How a worker waits for wake-ups, once a rest for a crowd's; and which queues get a turn between others' long ones."""

import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings

from learntrace.config.runtime import looks
from learntrace.config.runtime.queues import QUEUES, Queue
from learntrace.config.runtime.worker import LONG_FOR_WATCHERS_SECONDS, Worker

pytestmark = pytest.mark.django_db

RESTING, OTHER = "notebook-events", "recompute"
LONG = 30.0
# Not everybody's channel: this process still announces what the tests before have filled.
CHANNEL = "learntrace_wakeup_of_this_test"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(looks, "CHANNEL", CHANNEL)
    worker = Worker()
    listener = worker._listener
    listener._open()
    yield worker
    listener.close()
    # A process has its worker to its end; here others come after it.
    signal.set_wakeup_fd(-1)
    listener._signalled.close()
    listener._signal_end.close()


@pytest.fixture
def sender() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        yield connection


def announce(sender: psycopg.Connection[tuple[object, ...]], topic: str) -> None:
    sender.execute("SELECT pg_notify(%s, %s)", [CHANNEL, topic])


def test_a_wake_up_of_a_queue_that_rests_is_heard_after_its_rest(
    worker: Worker, sender: psycopg.Connection[tuple[object, ...]]
) -> None:
    rested_at = time.monotonic() + 0.3
    worker._rests[RESTING] = rested_at
    announce(sender, RESTING)
    assert worker._wait(LONG) == {RESTING}
    assert rested_at <= time.monotonic() < rested_at + LONG / 2


def test_a_wake_up_of_another_queue_ends_the_wait(
    worker: Worker, sender: psycopg.Connection[tuple[object, ...]]
) -> None:
    worker._rests[RESTING] = time.monotonic() + LONG
    announce(sender, RESTING)
    announce(sender, OTHER)
    began = time.monotonic()
    assert OTHER in worker._wait(LONG)
    assert time.monotonic() < began + LONG / 2


def test_a_wait_ends_when_its_time_is_up(worker: Worker) -> None:
    assert worker._wait(0.05) == set()


def _queue(topic: str, work: Callable[[], int], *, watched: bool = False) -> Queue:
    return Queue(topic, lambda _older_than: work(), lambda: None, "", watched=watched)


def _order(worker: Worker, *, long: bool, resting: bool = False) -> list[str]:
    """Return the topics whose turns a worker takes of two queues, of which the second is watched and has work all the time."""
    order: list[str] = []

    def take(topic: str, seconds: float) -> Callable[[], int]:
        def work() -> int:
            order.append(topic)
            time.sleep(seconds)
            return 1_000

        return work

    first = _queue("documents", take("documents", LONG_FOR_WATCHERS_SECONDS if long else 0.0))
    second = _queue("scores", take("scores", LONG_FOR_WATCHERS_SECONDS if long else 0.0))
    watched = _queue("events", take("events", 0.0), watched=True)
    worker._watched = [watched]
    if resting:
        worker._rests["events"] = time.monotonic() + 60.0
    assert worker._take_turns([first, second]) == set(order)
    return order


def test_what_teachers_watch_gets_a_turn_after_each_long_one(worker: Worker) -> None:
    assert _order(worker, long=True) == ["documents", "events", "scores", "events"]


def test_short_turns_and_rests_are_not_disturbed(worker: Worker) -> None:
    assert _order(worker, long=False) == ["documents", "scores"]
    assert _order(worker, long=True, resting=True) == ["documents", "scores"]


def test_teachers_watch_the_events_of_notebooks() -> None:
    assert [queue.topic for queue in QUEUES.values() if queue.watched] == ["notebook-events"]
