"""Activities of learners from every source, as the plain values that measures and detectors read."""

from dataclasses import dataclass
from datetime import datetime

OK, ERROR, ABORTED = "ok", "error", "aborted"
EXECUTED, CLOSED = "executed", "closed"
# What LearnPack's clients tell besides: a step's completion, which is evidence and no attempt, and a question to the assistant.
COMPLETED, ASKED = "completed", "asked"

# The part of an assignment that an execution belongs to: a check cell, or what of a LearnPack step was run. None is the work
# itself, a notebook's cell.
CHECK, COMPILE, TEST, QUIZ = "check", "compile", "test", "quiz"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of an attempt: its type (an exception's name) and its message, without the parts that vary between runs."""

    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """An action of a learner; an attempt is one execution of a tagged cell, a compilation, a test or a quiz.

    `at` is when it counts as having happened (`clock.counted_at`): by the learner's clock, or the receipt where that clock
    is ahead. `arrival` breaks ties. `assignment` is None for an action outside assignments.
    `outcome` is None for anything but an execution. `failures` are empty unless the outcome is "error". `part` tells what of
    the assignment was executed (CHECK, ...), None the work itself.
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
    part: str | None = None

    @property
    def order(self) -> tuple[datetime, int]:
        """The sort key among a learner's activities."""
        return self.at, self.arrival

    @property
    def is_check(self) -> bool:
        """Whether it ran a check cell: it tells whether the work is done, and is no attempt at it."""
        return self.assignment is not None and self.part == CHECK and self.outcome in (OK, ERROR)

    @property
    def is_attempt(self) -> bool:
        """Whether it is an attempt that counts: aborted ones are shown, but don't count, nor do runs of check cells."""
        return self.assignment is not None and self.outcome in (OK, ERROR) and self.part != CHECK

    @property
    def failed(self) -> bool:
        """Whether it is an attempt that failed."""
        return self.assignment is not None and self.outcome == ERROR and self.part != CHECK
