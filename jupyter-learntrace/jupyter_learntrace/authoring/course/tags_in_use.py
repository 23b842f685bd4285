"""The tags in use: the cells of each tag over all notebooks of a course."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import read_document


@dataclass(frozen=True)
class Occurrence:
    """A cell, of a notebook, that has a tag."""

    path: Path
    cell: int

    def is_at(self, path: Path, cell: int) -> bool:
        """Whether it is this cell, however the path is written."""
        return self.cell == cell and os.path.realpath(self.path) == os.path.realpath(path)

    def __str__(self) -> str:
        return f"{self.path}, {_('cell %(index)s', index=self.cell)}"


@dataclass(frozen=True)
class Course:
    """The occurrences of each tag, and the notebooks that couldn't be read, which `check` reports."""

    occurrences: dict[str, list[Occurrence]]
    unread: tuple[Refusal, ...]


def read_course(paths: Iterable[Path]) -> Course:
    """Collect the tags of these notebooks."""
    occurrences: dict[str, list[Occurrence]] = {}
    unread: list[Refusal] = []
    for path in paths:
        try:
            document = read_document(path)
        except Refusal as refusal:
            unread.append(refusal)
            continue
        for cell in document.cells:
            for tag in cell.tags.tags:
                occurrences.setdefault(tag, []).append(Occurrence(path, cell.index))
    return Course(occurrences, tuple(unread))
