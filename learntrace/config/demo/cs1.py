"""A real class: every compilation of 295 CS1 students in two homeworks of autumn 2020, with compiler errors and test
results (Svabensky et al., ITiCSE 2024; the files and their licence lie in `data/cs1-fall2020`).

A compilation is a row of `snapshots.csv`: 6,066 of hw03 and 2,898 of hw04. The published quotients are over all of them.
The summary file has 5,763 and 2,898: of 303 compilations of hw03, all of them without an error, it says nothing of
tests. 292 compilations of hw04 that the summary counts as compile errors have no error in `compiler-errors.csv`; the
published quotients count them as successes, and so does this module.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from learntrace.config.demo.data_files import data_file
from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.measures.failures import clean

Homework = Literal["hw03", "hw04"]


@dataclass(frozen=True, slots=True)
class CompilerError:
    """One error of a compilation: file, line, and the whole message with its excerpt of code."""

    file: str
    line: int
    message: str

    @property
    def name(self) -> str:
        """The error's type: the trimmed first line of the message."""
        return self.message.strip().partition("\n")[0].strip()

    @property
    def failure(self) -> Failure:
        return clean(self.name, self.message)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A compilation's row of the summary: how many tests failed and succeeded, whether compiling failed, and how many
    tests ended in an error."""

    t_failed: int
    t_success: int
    c_error: int
    r_error: int


@dataclass(frozen=True, slots=True)
class Compilation:
    """A compilation of a student: time (UTC), errors (none if it compiled), and the outcome, if known."""

    student: str
    at: datetime
    errors: tuple[CompilerError, ...]
    outcome: Outcome | None

    def activity(self, homework: Homework, arrival: int) -> Activity:
        """Return the compilation as an attempt at the homework."""
        return Activity(
            id=f"{homework}-{self.student}-{self.at.isoformat()}",
            at=self.at,
            arrival=arrival,
            assignment=homework,
            outcome=ERROR if self.errors else OK,
            failures=tuple(dict.fromkeys(error.failure for error in self.errors)),
        )


def read_homework(homework: Homework) -> list[Compilation]:
    """Return every compilation of a homework, ordered by student and time."""
    errors: dict[tuple[str, datetime], list[CompilerError]] = {}
    for row in _rows(f"{homework}-compiler-errors.csv", ";"):
        error = CompilerError(row["file"], int(row["line"]), row["error"])
        errors.setdefault(_key(row), []).append(error)
    outcomes = {
        _key(row): Outcome(int(row["t_failed"]), int(row["t_success"]), int(row["c_error"]), int(row["r_error"]))
        for row in _rows(f"{homework}-snapshot-summary.csv", ";")
    }
    keys = sorted(_key(row) for row in _rows(f"{homework}-snapshots.csv", ";"))
    return [Compilation(*key, tuple(errors.get(key, ())), outcomes.get(key)) for key in keys]


def published_quotients(homework: Homework) -> dict[str, float]:
    """Return the published Error Quotient of each student who compiled in the homework."""
    column = f"eq_{homework}"
    return {row["student"]: float(row[column]) for row in _rows("published-eq.csv", ",") if row[column]}


def published_densities(homework: Homework) -> dict[str, float]:
    """Return the published Repeated Error Density of each student who compiled in the homework."""
    return {row["student"]: float(row["RED"]) for row in _rows(f"{homework}-published-red.csv", ";")}


def _rows(name: str, delimiter: str) -> Iterator[dict[str, str]]:
    with data_file("cs1-fall2020", name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def _key(row: dict[str, str]) -> tuple[str, datetime]:
    """Return the student and the time; some of the files write its ":" as "_"."""
    return row["student"], datetime.fromisoformat(row["snapshot"].replace("_", ":")).astimezone(UTC)
