"""Changes to the tags of a notebook, and their application to its text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import BYTE_ORDER_MARK, Document
from jupyter_learntrace.authoring.notebook_text.edit import Style, style_at, with_tag, with_tag_replaced, without_tag
from jupyter_learntrace.authoring.notebook_text.json_spans import member, members_of, skip_blank
from jupyter_learntrace.authoring.notebook_text.oddities import oddities


@dataclass(frozen=True)
class Change:
    """A change of one tag of one cell: `new` alone is added, `old` alone removed; with both, `new` replaces `old`."""

    cell: int
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True)
class ChangedNotebook:
    """A notebook, its changes, and its text with the changes made."""

    document: Document
    changes: tuple[Change, ...]
    text: str


def apply_changes(document: Document, changes: Sequence[Change]) -> ChangedNotebook:
    """Make the changes in the notebook's text. Raises Refusal where the result would be less valid."""
    root = skip_blank(document.text, 1 if document.text.startswith(BYTE_ORDER_MARK) else 0)
    by_cell: dict[int, list[Change]] = {}
    for change in changes:
        by_cell.setdefault(change.cell, []).append(change)
    parts: list[str] = []
    end = 0
    for index in sorted(by_cell):
        place = member(members_of(document.text, document.places[index].start), "metadata")
        if place is None:  # Jupyter needs it, so read_document() has refused such a notebook
            raise Refusal(_("cell %(cell)s has no metadata", cell=index), document.path)
        if not isinstance(document.cells[index].metadata.get("tags", []), list):
            raise Refusal(_("the `tags` of cell %(cell)s aren't a list: correct them first", cell=index), document.path)
        style = style_at(document.text, root, place)
        metadata = document.text[place.value_start : place.end]
        for change in by_cell[index]:
            metadata = _apply(metadata, change, style)
        parts += [document.text[end : place.value_start], metadata]
        end = place.end
    notebook = ChangedNotebook(document, tuple(changes), "".join(parts) + document.text[end:])
    _verify(notebook)
    return notebook


def _apply(metadata: str, change: Change, style: Style) -> str:
    if change.old is not None and change.new is not None:
        return with_tag_replaced(metadata, change.old, change.new)
    if change.old is not None:
        return without_tag(metadata, change.old, style)
    return with_tag(metadata, change.new or "", style)


def _verify(notebook: ChangedNotebook) -> None:
    """Refuse a result with faults that weren't there before, or that differs in more than the tags of the changed cells."""
    path = notebook.document.path
    content = json.loads(notebook.text.lstrip(BYTE_ORDER_MARK))
    if new := {oddity.text for oddity in oddities(content)} - {
        oddity.text for oddity in oddities(notebook.document.content)
    }:
        raise Refusal(_("the notebook would no longer be valid: %(reason)s", reason=min(new)), path)
    touched = {change.cell for change in notebook.changes}
    if _without_tags(content, touched) != _without_tags(notebook.document.content, touched):
        raise Refusal(_("the change would touch more than tags; please report this notebook"), path)


def _without_tags(content: dict[str, Any], touched: set[int]) -> dict[str, Any]:
    cells = list(content["cells"])
    for index in touched:
        metadata = {key: value for key, value in cells[index]["metadata"].items() if key != "tags"}
        cells[index] = {**cells[index], "metadata": metadata}
    return {**content, "cells": cells}
