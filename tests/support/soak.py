"""How long the tests of `make soak` take: `LEARNTRACE_TEST_SOAK_MINUTES`, 0 in `make test`."""

import os

MINUTES = float(os.environ.get("LEARNTRACE_TEST_SOAK_MINUTES") or 0)


def scaled(count: int, per_minute: float) -> int:
    """Return how many rounds or examples a test runs: `count` in `make test`, and in soak as many more per minute."""
    return count + round(MINUTES * per_minute)


def seconds(short: float) -> float:
    """Return how long a load lasts: `short` seconds in `make test`, the minutes of `make soak` otherwise."""
    return MINUTES * 60 or short
