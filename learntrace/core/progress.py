"""Saying how far long work is, on stderr, often enough to see that it lives and not so often that it fills a log."""

import sys
import time
from typing import TextIO

EVERY = 5.0  # seconds between two lines


class Progress:
    """Counts up and writes a line now and then; work shorter than `every` seconds writes none."""

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        stream: TextIO | None = None,
        every: float = EVERY,
        for_people: bool = False,
    ) -> None:
        """`for_people` leaves everything out unless the stream is a terminal."""
        self._label = label
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._every = every
        self._silent = for_people and not self._stream.isatty()
        self._said = time.monotonic()
        self.done = 0

    def advance(self, count: int = 1) -> None:
        """Note that `count` more are done."""
        self.done += count
        now = time.monotonic()
        if now - self._said >= self._every and not self._silent:
            self._said = now
            share = f"{self.done}/{self._total}" if self._total else str(self.done)
            self._stream.write(f"{self._label}: {share}\n")
            self._stream.flush()
