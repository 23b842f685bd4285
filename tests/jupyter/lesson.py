"""The lesson that learners work on in these tests, and what running it has to leave in the table."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def hash_of(source: str) -> str:
    """The code_hash, computed without the product: trailing blanks stripped, line ends normalised."""
    lines = [line.rstrip() for line in source.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return hashlib.sha256("\n".join(lines).rstrip().encode()).hexdigest()


@dataclass(frozen=True)
class Cell:
    id: str
    source: str
    exercise: int | None = None
    # In place of what the exercise's number makes.
    written: str | None = None

    @property
    def tag(self) -> str | None:
        if self.written is not None:
            return self.written
        return None if self.exercise is None else f"assignment:lesson-03-exercise-{self.exercise}"


# With trailing blanks, which a hash must not see.
WORKS = Cell("works", "import time  \ntime.sleep(0.2)\nmarker_of_the_source = 'né' \n\n", 1)
RAISES = Cell("raises", "undefined_name + 1", 2)
AFTER = Cell("after", "2 + 2", 3)
UNTAGGED = Cell("untagged", "3 + 3")
# It says when it runs: an interrupt that comes earlier would be lost.
LONG = Cell("long", "import time\nprint('at work', flush=True)\nfor _turn in range(1200):\n    time.sleep(0.05)", 4)
CELLS = (WORKS, RAISES, AFTER, UNTAGGED)


def write_lesson(path: Path, cells: tuple[Cell, ...] = CELLS, kernel: str = "python3") -> None:
    """Write a notebook of code cells; a second tag stands before the assignment's, as authors have others too."""
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": cell.id,
                "metadata": {"tags": ["graded", cell.tag]} if cell.tag else {},
                "outputs": [],
                "source": cell.source,
            }
            for cell in cells
        ],
        "metadata": {"kernelspec": {"display_name": kernel, "language": "python", "name": kernel}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


@dataclass(frozen=True)
class Execution:
    """One execution as the table has it, without what differs from run to run."""

    assignment: str | None
    outcome: str
    error_name: str | None
    execution_count: int | None
    code_hash: str


def execution(cell: Cell, outcome: str, count: int | None = None, error: str | None = None) -> Execution:
    return Execution(cell.tag, outcome, error, count, hash_of(cell.source))


# One run of what works and of what raises; all cells with the error in the middle; the copy of what works; what raises again
# until there are ten of tagged cells.
EXPECTED = (
    execution(WORKS, "ok", 1),
    execution(RAISES, "error", 2, "NameError"),
    execution(WORKS, "ok", 3),
    execution(RAISES, "error", 4, "NameError"),
    execution(AFTER, "aborted"),
    execution(UNTAGGED, "aborted"),
    execution(WORKS, "ok", 5),
    *(execution(RAISES, "error", count, "NameError") for count in (6, 7, 8, 9)),
)


def of_row(row: dict[str, Any]) -> Execution:
    result, target = row["result"], row["object"]
    return Execution(
        target.get("assignment"),
        result["outcome"],
        result.get("error_name"),
        result.get("execution_count"),
        target["code_hash"],
    )
