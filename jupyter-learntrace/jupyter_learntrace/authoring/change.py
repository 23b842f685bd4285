"""What is to be done to the tags of a notebook, and the notebook's text once it is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .document import BYTE_ORDER_MARK, Document, invalidity
from .edit import Style, style_at, with_other_tag, with_tag, without_tag
from .errors import Refusal
from .json_places import member, members_of, skip_blank
from .language import _


@dataclass(frozen=True)
class Change:
    """One tag of one cell: `new` alone is added, `old` alone is removed, with both the new takes the place of the old."""

    cell: int
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True)
class ChangedNotebook:
    """A notebook with what changes in it, and its text after that."""

    document: Document
    changes: tuple[Change, ...]
    text: str


def changed(document: Document, changes: Sequence[Change]) -> ChangedNotebook:
    """Make the changes in the notebook's text. Raises Refusal where the outcome wouldn't be a valid notebook."""
    root = skip_blank(document.text, 1 if document.text.startswith(BYTE_ORDER_MARK) else 0)
    by_cell: dict[int, list[Change]] = {}
    for change in changes:
        by_cell.setdefault(change.cell, []).append(change)
    parts: list[str] = []
    end = 0
    for index in sorted(by_cell):
        place = member(members_of(document.text, document.places[index].start), "metadata")
        if place is None:  # nbformat asks for it, so reading has refused such a notebook
            raise Refusal(_("cell %(cell)s has no metadata", cell=index), document.path)
        style = style_at(document.text, root, place)
        metadata = document.text[place.value_start : place.end]
        for change in by_cell[index]:
            metadata = _applied(metadata, change, style)
        parts += [document.text[end : place.value_start], metadata]
        end = place.end
    made = ChangedNotebook(document, tuple(changes), "".join(parts) + document.text[end:])
    _verify(made)
    return made


def _applied(metadata: str, change: Change, style: Style) -> str:
    if change.old is not None and change.new is not None:
        return with_other_tag(metadata, change.old, change.new)
    if change.old is not None:
        return without_tag(metadata, change.old, style)
    return with_tag(metadata, change.new or "", style)


def _verify(made: ChangedNotebook) -> None:
    """The last look before anything is written: still a valid notebook, and the same but for these tags."""
    path = made.document.path
    content = json.loads(made.text.lstrip(BYTE_ORDER_MARK))
    if reason := invalidity(content):
        raise Refusal(_("the notebook would no longer be valid: %(reason)s", reason=reason), path)
    touched = {change.cell for change in made.changes}
    if _without_tags(content, touched) != _without_tags(made.document.content, touched):
        raise Refusal(_("the change would touch more than tags; please report this notebook"), path)


def _without_tags(content: dict[str, Any], touched: set[int]) -> dict[str, Any]:
    cells = list(content["cells"])
    for index in touched:
        metadata = {key: value for key, value in cells[index]["metadata"].items() if key != "tags"}
        cells[index] = {**cells[index], "metadata": metadata}
    return {**content, "cells": cells}
