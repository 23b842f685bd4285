"""Those who try to get in, and what that costs the others."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.attack.cast import NAMESAKES_EMAIL, TEACHER
from tests.attack.target import PROMPT_SECONDS, Target, cpu_seconds
from tests.attack.verdicts import Attack, Verdict

_LOGIN = "/v1/auth/login/"


def logins_beside_the_api(target: Target) -> Verdict:
    """20 sign-ins at once; a teacher's requests go on."""
    done = threading.Event()
    times: list[float] = []

    def ask() -> None:
        while not done.is_set():
            times.append(target.ask("GET", "/v1/auth/user/me", TEACHER).seconds)

    beside = threading.Thread(target=ask)
    beside.start()
    try:
        with ThreadPoolExecutor(20) as pool:
            body = {"email": TEACHER.email, "password": "wrong"}
            answers = list(pool.map(lambda number: target.ask("POST", _LOGIN, None, {**body, "n": number}), range(40)))
    finally:
        done.set()
        beside.join()
    slowest = max(times)
    statuses = sorted({one.status for one in answers})
    return Verdict(slowest < PROMPT_SECONDS / 2 and statuses[-1] < 500, f"{slowest * 1000:.0f} ms at most, {statuses}")


def one_address_of_many_accounts(target: Target) -> Verdict:
    """A try with the address of twelve accounts costs what a try with one that nobody has costs."""
    costs = [_cost_of_a_try(target, email) for email in (NAMESAKES_EMAIL, "nobody@example.org")]
    ratio = costs[0] / max(costs[1], 0.001)
    return Verdict(ratio < 2, f"{costs[0] * 1000:.0f} ms CPU against {costs[1] * 1000:.0f} ms")


def _cost_of_a_try(target: Target, email: str) -> float:
    web, tries = target.web(), 3
    before = cpu_seconds(web)
    for number in range(tries):
        target.ask("POST", _LOGIN, None, {"email": email, "password": f"guess-{number}"})
    time.sleep(0.1)
    return (cpu_seconds(web) - before) / tries


ATTACKS = (
    Attack(13, "logins beside the API", logins_beside_the_api),
    Attack(13, "one e-mail address of twelve accounts", one_address_of_many_accounts),
)
