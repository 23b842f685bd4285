"""What an import says, in the reader's language: problems by line, notes, and what an undo has left as it was."""

from collections.abc import Sequence
from dataclasses import dataclass

from learntrace.accounts.roster.items import in_runs
from learntrace.accounts.roster.jobs.models import RosterJob
from learntrace.accounts.roster.reasons import of_stored

MOST_ALIKE = 3
# Forms of files without lists.
_TABLES = ("CSV",)


@dataclass(frozen=True)
class Told:
    """A sentence about a line of the file; `about` is whom it concerns, where that is known."""

    line: str
    text: str
    about: str = ""


def problems_of(job: RosterJob) -> Sequence[Told]:
    """Return what is wrong, by line."""
    return [Told(line, of_stored(told)) for line, told in job.problems]


@dataclass(frozen=True)
class Kind:
    """Problems of one kind: each sentence once, with the lines that it is about, such as "2-7, 9"."""

    sentences: Sequence[Told]
    further: int


def kinds_of_problems(job: RosterJob) -> Sequence[Kind]:
    """Return what is wrong, each thing once: one wrong heading makes a problem of every line below it.

    Of sentences that only differ in what the lines say, the first ones are told; `further` counts the problems of the others.
    A table has no lists, so that their names are left out.
    """
    kinds: dict[object, dict[str, list[str]]] = {}
    for line, told in job.problems:
        kind: object = told
        if isinstance(told, dict):
            kind = (told["before"], told["text"], told["values"].get("key"))
            told = told if job.form not in _TABLES else {**told, "before": ""}
        kinds.setdefault(kind, {}).setdefault(of_stored(told), []).append(line)
    return [_kind(list(sentences.items())) for sentences in kinds.values()]


def _kind(sentences: Sequence[tuple[str, Sequence[str]]]) -> Kind:
    shown = [Told(in_runs(lines), text) for text, lines in sentences[:MOST_ALIKE]]
    return Kind(shown, sum(len(lines) for _text, lines in sentences[MOST_ALIKE:]))


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
