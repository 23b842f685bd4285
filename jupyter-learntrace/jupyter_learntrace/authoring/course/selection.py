"""Resolves `--cell`: an index from 0, an id, or a text or pattern in the source."""

from __future__ import annotations

import re

from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document

# Prefixes that choose one reading.
INDEX, IDENTIFIER, SOURCE = "index:", "id:", "source:"


def select_cell(document: Document, wanted: str) -> Cell:
    """Return the cell that `wanted` names. Raises Refusal where it names none, or several.

    Digits are an index, or the id of a cell. Anything else is tried as an id, as a text that one code cell contains, and as a
    regular expression that matches one code cell. The prefixes `index:`, `id:` and `source:` choose one reading.
    """
    if wanted.startswith(INDEX):
        return _by_index(document, wanted[len(INDEX) :])
    if wanted.startswith(IDENTIFIER):
        return _by_id(document, wanted[len(IDENTIFIER) :])
    if wanted.startswith(SOURCE):
        return _by_source(document, wanted[len(SOURCE) :])
    with_id = [cell for cell in document.cells if cell.id == wanted]
    if _is_number(wanted):
        inside = int(wanted) < len(document.cells)
        if with_id and inside and with_id != [document.cells[int(wanted)]]:
            text = _(
                "%(wanted)s is an index and the id of another cell: use index:%(wanted)s or id:%(wanted)s",
                wanted=wanted,
            )
            raise Refusal(text, document.path)
        return _by_id(document, wanted) if with_id else _by_index(document, wanted)
    return _by_id(document, wanted) if with_id else _by_source(document, wanted)


def describe(cell: Cell) -> str:
    """Return a cell's index and, if it has one, its id, for use in a sentence."""
    if cell.id is None:
        return _("cell %(index)s", index=cell.index)
    return _("cell %(index)s (id %(id)s)", index=cell.index, id=cell.id)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _by_index(document: Document, wanted: str) -> Cell:
    if not _is_number(wanted):
        raise Refusal(_("%(wanted)s isn't the index of a cell; cells count from 0", wanted=repr(wanted)), document.path)
    if int(wanted) >= len(document.cells):
        count = len(document.cells)
        text = _("there is no cell %(wanted)s: the notebook has %(count)s, counted from 0", wanted=wanted, count=count)
        raise Refusal(text, document.path)
    return document.cells[int(wanted)]


def _by_id(document: Document, wanted: str) -> Cell:
    cells = [cell for cell in document.cells if cell.id == wanted]
    if not cells:
        raise Refusal(_("no cell has the id %(wanted)s", wanted=repr(wanted)), document.path)
    return _only(document, cells, wanted)


def _by_source(document: Document, wanted: str) -> Cell:
    if not wanted.strip():
        raise Refusal(_("an empty text names no cell"), document.path)
    literal, regular = _literal(document, wanted), _regular(document, wanted)
    for matches in (literal, regular):
        if code := [cell for cell in matches if cell.kind == "code"]:
            return _only(document, code, wanted)
    if not literal and not regular:
        raise Refusal(_("no cell has the id or holds the text %(wanted)s", wanted=repr(wanted)), document.path)
    return _only(document, literal or regular, wanted)


def _literal(document: Document, wanted: str) -> list[Cell]:
    return [cell for cell in document.cells if wanted in cell.source]


def _regular(document: Document, wanted: str) -> list[Cell]:
    try:
        pattern = re.compile(wanted, re.MULTILINE)
    except re.error:
        return []
    return [cell for cell in document.cells if pattern.search(cell.source)]


def _only(document: Document, matches: list[Cell], wanted: str) -> Cell:
    if len(matches) > 1:
        cells = ", ".join(str(cell.index) for cell in matches)
        text = _("%(wanted)s matches several cells: %(cells)s; name one by its index", wanted=repr(wanted), cells=cells)
        raise Refusal(text, document.path)
    return matches[0]
