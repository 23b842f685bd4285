"""Whether requests come faster than they can be stored, so that workers leave more of the machine to them.

A commit's time is spent on the same cores and in the same database as the workers' turns. Where many requests share each
commit, clients feel each millisecond that a worker takes; a queue that grows older meanwhile loses nothing, and its age is
told on the status pages and in the metrics.
"""

import time

# Announced like a queue's topic; workers hear it, and no queue has it.
TOPIC = "intake-saturated"
# Requests in a commit, as an average: a class of a thousand live learners has one or two.
CROWD = 8.0
# How much of the average a new commit makes. A crowd of half a second, such as a class that starts, changes little.
_WEIGHT = 0.05
REPEAT_SECONDS = 0.25


class Watch:
    """Notices the saturation of one process from how many requests share its commits."""

    def __init__(self) -> None:
        self._average = 0.0
        self._next = 0.0

    def after_commit(self, requests: int, now: float | None = None) -> bool:
        """Return whether saturation is to be announced after a commit of so many requests; at most once in REPEAT_SECONDS."""
        now = time.monotonic() if now is None else now
        self._average += _WEIGHT * (requests - self._average)
        if self._average < CROWD or now < self._next:
            return False
        self._next = now + REPEAT_SECONDS
        return True
