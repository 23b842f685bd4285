"""Waiting for a state instead of for a time."""

import time
from collections.abc import Callable
from functools import cache

# Far more than anything takes on a slow machine with other work to do.
PATIENCE = 60.0
# Seconds between two looks: at least, and at most.
LEAST_PAUSE, LONGEST_PAUSE = 0.02, 0.2


# Seconds that the work of `slowness` takes on the machine for which limits were set, with nothing else to do.
_USUAL = 0.06


@cache
def slowness() -> float:
    """Return how many times as long this machine takes as the one for which the limits of tests were set; 1 at least.

    A shared machine may have a third of its usual speed for hours: then a server starts in minutes, and a hand is up after
    three seconds. Where speed is the question, benchmarks measure it against a reference.
    """
    times = []
    for _round in range(3):
        began = time.perf_counter()
        total = 0
        for number in range(1_000_000):
            total += number
        times.append(time.perf_counter() - began)
    return max(min(times) / _USUAL, 1.0)


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Poll a condition until it holds; `what` names it when it doesn't come true within `seconds`.

    A look may ask every process of the machine, or open a connection: it pauses longer after one that took long, and the
    longer it has waited already. A slow machine has longer (`slowness`).
    """
    seconds *= slowness()
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        if condition():
            return
        now = time.monotonic()
        assert now < began + seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(min(max(LEAST_PAUSE, 4 * (now - asked), (now - began) / 20), LONGEST_PAUSE))
