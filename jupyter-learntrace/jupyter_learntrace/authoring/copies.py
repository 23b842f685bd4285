"""A tag that stands on several cells: which of them is the original, and which look like copies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..tags import fits_lesson, is_assignment, slug_of
from .document import Cell, Document
from .language import _
from .titles import headings_of

# As Jupyter, file managers and people name copies.
_COPY = re.compile(
    r"-copy\d*$|\(\d+\)$|[ _-](?:copy|copia|backup|old|bak|solutions?|soluci[oó]n(?:es)?)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Copy:
    """Where the original stands, and why this one is taken for the copy."""

    original_path: Path
    original_cell: int
    why: str


@dataclass(frozen=True)
class _Bearer:
    document: Document
    cell: Cell
    tag: str

    def doubts(self) -> tuple[bool, bool, bool, bool]:
        """What speaks against its being the original, gravest first."""
        path = self.document.path
        return (
            self.cell.kind != "code",
            not fits_lesson(self.tag, path),
            _COPY.search(path.stem) is not None,
            _is_below_other_number(self.document, self.cell, self.tag),
        )


def copies_among(documents: Sequence[Document]) -> dict[tuple[str, int, str], Copy]:
    """The copies, by path, cell and tag."""
    bearers: dict[str, list[_Bearer]] = {}
    for document in documents:
        for cell in document.cells:
            for tag in dict.fromkeys(filter(is_assignment, cell.tags.tags)):
                bearers.setdefault(tag, []).append(_Bearer(document, cell, tag))
    copies: dict[tuple[str, int, str], Copy] = {}
    for tag, group in bearers.items():
        if len(group) > 1:
            # min() takes the first of equals, and the notebooks are in order: nothing against it, and the earliest.
            original = min(group, key=_Bearer.doubts)
            for one in group:
                if one is not original:
                    why = _why(one, original)
                    copies[str(one.document.path), one.cell.index, tag] = Copy(
                        original.document.path, original.cell.index, why
                    )
    return copies


def _why(copy: _Bearer, original: _Bearer) -> str:
    reasons = (
        _("it is no code cell"),
        _("its notebook is another lesson"),
        _("its notebook is named like a copy"),
        _("its heading has another number"),
    )
    for reason, speaks, spoke in zip(reasons, copy.doubts(), original.doubts()):
        if speaks and not spoke:
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
