"""Whether somebody is in time: one pure function, which pages, files and the API call."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Timeliness = Literal["", "due", "extended", "late", "done_late"]
"""Empty: nothing is due, or it was done in time."""

LATE: Final[frozenset[str]] = frozenset({"late", "done_late"})


@dataclass(frozen=True)
class Due:
    """Until when a learner is to have done an asset; `extended`: later than the cohort."""

    at: datetime
    extended: bool = False


def timeliness(due: Due | None, done_at: datetime | None, now: datetime, *, done: bool = False) -> Timeliness:
    """Return how a learner stands towards a due date. `done` is for what is done at an unknown time: it is in time."""
    if due is None:
        return ""
    if done_at is not None:
        return "done_late" if done_at > due.at else ""
    if done:
        return ""
    if now > due.at:
        return "late"
    return "extended" if due.extended else "due"
