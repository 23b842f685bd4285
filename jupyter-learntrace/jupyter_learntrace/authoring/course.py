"""The tags that a course has already: where each stands, over all its notebooks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .document import read_document
from .errors import Refusal
from .language import _


@dataclass(frozen=True)
class Occurrence:
    """A tag on a cell of a notebook."""

    path: Path
    cell: int

    def is_at(self, path: Path, cell: int) -> bool:
        """Whether it is this cell, however the path is written."""
        return self.cell == cell and os.path.realpath(self.path) == os.path.realpath(path)

    def __str__(self) -> str:
        return f"{self.path}, {_('cell %(index)s', index=self.cell)}"


@dataclass(frozen=True)
class Course:
    """Where each assignment tag stands, and the notebooks that couldn't be read (`check` complains of those)."""

    occurrences: dict[str, list[Occurrence]]
    unread: tuple[Refusal, ...]


def read_course(paths: Iterable[Path]) -> Course:
    """The tags of these notebooks."""
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
