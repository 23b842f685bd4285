"""A worker that is killed or frozen with webhooks in its hand: others go on, and take over what it can't finish."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.faults.academy import LEARNERS, Learner
from tests.faults.installation import Install, Installation
from tests.support.waiting import wait_until

A_TIME = 1_780_000_000_000
_HELD = """
SELECT count(*) FROM learnpack_webhook
 WHERE status = 'PENDING'
   AND id NOT IN (SELECT id FROM learnpack_webhook WHERE status = 'PENDING' FOR UPDATE SKIP LOCKED)
"""


@contextmanager
def nobody_can_store(installation: Installation) -> Iterator[None]:
    """Hold whoever stores telemetry in the middle of its transaction, its webhooks claimed."""
    with psycopg.connect(installation.database_url) as connection:
        connection.execute("LOCK TABLE assignments_assignmenttelemetry IN EXCLUSIVE MODE")
        yield


def send(installation: Installation, learners: list[Learner]) -> None:
    for learner in learners:
        assert installation.post({"slug": "intro", "last_interaction_at": A_TIME}, learner.key) == 200


def held(installation: Installation) -> int:
    """How many webhooks somebody has claimed."""
    return int(installation.sql(_HELD)[0][0])


def test_what_a_killed_worker_held_is_taken_over(install: Install) -> None:
    installation = install()
    installation.start()
    with nobody_can_store(installation):
        send(installation, LEARNERS[:10])
        wait_until(lambda: held(installation) > 0, "a claim")
        worker = installation.only("worker")
        worker.kill()
        wait_until(lambda: not worker.is_running(), "the worker's end")
        assert installation.count("PENDING") == 10
    installation.wait_processed(40)
    assert installation.count("DONE") == 10
    assert installation.sql("SELECT count(*) FROM assignments_assignmenttelemetry") == [(10,)]


def test_a_frozen_worker_holds_up_nobody_else(install: Install) -> None:
    installation = install()
    installation.start()
    worker = installation.only("worker")
    with nobody_can_store(installation):
        send(installation, LEARNERS[:3])
        wait_until(lambda: held(installation) > 0, "a claim")
        worker.suspend()
    try:
        claimed = held(installation)
        installation.start_worker()
        send(installation, LEARNERS[3:])
        wait_until(lambda: installation.count("DONE") == len(LEARNERS) - claimed, "what it doesn't hold", 40)
        assert installation.count("PENDING") == claimed == held(installation)
    finally:
        worker.resume()
    # It finds its transaction as it was, and ends it.
    installation.wait_processed(40)
    assert installation.sql("SELECT count(*) FROM assignments_assignmenttelemetry") == [(len(LEARNERS),)]


def test_a_worker_killed_again_and_again_loses_none(install: Install) -> None:
    installation = install()
    installation.start()
    for _round in range(3):
        send(installation, LEARNERS)
        installation.only("worker").kill()
    installation.wait_processed(20)
    assert installation.count("DONE") == 3 * len(LEARNERS)
