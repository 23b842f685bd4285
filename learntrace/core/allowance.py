"""How much strangers may cause: a flood must not fill a disk, nor pass through us to somebody else."""

import time


class Allowance:
    """So many at once, then so many a second."""

    def __init__(self, burst: int = 1000, per_second: float = 10.0) -> None:
        self._burst, self._per_second = float(burst), per_second
        self._left, self._at = self._burst, time.monotonic()

    def take(self) -> bool:
        """Tell whether there is one more now, and take it."""
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * self._per_second, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Return one that was taken, as it was no stranger's."""
        self._left = min(self._left + 1, self._burst)
