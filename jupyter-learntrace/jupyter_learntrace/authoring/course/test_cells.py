"""Finds the cells with which nbgrader and otter test an exercise, and the assignment that each would check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_learntrace.authoring.course.selection import describe
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document

# `grader.check("q1")`, as otter-grader's notebooks have it.
_OTTER = re.compile(r"^[ \t]*(?:\w+[ \t]*=[ \t]*)?grader\.check\(", re.MULTILINE)


@dataclass(frozen=True)
class TestCell:
    """A test cell: its index, the sign by which it is one, and the assignment above it; or why it can't be its check cell."""

    cell: int
    sign: str
    assignment: str = ""
    problem: str = ""


def tests_of(document: Document) -> Iterator[TestCell]:
    """Yield the test cells that are no check cells yet. A test belongs to the nearest tagged cell above it."""
    taken = {cell.tags.checks: cell for cell in document.cells if cell.tags.checks}
    above = ""
    for cell in document.cells:
        if cell.kind != "code":
            continue
        above = cell.tags.assignment or above
        sign = _sign(cell)
        if not sign or cell.tags.checks or cell.tags.assignment:
            continue
        if not above:
            yield TestCell(
                cell.index, sign, problem=_("no cell above it is tagged as an assignment: tag that one first")
            )
        elif above in taken:
            first = describe(taken[above])
            text = _("%(first)s already checks %(tag)s; an assignment has one check cell", first=first, tag=above)
            yield TestCell(cell.index, sign, problem=text)
        else:
            taken[above] = cell
            yield TestCell(cell.index, sign, above)


def _sign(cell: Cell) -> str:
    """Return by what a cell is known as a test; empty where it is none."""
    nbgrader = cell.metadata.get("nbgrader")
    if isinstance(nbgrader, dict) and nbgrader.get("grade") is True and nbgrader.get("solution") is not True:
        return _("nbgrader's test %(name)s", name=repr(str(nbgrader.get("grade_id") or "")))
    if match := _OTTER.search(cell.source):
        line = cell.source[match.start() :].strip().splitlines()[0]
        return _("otter's check %(line)s", line=repr(line))
    return ""
