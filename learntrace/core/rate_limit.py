"""Rate limits on what unauthenticated clients cause: records on the disk, and questions to other servers."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many a second, and so many at once; 0 a second: no limit."""

    per_second: float
    burst: float


class TokenBucket:
    """A token bucket: `burst` tokens at once, then `per_second`."""

    def __init__(self, burst: int = 1000, per_second: float = 10.0) -> None:
        self._burst, self._per_second = float(burst), per_second
        self._left, self._at = self._burst, time.monotonic()

    def take(self) -> bool:
        """Take a token; return whether there was one."""
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * self._per_second, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Return a token, as its client turned out to be known."""
        self._left = min(self._left + 1, self._burst)
