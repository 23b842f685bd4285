"""Detects cells that look like exercises, by the conventions that authors of notebooks follow."""

from __future__ import annotations

import re

from jupyter_learntrace.authoring.course.titles import headings_of
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document

_WORD = r"(?:exercises?|ejercicios?|practice|pr[aá]cticas?|challenge|desaf[ií]o|reto|your turn|tu turno|tarea|homework)"
_HEADING = re.compile(rf"^(?:\W|\d)*{_WORD}\b", re.IGNORECASE)
_SIGNS = (
    re.compile(
        r"^[ \t]*(?:#|//|--|%)+[ \t]*(?:your (?:code|answer) (?:goes )?here|(?:tu|escribe tu) c[oó]digo)", re.I | re.M
    ),
    re.compile(r"^[ \t]*raise[ \t]+NotImplementedError\b", re.M),
    re.compile(r"(?:#|//|--)+[ \t]*TODO\b", re.I),
    re.compile(rf"^[ \t]*(?:#|//|--|%)+[ \t]*{_WORD}\b", re.I | re.M),
    re.compile(r"^[ \t]*#+[ \t]*BEGIN SOLUTION\b", re.M),
)


def signs_of_exercises(document: Document) -> dict[int, str]:
    """Return the untagged code cells that look like exercises: the sign of it by the cell's index."""
    signs = {cell.index: sign for cell in document.cells if cell.kind == "code" and (sign := _own_sign(cell))}
    for index, heading in _first_below_headings(document):
        signs.setdefault(index, _("it is below the heading %(heading)s", heading=repr(heading)))
    return {index: sign for index, sign in sorted(signs.items()) if not _is_tagged(document.cells[index])}


def _is_tagged(cell: Cell) -> bool:
    return bool(cell.tags.assignment or cell.tags.checks)


def _own_sign(cell: Cell) -> str:
    nbgrader = cell.metadata.get("nbgrader")
    if isinstance(nbgrader, dict) and nbgrader.get("solution") is True:
        return _("nbgrader has it as a cell for solutions")
    for sign in _SIGNS:
        if match := sign.search(cell.source):
            return _("it says %(words)s", words=repr(match[0].strip()))
    return ""


def _first_below_headings(document: Document) -> list[tuple[int, str]]:
    """Return the first code cell below each heading of an exercise, unless a cell below that heading is tagged."""
    sections: list[tuple[str, list[Cell]]] = [("", [])]
    for cell in document.cells:
        if headings := headings_of(cell):
            sections.append((headings[-1][1], []))
        elif cell.kind == "code" and not cell.tags.checks:
            sections[-1][1].append(cell)
    return [
        (cells[0].index, heading)
        for heading, cells in sections
        if _HEADING.match(heading) and cells and not any(cell.tags.assignment for cell in cells)
    ]
