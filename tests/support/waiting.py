"""Waiting for a state instead of for a time."""

import time
from collections.abc import Callable

# Far more than anything takes on a slow machine with other work to do.
PATIENCE = 60.0
# Seconds between two looks: at least, and at most.
LEAST_PAUSE, LONGEST_PAUSE = 0.02, 0.2


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Poll a condition until it holds; `what` names it when it doesn't come true within `seconds`.

    A look may ask every process of the machine, or open a connection: it pauses longer after one that took long, and the
    longer it has waited already.
    """
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        if condition():
            return
        now = time.monotonic()
        assert now < began + seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(min(max(LEAST_PAUSE, 4 * (now - asked), (now - began) / 20), LONGEST_PAUSE))
