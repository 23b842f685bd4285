"""`list`: notebook | tagged cells | tags, as a table for people, Markdown for a README, JSON or CSV for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..tags import slug_of
from .course_list import write_csv
from .document import Cell, Document
from .language import _
from .titles import assignment_title, title_of

FORMATS = ("table", "json", "markdown", "csv")


def listing(documents: Sequence[Document], kind: str) -> str:
    """The list in one of FORMATS, with its final line end."""
    return {"table": _table, "json": _json, "markdown": _markdown, "csv": _csv}[kind](documents)


def tagged_cells(document: Document) -> list[tuple[Cell, str]]:
    """Each cell that has an assignment, with the one that counts."""
    return [(cell, cell.tags.assignment) for cell in document.cells if cell.tags.assignment]


def _rows(documents: Sequence[Document]) -> list[tuple[str, str, list[str]]]:
    return [
        (
            document.path.as_posix(),
            ", ".join(str(cell.index) for cell, _tag in tagged_cells(document)) or "-",
            [tag for _cell, tag in tagged_cells(document)],
        )
        for document in documents
    ]


def _heads() -> tuple[str, str, str]:
    return _("Notebook"), _("Tagged cells"), _("Tags")


def _table(documents: Sequence[Document]) -> str:
    rows = [_heads(), *((name, cells, ", ".join(map(slug_of, tags)) or "-") for name, cells, tags in _rows(documents))]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{name:<{widths[0]}}  {cells:<{widths[1]}}  {tags}" for name, cells, tags in rows]
    total = sum(len(tagged_cells(document)) for document in documents)
    summary = _(
        "Notebooks: %(notebooks)s. Assignments: %(total)s. Cells count from 0.", notebooks=len(documents), total=total
    )
    return "\n".join([*lines, "", summary]) + "\n"


def _markdown(documents: Sequence[Document]) -> str:
    lines = ["| {} | {} | {} |".format(*_heads()), "| --- | --- | --- |"]
    for name, cells, tags in _rows(documents):
        told = "<br>".join(f"`{_cell_text(tag)}`" for tag in tags) or "-"
        lines.append(f"| {_cell_text(name)} | {cells} | {told} |")
    return "\n".join(lines) + "\n"


def _cell_text(text: str) -> str:
    return text.replace("|", "\\|")


def _json(documents: Sequence[Document]) -> str:
    listed = [
        {
            "notebook": document.path.as_posix(),
            "title": title_of(document),
            "cells": [_entry(document, cell, tag) for cell, tag in tagged_cells(document)],
        }
        for document in documents
    ]
    return json.dumps(listed, ensure_ascii=False, indent=2) + "\n"


def _entry(document: Document, cell: Cell, tag: str) -> dict[str, Any]:
    tags, title = cell.tags.tags, assignment_title(document, cell, tag)
    return {"index": cell.index, "id": cell.id, "assignment": tag, "tags": tags, "title": title}


def _csv(documents: Sequence[Document]) -> str:
    return write_csv(
        [
            (document.path.as_posix(), _name_of(document, cell), tag)
            for document in documents
            for cell, tag in tagged_cells(document)
        ]
    )


def _name_of(document: Document, cell: Cell) -> str:
    """A name that `--cell` reads as this cell only. An id stays when cells move; one of digits could be an index."""
    if cell.id is None or sum(other.id == cell.id for other in document.cells) > 1:
        return str(cell.index)
    return f"id:{cell.id}" if cell.id.isdecimal() else cell.id
