"""Derives titles from a notebook's content: its own, and one for each assignment."""

from __future__ import annotations

import re

from jupyter_learntrace.authoring.notebook_text.document import Cell, Document
from jupyter_learntrace.tags import slug_of

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$", re.MULTILINE)
_UNDERLINED = re.compile(r"^(?! *#)(\S[^\n]*)\n(=+|-{2,})[ \t]*$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^[ \t]*(?:#|//|--|%)+[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_MAGIC = re.compile(r"^(?:%%?\w|#!|# ?-\*-|#\s*%%|#\s*type:|#\s*noqa|#{3,}\s*(?:BEGIN|END)\b)")
_PLACEHOLDER = re.compile(
    r"your code here|tu c.digo aqu|write your|escribe tu|\btodo\b|no borr|do not (?:edit|delete)", re.I
)
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]+>|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
# With terminal colours, which are copied into notebooks with outputs.
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


def headings_of(cell: Cell) -> list[tuple[int, str]]:
    """Return the headings of a markdown cell as (level, title), in order; none for other cells."""
    if cell.kind != "markdown":
        return []
    text = _FENCED.sub("", cell.source)
    headings = [(match.start(), len(match[1]), match[2]) for match in _HEADING.finditer(text)]
    headings += [(match.start(), 1 if match[2][0] == "=" else 2, match[1]) for match in _UNDERLINED.finditer(text)]
    plain = [(level, _plain(title)) for _start, level, title in sorted(headings)]
    return [(level, title) for level, title in plain if title]


def title_of(document: Document) -> str:
    """Return the notebook's first heading; without one, its file's name."""
    for cell in document.cells:
        for _level, title in headings_of(cell):
            return title
    return document.path.stem


def assignment_title(document: Document, cell: Cell, tag: str) -> str:
    """Return the heading of a tagged cell; else the cell's first comment; else the words of the tag.

    A heading belongs to the first tagged cell below it; the notebook's own title belongs to none.
    """
    return _leading_heading(document, cell) or first_comment(cell) or slug_of(tag).replace("-", " ").capitalize()


def _leading_heading(document: Document, cell: Cell) -> str:
    own = next(((other.index, title) for other in document.cells for _level, title in headings_of(other)), None)
    for before in reversed(document.cells[: cell.index]):
        if before.kind == "code" and before.tags.assignment:
            return ""
        if headings := headings_of(before):
            title = headings[-1][1]
            return "" if (before.index, title) == own and len(headings) == 1 else title
    return ""


def first_comment(cell: Cell) -> str:
    """Return the first comment of a code cell that is neither a directive nor a placeholder."""
    for match in _COMMENT.finditer(cell.source):
        line = match[0].strip()
        if not _MAGIC.match(line) and not _PLACEHOLDER.search(line) and any(map(str.isalpha, match[1])):
            return _plain(match[1].rstrip("-=#* "))
    return ""


def _plain(text: str) -> str:
    """Return the text without markup and control characters, on one line."""
    plain = _CONTROL.sub("", _MARKUP.sub(lambda match: match[1] or "", text))
    return " ".join(plain.split())
