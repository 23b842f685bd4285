"""Decides, for a tag on several cells, which cell is the original and which are copies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_learntrace.authoring.course.titles import headings_of
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document
from jupyter_learntrace.tags import fits_lesson, is_assignment, slug_of

# Endings that Jupyter, file managers and people give to copies.
_COPY = re.compile(
    r"-copy\d*$|\(\d+\)$|[ _-](?:copy|copia|backup|old|bak|solutions?|soluci[oó]n(?:es)?)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Copy:
    """The location of the original, and why the other cell is taken for the copy."""

    original_path: Path
    original_cell: int
    why: str


@dataclass(frozen=True)
class _TaggedCell:
    document: Document
    cell: Cell
    tag: str

    def doubts(self) -> tuple[bool, bool, bool, bool]:
        """Return the reasons against this cell being the original, the strongest first."""
        path = self.document.path
        return (
            self.cell.kind != "code",
            not fits_lesson(self.tag, path),
            _COPY.search(path.stem) is not None,
            _is_below_other_number(self.document, self.cell, self.tag),
        )


def copies_among(documents: Sequence[Document]) -> dict[tuple[str, int, str], Copy]:
    """Return the copies by path, cell and tag."""
    tagged_cells: dict[str, list[_TaggedCell]] = {}
    for document in documents:
        for cell in document.cells:
            for tag in dict.fromkeys(filter(is_assignment, cell.tags.tags)):
                tagged_cells.setdefault(tag, []).append(_TaggedCell(document, cell, tag))
    copies: dict[tuple[str, int, str], Copy] = {}
    for tag, group in tagged_cells.items():
        if len(group) > 1:
            # Of equals, min() takes the first, and the notebooks are in order: the earliest is the original.
            original = min(group, key=_TaggedCell.doubts)
            for other in group:
                if other is not original:
                    key = (str(other.document.path), other.cell.index, tag)
                    copies[key] = Copy(original.document.path, original.cell.index, _why(other, original))
    return copies


def _why(copy: _TaggedCell, original: _TaggedCell) -> str:
    reasons = (
        _("it isn't a code cell"),
        _("its notebook is another lesson"),
        _("its notebook is named like a copy"),
        _("its heading has another number"),
    )
    for reason, of_copy, of_original in zip(reasons, copy.doubts(), original.doubts()):
        if of_copy and not of_original:
            return reason
    if copy.cell.source == original.cell.source:
        return _("it comes later, with the same source")
    return _("it comes later")


def _is_below_other_number(document: Document, cell: Cell, tag: str) -> bool:
    """Whether the heading above says `Exercise 2` where the tag says exercise-1."""
    number = re.search(r"(\d+)$", slug_of(tag))
    for before in reversed(document.cells[: cell.index]):
        if headings := headings_of(before):
            named = re.findall(r"\d+", headings[-1][1])
            return number is not None and bool(named) and int(number[1]) not in map(int, named)
    return False
