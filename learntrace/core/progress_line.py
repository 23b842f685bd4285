"""Progress of long work on stderr, often enough to show that it runs and rarely enough not to fill a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

EVERY = 5.0  # seconds between two lines

Listener = Callable[[str, int, int], None]
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Have all progress in a block told to a listener too: the label, how much is done, and of how much (0: unknown)."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class ProgressLine:
    """Counts finished items and writes a line every `every` seconds; shorter work writes none."""

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        stream: TextIO | None = None,
        every: float = EVERY,
        for_people: bool = False,
    ) -> None:
        """With `for_people` nothing is written unless the stream is a terminal."""
        self._label = label
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._every = every
        self._silent = for_people and not self._stream.isatty()
        self._written_at = time.monotonic()
        self.done = 0

    def advance(self, count: int = 1) -> None:
        """Count `count` more finished items."""
        self.done += count
        if (listener := _listener.get()) is not None:
            listener(self._label, self.done, self._total or 0)
        now = time.monotonic()
        if now - self._written_at >= self._every and not self._silent:
            self._written_at = now
            share = f"{self.done}/{self._total}" if self._total else str(self.done)
            self._stream.write(f"{self._label}: {share}\n")
            self._stream.flush()
