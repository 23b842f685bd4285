"""Deadlines of many short waits, with one timer for all of them.

`asyncio.timeout` sets and cancels a timer for each wait. For a request whose body is already there that costs more than
everything else that the guard does.
"""

import asyncio
from typing import Final, Self

LOOK_SECONDS: Final = 0.25


class Deadlines:
    """The open waits of an event loop; what is overdue is ended up to LOOK_SECONDS later."""

    def __init__(self) -> None:
        self._open: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Deadline":
        """Return a context in which the current task may wait that long; then it raises TimeoutError."""
        return Deadline(self, seconds)

    def add(self, deadline: "Deadline") -> None:
        self._open.add(deadline)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def remove(self, deadline: "Deadline") -> None:
        self._open.discard(deadline)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for deadline in [deadline for deadline in self._open if deadline.until <= now]:
            deadline.end()
        self._timer = loop.call_later(LOOK_SECONDS, self._look) if self._open else None


class Deadline:
    """One wait, as a context manager."""

    __slots__ = ("_cancelling", "_deadlines", "_ended", "_seconds", "_task", "until")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._ended = False
        self.until = 0.0

    def __enter__(self) -> Self:
        self.until = asyncio.get_running_loop().time() + self._seconds
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self._deadlines.add(self)
        return self

    def end(self) -> None:
        """Cancel the task's wait; called by the timer."""
        self._ended = True
        self._deadlines.remove(self)
        if self._task is not None:
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: object) -> None:
        self._deadlines.remove(self)
        if not self._ended or self._task is None:
            return
        # As `asyncio.timeout` does: where somebody else has cancelled the task too, it stays cancelled.
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError
