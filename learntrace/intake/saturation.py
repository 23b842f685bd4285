"""Whether requests come faster than they can be stored: then workers leave more of the machine to them, and some are refused.

A commit's time is spent on the same cores and in the same database as the workers' turns. Where many requests share each
commit, clients feel each millisecond that a worker takes; a queue that grows older meanwhile loses nothing, and its age is
told on the status pages and in the metrics.
"""

import math
import time
from typing import Final

from django.utils.translation import gettext_lazy as _

from learntrace.intake.limits import LIMIT_HITS, TooManyRequests

# Announced like a queue's topic; workers hear it, and no queue has it.
TOPIC = "intake-saturated"
# Requests that wait as a commit begins, as an average. Of a class of thousands it is about eight (`group_commit.ENOUGH`).
CROWD = 14.0
# How much of the average a new commit makes. A crowd of half a second, such as a class that starts, changes little.
_WEIGHT = 0.05
REPEAT_SECONDS = 0.25


class Watch:
    """Notices the saturation of one process from how many requests wait for a commit as it begins."""

    def __init__(self) -> None:
        self._average = 0.0
        self._next = 0.0

    def after_commit(self, requests: int, now: float | None = None) -> bool:
        """Return whether saturation is to be announced after a commit for which so many requests waited.

        At most once in REPEAT_SECONDS.
        """
        now = time.monotonic() if now is None else now
        self._average += _WEIGHT * (requests - self._average)
        if self._average < CROWD or now < self._next:
            return False
        self._next = now + REPEAT_SECONDS
        return True


# The time in which throughput is counted, and how much of the estimate a new count makes.
_COUNTED_SECONDS: Final = 0.25
_WEIGHT_OF_COUNT: Final = 0.3
# Requests a second that any machine stores: what is assumed until there was a crowd to count.
_ASSUMED: Final = 400.0
# So few waiting requests tell nothing about throughput.
_FEW: Final = 16


class Overloaded(TooManyRequests):
    """More requests wait than can be stored soon. Nobody's share is to blame, so it is 503."""

    status_code = 503
    slug = "overloaded"
    text = _("The server gets more telemetry than it can store at the moment. Try again in %(seconds)s s")


class Throughput:
    """How many requests a second one process stores while more are waiting, and so how long a new one would wait."""

    def __init__(self) -> None:
        self._per_second = _ASSUMED
        self._answered = 0
        self._since: float | None = None

    def answered(self, requests: int, waiting: int, now: float | None = None) -> None:
        """Count answered requests; `waiting`: how many still wait. Only a time in which some always waited is counted."""
        now = time.monotonic() if now is None else now
        if waiting < _FEW:
            self._since = None
            return
        if self._since is None:
            self._since, self._answered = now, 0
            return
        self._answered += requests
        seconds = now - self._since
        if seconds >= _COUNTED_SECONDS:
            self._per_second += _WEIGHT_OF_COUNT * (self._answered / seconds - self._per_second)
            self._since, self._answered = now, 0

    def check(self, waiting: int, patience: float) -> None:
        """Raise Overloaded if a request that comes now would wait longer than so many seconds."""
        if waiting < _FEW:
            return
        expected = waiting / max(self._per_second, 1.0)
        if expected > patience:
            LIMIT_HITS.labels("overload").inc()
            raise Overloaded(seconds=max(math.ceil(expected), 1))
