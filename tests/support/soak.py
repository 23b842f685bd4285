"""What the tests of `make soak` do more: `LEARNTRACE_TEST_SOAK_MINUTES`, 0 in `make test`."""

import os

MINUTES = float(os.environ.get("LEARNTRACE_TEST_SOAK_MINUTES") or 0)


def scaled(count: int, per_minute: float) -> int:
    """Return how many rounds or examples a test runs: `count` in `make test`, and in soak as many more per minute."""
    return count + round(MINUTES * per_minute)


def seconds(short: float) -> float:
    """Return how long a load lasts: `short` seconds in `make test`, the minutes of `make soak` otherwise."""
    return MINUTES * 60 or short


def promised(limit: float, beside_others: float) -> float:
    """Return how many seconds something may take: the promised limit in `make soak`, which runs one test at a time.

    `make test` runs several on a machine that others may use too. It asks for `beside_others`: what can only be kept by
    doing it as promised, by the stream and not by a page that loads itself anew, say.
    """
    return limit if MINUTES else beside_others
