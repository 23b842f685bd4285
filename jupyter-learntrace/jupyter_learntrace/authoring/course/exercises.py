"""Detects cells that look like exercises, by the conventions that authors of notebooks follow."""

from __future__ import annotations

import re

from jupyter_learntrace.authoring.course.titles import headings_of
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document

_WORD = r"(?:exercises?|ejercicios?|practice|pr[aá]cticas?|challenge|desaf[ií]o|reto|your turn|tu turno|tarea|homework)"
_HEADING = re.compile(rf"^(?:\W|\d)*{_WORD}\b", re.IGNORECASE)
# The comments of Python and R, C and Java, SQL and Haskell, MATLAB and LaTeX, Lisp, CSS and SAS, OCaml, HTML, Fortran.
_COMMENT = r"(?:(?<![^\s;{(])(?:#|//|--|%|;|/\*|\(\*|\{-|<!--)|^[ \t]*[!*])[#/%;*=<>'\-]*[ \t]*"
_DO = (
    r"(?:please )?(?:write|insert|add|enter|put|place|type|fill in|complete|implement|start|begin)(?: with)? (?:here )?"
)
_ANSWER = r"(?:own )?(?:code|answers?|solution|implementation|query|work)"
_SIGNS = tuple(
    re.compile(sign, re.IGNORECASE | re.MULTILINE)
    for sign in (
        # nbgrader: YOUR CODE HERE; others: write your code below, INSERT YOUR ANSWER HERE, your solution goes here.
        rf"{_COMMENT}(?:{_DO})?(?:your|the) {_ANSWER}(?: should)?(?: goes?| starts?| begins?)? (?:here|below)\b",
        # Coursera: ### START CODE HERE ###, GRADED FUNCTION: f, UNQ_C1; deeplearning.ai: BEGIN YOUR CODE.
        rf"{_COMMENT}(?:start|begin)(?: of)? (?:your )?{_ANSWER}\b",
        rf"{_COMMENT}(?:graded (?:function|cell|class|method)\b|(?:exercise )?unq_c\d+)",
        rf"{_COMMENT}replace\b.{{0,60}}\b(?:with|by) your {_ANSWER}\b",
        # otter: # SOLUTION behind a line, # BEGIN PROMPT.
        rf"{_COMMENT}(?:solution(?: no prompt)?[ \t]*$|begin prompt\b)",
        (
            rf"{_COMMENT}(?:escrib[ea]|inserta|a[ñn]ade|agrega|pon|completa|empieza|comienza|inicio de)? ?"
            r"(?:aqu[ií] )?(?:va )?(?:tu|su) (?:propi[oa] )?(?:c[oó]digo|respuesta|soluci[oó]n)\b"
        ),
        r"^[ \t]*raise[ \t]+NotImplementedError\b",
        # What nbgrader, or the language, puts in place of an answer elsewhere than in Python.
        (
            r"error\('No Answer Given!'\)|# No Answer - remove if you provide an answer|^[ \t]*%notImplemented\b"
            r"|\b(?:todo|unimplemented)!\(|throw new (?:NotImplemented|UnsupportedOperation)\w*\(|stop\([\"']not implemented"
        ),
        rf"{_COMMENT}TODO\b",
        rf"^[ \t]*{_COMMENT}{_WORD}\b",
    )
)
# Tags that otter gives to cells of answers.
_ANSWER_TAGS = re.compile(r"otter_(?:answer|assign_solution)_cell")


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
    if tag := next(filter(_ANSWER_TAGS.fullmatch, cell.tags.tags), None):
        return _("it has otter's tag %(tag)s", tag=tag)
    for sign in _SIGNS:
        if match := sign.search(cell.source):
            line = cell.source[match.start() :].lstrip().partition("\n")[0]
            return _("it says %(words)s", words=repr(line[:60].strip()))
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
