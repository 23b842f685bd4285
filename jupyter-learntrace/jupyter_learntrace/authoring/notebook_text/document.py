"""Reads and validates notebooks of nbformat 4."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.json_spans import Element, elements_of, member, members_of, skip_blank
from jupyter_learntrace.tags import CellTags, read_tags

_CELL_SCHEMAS = {"code_cell", "markdown_cell", "raw_cell"}
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Cell:
    """A cell: its index from 0, its kind (`code`, `markdown`, `raw`), its id, its source and its metadata."""

    index: int
    kind: str
    id: str | None
    source: str
    metadata: dict[str, Any]

    @cached_property
    def tags(self) -> CellTags:
        return read_tags(self.metadata.get("tags"))


@dataclass(frozen=True)
class Document:
    """A notebook of nbformat 4: its path, its text as stored, its content as parsed JSON, and its cells."""

    path: Path
    text: str
    content: dict[str, Any]
    cells: tuple[Cell, ...]

    @cached_property
    def places(self) -> list[Element]:
        """The span of each cell in the text."""
        start = 1 if self.text.startswith(BYTE_ORDER_MARK) else 0
        cells = member(members_of(self.text, skip_blank(self.text, start)), "cells")
        return elements_of(self.text, cells.value_start) if cells else []

    def line_of(self, index: int) -> int:
        """Return the line, from 1, on which a cell begins."""
        return self.text.count("\n", 0, self.places[index].start) + 1


def read_document(path: Path) -> Document:
    """Read and validate a notebook. Raises Refusal."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        raise Refusal(_("there is no such file"), path) from None
    except OSError as error:
        raise Refusal(_("it can't be read: %(reason)s", reason=error.strerror or error), path) from error
    return parse_document(path, stored)


def parse_document(path: Path, stored: bytes) -> Document:
    """Parse and validate the bytes of a notebook. Raises Refusal."""
    text = _decode(path, stored)
    content = _parse(path, text)
    _validate(path, content)
    cells = tuple(_cell(index, cell) for index, cell in enumerate(content["cells"]))
    return Document(path, text, content, cells)


def _cell(index: int, cell: dict[str, Any]) -> Cell:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return Cell(index, cell["cell_type"], cell.get("id"), text, cell["metadata"])


def _decode(path: Path, stored: bytes) -> str:
    if not stored.strip():
        raise Refusal(_("the file is empty"), path)
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError as error:
        line = stored.count(b"\n", 0, error.start) + 1
        raise Refusal(_("the file is no UTF-8 text, so it is no notebook"), path, line) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    body = text[1:] if text.startswith(BYTE_ORDER_MARK) else text
    try:
        content = json.loads(body)
    except json.JSONDecodeError as error:
        raise Refusal(_("this is no JSON: %(reason)s", reason=error.msg), path, error.lineno, error.colno) from None
    except (RecursionError, ValueError) as error:
        raise Refusal(_("this is no JSON that can be read: %(reason)s", reason=error), path) from None
    if not isinstance(content, dict) or not _is_version(content.get("nbformat")):
        raise Refusal(_("this is JSON, but no notebook: it doesn't say its `nbformat`"), path)
    return content


def _is_version(number: object) -> bool:
    return type(number) is int and number >= 0


def _validate(path: Path, content: dict[str, Any]) -> None:
    version = content["nbformat"]
    if version < 4:
        advice = _(
            "this is a notebook of nbformat %(version)s, and tags need nbformat 4: convert it first, "
            "with `jupyter nbconvert --to notebook --inplace %(name)s`",
            version=version,
            name=path.name,
        )
        raise Refusal(advice, path)
    if version > 4:
        raise Refusal(_("nbformat %(version)s is not known here; this is for nbformat 4", version=version), path)
    if reason := invalidity(content):
        raise Refusal(_("nbformat says that this is no valid notebook: %(reason)s", reason=reason), path)


def invalidity(content: dict[str, Any]) -> str:
    """Return what nbformat finds wrong with a notebook of nbformat 4; empty if nothing.

    Missing and duplicate cell ids, which nbformat 4.5 forbids, are accepted: Jupyter opens such notebooks.
    """
    if not _is_version(content.get("nbformat_minor", 0)):
        return _("`nbformat_minor` is no number")
    cells = content.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return _("`cells` is no list of cells")
    # Versions of nbformat refuse, repair or ignore wrong ids: validate a copy in which they are right.
    copy = {**content, "cells": _with_ids(cells) if content.get("nbformat_minor", 0) >= 5 else cells}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            nbformat.validate(copy)
        except nbformat.ValidationError as error:
            return _first_invalid_cell(copy) or _reason(error)
        except Exception as error:
            # nbformat itself fails on some invalid notebooks while it composes its message.
            return _first_invalid_cell(copy) or f"{type(error).__name__}: {error}"[:300]
    return ""


def _with_ids(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: set[object] = set()
    with_ids = []
    for index, cell in enumerate(cells):
        identifier = cell.get("id")
        if identifier is None or (isinstance(identifier, str) and identifier in seen):
            cell = {**cell, "id": f"cell-without-id-{index}"}
        elif isinstance(identifier, str):
            seen.add(identifier)
        with_ids.append(cell)
    return with_ids


def _first_invalid_cell(content: dict[str, Any]) -> str:
    """Name the cell that is invalid, which nbformat's message on the whole notebook doesn't."""
    for index, cell in enumerate(content["cells"]):
        reference = f"{cell.get('cell_type')}_cell"
        if reference not in _CELL_SCHEMAS:
            return _("cell %(index)s is neither a code nor a markdown nor a raw cell", index=index)
        try:
            nbformat.validate(cell, reference, 4, content.get("nbformat_minor", 0))
        except Exception as error:
            return f"{_('cell %(index)s', index=index)}: {_reason(error)}"
    return ""


def _reason(error: Any) -> str:
    """Return the first line of nbformat's message, with the path in the notebook if the error has one."""
    first = (str(getattr(error, "message", "") or error).strip().splitlines() or [type(error).__name__])[0]
    text = first if len(first) <= 300 else f"{first[:300]}..."
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in getattr(error, "path", ()) or ())
    return f"{place.lstrip('.')}: {text}" if place else text
