"""What a learner did, as plain values that every measure and detector reads, whatever source it came from."""

from dataclasses import dataclass
from datetime import datetime

OK, ERROR, ABORTED = "ok", "error", "aborted"
EXECUTED, CLOSED = "executed", "closed"


@dataclass(frozen=True, slots=True)
class Failure:
    """One error of an attempt: its type (an exception's name) and its message without what changes from run to run."""

    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that a learner did (signals.md: an attempt is one execution of a tagged cell, or a compile or test).

    `at` is the learner's clock, `arrival` breaks ties; `assignment` is None for what belongs to none. `outcome` is None
    for what is no execution. `failures` are empty unless the outcome is "error".
    """

    id: str
    at: datetime
    arrival: int
    verb: str = EXECUTED
    assignment: str | None = None
    outcome: str | None = None
    failures: tuple[Failure, ...] = ()
    session_id: str | None = None
    object_id: str | None = None
    code_hash: str | None = None

    @property
    def order(self) -> tuple[datetime, int]:
        """The place among a learner's activities."""
        return self.at, self.arrival

    @property
    def is_attempt(self) -> bool:
        """Whether it is an attempt that counts: aborted ones are shown and count for nothing."""
        return self.assignment is not None and self.outcome in (OK, ERROR)

    @property
    def failed(self) -> bool:
        """Whether it is an attempt that failed."""
        return self.assignment is not None and self.outcome == ERROR
