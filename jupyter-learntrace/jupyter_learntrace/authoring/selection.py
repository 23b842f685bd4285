"""Which cell an author means: by its index from 0, by its id, or by a pattern in its source."""

from __future__ import annotations

import re

from .document import Cell, Document
from .errors import Refusal
from .language import _

# What may stand before it where it could be read in more than one way.
INDEX, IDENTIFIER, SOURCE = "index:", "id:", "source:"


def select_cell(document: Document, wanted: str) -> Cell:
    """The one cell that is meant. Raises Refusal where there is none, or several.

    Digits are an index (or the id of a cell); else an id; else a text that one code cell holds; else a regular expression
    that one code cell fits. `index:`, `id:` and `source:` before it leave one reading.
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
            told = _(
                "%(wanted)s is an index and the id of another cell: say index:%(wanted)s or id:%(wanted)s",
                wanted=wanted,
            )
            raise Refusal(told, document.path)
        return _by_id(document, wanted) if with_id else _by_index(document, wanted)
    return _by_id(document, wanted) if with_id else _by_source(document, wanted)


def describe(cell: Cell) -> str:
    """A cell in a sentence: its index and, where it has one, its id."""
    if cell.id is None:
        return _("cell %(index)s", index=cell.index)
    return _("cell %(index)s (id %(id)s)", index=cell.index, id=cell.id)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _by_index(document: Document, wanted: str) -> Cell:
    if not _is_number(wanted):
        raise Refusal(_("%(wanted)s is no index of a cell; they count from 0", wanted=repr(wanted)), document.path)
    if int(wanted) >= len(document.cells):
        count = len(document.cells)
        told = _("there is no cell %(wanted)s: the notebook has %(count)s, counted from 0", wanted=wanted, count=count)
        raise Refusal(told, document.path)
    return document.cells[int(wanted)]


def _by_id(document: Document, wanted: str) -> Cell:
    found = [cell for cell in document.cells if cell.id == wanted]
    if not found:
        raise Refusal(_("no cell has the id %(wanted)s", wanted=repr(wanted)), document.path)
    return _only(document, found, wanted)


def _by_source(document: Document, wanted: str) -> Cell:
    if not wanted.strip():
        raise Refusal(_("an empty text names no cell"), document.path)
    literal, regular = _literal(document, wanted), _regular(document, wanted)
    for fits in (literal, regular):
        if code := [cell for cell in fits if cell.kind == "code"]:
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


def _only(document: Document, found: list[Cell], wanted: str) -> Cell:
    if len(found) > 1:
        cells = ", ".join(str(cell.index) for cell in found)
        told = _("%(wanted)s fits several cells: %(cells)s; name one by its index", wanted=repr(wanted), cells=cells)
        raise Refusal(told, document.path)
    return found[0]
