"""Waiting for a state instead of for a time."""

import time
from collections.abc import Callable

# Far more than anything takes on a slow machine with other work to do.
PATIENCE = 60.0


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Poll a condition until it holds; `what` names it when it doesn't come true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
