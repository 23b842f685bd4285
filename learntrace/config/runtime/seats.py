"""The worker processes of one command: their seats, and which learners each of them works for.

Each learner belongs to one seat, by a hash of the learner's id. So two workers don't wait for each other's locks, and don't
leave each other's learners to later. A worker also takes the learners of a seat from which nothing was heard for a while:
its worker was killed, is frozen, or is held in a long turn.
"""

import mmap
import os
import struct
import time
from collections.abc import Iterable

# Longer than the longest pause of a worker that is well: it looks at its queues every second.
ABSENT_SECONDS = 3.0
_STAMP = struct.Struct("d")


class Board:
    """When each seat was last heard of, in memory that forked processes share. `time.monotonic` is the machine's."""

    def __init__(self, seats: int) -> None:
        self.seats = seats
        self._memory = mmap.mmap(-1, max(_STAMP.size * seats, 1))
        for seat in range(seats):
            self.stamp(seat)

    def stamp(self, seat: int) -> None:
        """Tell that the seat's worker is well."""
        _STAMP.pack_into(self._memory, seat * _STAMP.size, time.monotonic())

    def absent(self) -> list[int]:
        """Return the seats of which nothing was heard for ABSENT_SECONDS."""
        now = time.monotonic()
        stamps = (_STAMP.unpack_from(self._memory, seat * _STAMP.size)[0] for seat in range(self.seats))
        return [seat for seat, stamp in enumerate(stamps) if now - stamp > ABSENT_SECONDS]


class Seat:
    """A worker's own seat among those of its command. The first one also does what has to be done once."""

    def __init__(self, number: int = 0, board: Board | None = None) -> None:
        self.number = number
        self._board = board or Board(1)
        self._command = os.getpid()

    @property
    def name(self) -> str:
        """The same for each process that has had the seat."""
        return f"{self._command}.{self.number + 1}" if self.seats > 1 else str(self._command)

    @property
    def is_orphaned(self) -> bool:
        """Whether the process that forked this one has ended, and nobody would notice this one's end."""
        return os.getpid() != self._command != os.getppid()

    @property
    def is_first(self) -> bool:
        return self.number == 0

    @property
    def seats(self) -> int:
        return self._board.seats

    def take(self) -> Iterable[int]:
        """Tell that this worker is well; return the seats whose learners it works for now."""
        self._board.stamp(self.number)
        return (self.number, *self._board.absent())
