"""Limits in seconds for the work of one turn."""

import math
import time


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._began = time.monotonic()
        self._until = self._began + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    @property
    def seconds(self) -> float:
        """The seconds since it was made."""
        return time.monotonic() - self._began


class Pace:
    """How much a turn may take on so that it lasts about `seconds`, by how long the turns before it took.

    On a machine with other work to do turns become smaller, not longer: whoever waits for the turns of others waits no
    longer than elsewhere.
    """

    def __init__(self, seconds: float, *, least: int, most: int) -> None:
        self._seconds, self._least = seconds, least
        self.most = most
        self._ceiling = most

    def note(self, units: int, seconds: float) -> None:
        """Take account of a turn; a small one says nothing, as most of its time doesn't depend on its size."""
        if units < self._least:
            return
        fits = int(units * self._seconds / max(seconds, 0.001))
        # Half of the way, as one turn may have waited for something else.
        self.most = min(max((self.most + fits) // 2, self._least), self._ceiling)
