"""Several workers of one installation: whichever of them is killed or frozen, the others go on, and nothing is lost."""

from tests.faults.academy import LEARNERS
from tests.faults.installation import Install
from tests.faults.test_kills import kill_and_judge
from tests.faults.test_takeover import send
from tests.faults.verdict import assert_stops_cleanly
from tests.support.soak import scaled
from tests.support.waiting import wait_until

WORKERS = {"forked_worker": 5, "worker": 1}


def test_kills_of_workers_and_of_their_parent_lose_nothing(install: Install, seed: int) -> None:
    installation = install(workers=3)
    installation.start()
    wait_until(lambda: len(installation.find("forked_worker")) == 3, "three workers")
    kill_and_judge(installation, WORKERS, scaled(5, 10), seed)
    wait_until(lambda: len(installation.find("forked_worker")) == 3, "three workers again")
    assert_stops_cleanly(installation)


def test_the_learners_of_a_frozen_worker_are_taken_by_the_others(install: Install) -> None:
    installation = install(workers=2)
    installation.start()
    wait_until(lambda: len(installation.find("forked_worker")) == 2, "two workers")
    frozen = installation.find("forked_worker")[1]
    frozen.suspend()
    try:
        send(installation, LEARNERS)
        installation.wait_processed(60)
        assert installation.count("DONE") == len(LEARNERS)
    finally:
        frozen.resume()
    assert_stops_cleanly(installation)


def test_every_worker_is_counted_and_one_that_stands_still_no_longer(install: Install) -> None:
    installation = install(workers=2)
    installation.start()
    wait_until(lambda: installation.get("/health/ready")[1]["workers"] == 2, "two workers are told")
    frozen = installation.find("forked_worker")[0]
    frozen.suspend()
    try:
        wait_until(lambda: installation.get("/health/ready")[1]["workers"] == 1, "one worker is told")
        assert installation.get("/health/ready")[0] == 200, "which is enough"
    finally:
        frozen.resume()
    wait_until(lambda: installation.get("/health/ready")[1]["workers"] == 2, "two workers are told again")
