"""`list`: notebooks, their tagged cells and tags, as a table, as Markdown for a README, as JSON or as CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jupyter_learntrace.authoring.course.course_list import write_csv
from jupyter_learntrace.authoring.course.titles import assignment_title, title_of
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document
from jupyter_learntrace.tags import check_of, slug_of

FORMATS = ("table", "json", "markdown", "csv")


def listing(documents: Sequence[Document], kind: str) -> str:
    """Return the list in one of FORMATS, with a final line end."""
    return {"table": _table, "json": _json, "markdown": _markdown, "csv": _csv}[kind](documents)


def tagged_cells(document: Document) -> list[tuple[Cell, str]]:
    """Return each cell that has an assignment tag, with its first one, which counts."""
    return [(cell, cell.tags.assignment) for cell in document.cells if cell.tags.assignment]


def _all_tagged(document: Document) -> list[tuple[Cell, str]]:
    """Return the tagged cells with those that check one, each with the tag that counts."""
    return [
        (cell, tag)
        for cell in document.cells
        if (tag := cell.tags.assignment or (check_of(cell.tags.checks) if cell.tags.checks else None))
    ]


def _rows(documents: Sequence[Document]) -> list[tuple[str, str, list[str]]]:
    return [
        (
            document.path.as_posix(),
            ", ".join(str(cell.index) for cell, _tag in _all_tagged(document)) or "-",
            [tag for _cell, tag in _all_tagged(document)],
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
        cell = "<br>".join(f"`{_cell_text(tag)}`" for tag in tags) or "-"
        lines.append(f"| {_cell_text(name)} | {cells} | {cell} |")
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
    entry = {"index": cell.index, "id": cell.id, "assignment": tag, "tags": tags, "title": title}
    checks = next((other.index for other in document.cells if other.tags.checks == tag), None)
    return entry if checks is None else {**entry, "check": checks}


def _csv(documents: Sequence[Document]) -> str:
    return write_csv(
        [
            (document.path.as_posix(), _name_of(document, cell), tag)
            for document in documents
            for cell, tag in _all_tagged(document)
        ]
    )


def _name_of(document: Document, cell: Cell) -> str:
    """Return a name that `--cell` resolves to this cell: its id, which stays when cells move, or else its index."""
    if cell.id is None or sum(other.id == cell.id for other in document.cells) > 1:
        return str(cell.index)
    # An id of digits could be read as an index.
    return f"id:{cell.id}" if cell.id.isdecimal() else cell.id
