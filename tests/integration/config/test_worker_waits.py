"""How a worker waits for wake-ups: of a crowd's, which come all the time, it looks once a rest."""

import signal
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from learntrace.config.runtime.worker import Worker
from learntrace.core.wakeup import CHANNEL

pytestmark = pytest.mark.django_db

RESTING, OTHER = "notebook-events", "recompute"
LONG = 30.0


@pytest.fixture
def worker() -> Iterator[Worker]:
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
