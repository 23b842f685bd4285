"""A limit in seconds for the work of one turn."""

import time


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until
