"""What an import says, in the reader's language: problems by line, notes, and what an undo has left as it was."""

from collections.abc import Sequence
from dataclasses import dataclass

from learntrace.accounts.roster.jobs.models import RosterJob
from learntrace.accounts.roster.reasons import of_stored


@dataclass(frozen=True)
class Told:
    """A sentence about a line of the file; `about` is whom it concerns, where that is known."""

    line: str
    text: str
    about: str = ""


def problems_of(job: RosterJob) -> Sequence[Told]:
    """Return what is wrong, by line."""
    return [Told(line, of_stored(told)) for line, told in job.problems]


def count_problems(job: RosterJob) -> int:
    """Return how many problems there are; the first ones are kept."""
    count: int = job.counts.get("problems", len(job.problems))
    return count


def notes_of(job: RosterJob) -> Sequence[str]:
    """Return what a reader should know about how the file was read, and what became of it."""
    return [of_stored(told) for told in job.notes]


def left_of(job: RosterJob) -> Sequence[Told]:
    """Return what an undo has left as it was."""
    return [Told(left["line"], of_stored(left["reason"]), left["about"]) for left in job.left]
