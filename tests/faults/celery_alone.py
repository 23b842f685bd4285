"""Who processes what is sent: Celery alone, while those who look after it are frozen."""

import time
from collections.abc import Callable

from tests.faults.academy import LEARNERS
from tests.faults.installation import Installation
from tests.faults.processes import frozen
from tests.support.waiting import wait_until

# Far above what it takes, far below a broker's timeouts.
ANSWERED_WITHIN = 5.0
A_TIME = 1_780_000_000_000


def send(installation: Installation, count: int) -> None:
    """Send batches one after the other, each answered ok without waiting for a broker."""
    for number in range(count):
        learner = LEARNERS[number % len(LEARNERS)]
        document = {"slug": "intro", "last_interaction_at": A_TIME + number, "steps": []}
        began = time.monotonic()
        assert installation.post(document, learner.key) == 200
        assert time.monotonic() - began < ANSWERED_WITHIN


def celery_works(installation: Installation) -> bool:
    """Whether a row is processed while nobody but Celery can do it. Each try sends another, and so a new wake-up."""
    with frozen(installation.find("sweeper")):
        send(installation, 1)
        return soon(lambda: installation.count("PENDING") == 0)


def soon(condition: Callable[[], bool], seconds: float = 1) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def wait_until_celery_works(installation: Installation) -> None:
    wait_until(lambda: celery_works(installation), "Celery works", 60)
