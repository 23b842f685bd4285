"""Killed with SIGKILL at any moment under load, and started again: what was answered ok is there once, and processed."""

import http.client
import random
import time

from tests.faults.academy import LEARNERS
from tests.faults.brokers import Broker
from tests.faults.celery_alone import wait_until_celery_works
from tests.faults.crowd import Crowd
from tests.faults.installation import Install, Installation
from tests.faults.verdict import assert_kept_once_and_processed, assert_stops_cleanly, summary
from tests.support.soak import scaled
from tests.support.waiting import wait_until

# Who is killed, and how often by comparison.
EMBEDDED = {"web_child": 4, "web_main": 3, "worker": 3, "postmaster": 4, "backend": 4, "supervisor": 1}
WITH_BROKER = {
    "web_child": 3, "web_main": 2, "celery_child": 4, "celery_main": 3, "sweeper": 2, "beside_worker": 2,
    "postmaster": 3, "backend": 3, "supervisor": 1,
}  # fmt: skip


def draw(victims: dict[str, int], rounds: int, choice: random.Random) -> list[str]:
    """Every victim at least once where the rounds allow it, the rest by weight, in any order."""
    drawn = list(victims) if rounds >= len(victims) else []
    drawn += choice.choices(list(victims), list(victims.values()), k=rounds - len(drawn))
    choice.shuffle(drawn)
    return drawn


def play(installation: Installation, crowd: Crowd, victims: dict[str, int], rounds: int, choice: random.Random) -> None:
    """In each round kill one process, in every third a second one before the first is back; go on when all is well."""
    for role in draw(victims, rounds, choice):
        crowd.wait_accepted(choice.randrange(1, 120))
        began = time.monotonic()
        killed = {installation.kill(role, choice): role}
        if choice.random() < 0.3:
            time.sleep(choice.uniform(0, 0.4))  # a kill at any moment: also while the first is being started again
            killed |= _kill_another(installation, victims, choice)
        _wait_until_well(installation, crowd, killed)
        print(f"  {' + '.join(killed.values())}: well again after {time.monotonic() - began:.1f} s")


def _kill_another(installation: Installation, victims: dict[str, int], choice: random.Random) -> dict[int, str]:
    found = [role for role in victims if role != "supervisor" and installation.find(role)]
    if not found:
        return {}
    role = choice.choice(found)
    return {installation.kill(role, choice): role}


def _wait_until_well(installation: Installation, crowd: Crowd, killed: dict[int, str]) -> None:
    """Somebody has the roles again, requests are answered ok, and pages too: those are read in another way."""
    roles = " and ".join(killed.values())
    wait_until(lambda: _all_are_back(installation, killed), f"{roles} back after SIGKILL", 40)
    crowd.wait_answered(time.monotonic())
    wait_until(lambda: _reads(installation), f"a page read after SIGKILL of {roles}")


def _all_are_back(installation: Installation, killed: dict[int, str]) -> bool:
    installation.tend()
    living = {role: [process.pid for process in installation.find(role)] for role in killed.values()}
    return all(living[role] and pid not in living[role] for pid, role in killed.items())


def _reads(installation: Installation) -> bool:
    learner = LEARNERS[0]
    try:
        return installation.get(f"/v1/assignment/task/{learner.task('intro')}", learner.key)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def kill_and_judge(installation: Installation, victims: dict[str, int], rounds: int, seed: int) -> None:
    began = time.monotonic()
    with Crowd(installation.port, seed) as crowd:
        play(installation, crowd, victims, rounds, random.Random(seed))
    print(f"  {rounds} rounds in {time.monotonic() - began:.0f} s: {summary(crowd.told)}")
    assert not crowd.told.answers["no answer in time"]
    assert_kept_once_and_processed(installation, crowd.told)


def test_kills_lose_nothing_with_the_embedded_database(install: Install, seed: int) -> None:
    installation = install()
    installation.start()
    kill_and_judge(installation, EMBEDDED, scaled(len(EMBEDDED), 10), seed)
    assert_stops_cleanly(installation)


def test_kills_lose_nothing_with_a_broker_and_two_workers(install: Install, broker: Broker, seed: int) -> None:
    installation = install(broker_url=broker.url)
    kill_with_broker(installation, scaled(len(WITH_BROKER), 10), seed)
    assert_stops_cleanly(installation)


def test_kills_lose_nothing_with_the_other_broker(install: Install, other_broker: Broker, seed: int) -> None:
    installation = install(broker_url=other_broker.url)
    kill_with_broker(installation, scaled(3, 3), seed)
    assert_stops_cleanly(installation)


def kill_with_broker(installation: Installation, rounds: int, seed: int) -> None:
    installation.start()
    for _worker in range(2):
        installation.start_worker()
    kill_and_judge(installation, WITH_BROKER, rounds, seed)
    wait_until_celery_works(installation)  # all this wasn't done by those who look after it
    # One that was started again a moment ago doesn't listen to signals yet.
    wait_until(lambda: len(installation.find("celery_main")) == 3, "every worker has started its Celery")
