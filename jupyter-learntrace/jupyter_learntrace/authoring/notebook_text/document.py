"""Reads notebooks of nbformat 4: all that Jupyter opens, if need be with a warning (`oddities`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.json_spans import Element, elements_of, member, members_of, skip_blank
from jupyter_learntrace.authoring.notebook_text.unreadable import not_json, not_text
from jupyter_learntrace.authoring.system_errors import reason_of
from jupyter_learntrace.tags import CellTags, read_tags

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Cell:
    """A cell: its index from 0, its kind, its id, its source and its metadata.

    The kind is `code`, `markdown`, `raw`, or what a newer nbformat or another front end calls it; `?` if nothing.
    """

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
    """Read a notebook. Raises Refusal where Jupyter can't open it either."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        raise Refusal(_("there is no such file"), path) from None
    except OSError as error:
        raise Refusal(_("it can't be read: %(reason)s", reason=reason_of(error)), path) from error
    return parse_document(path, stored)


def parse_document(path: Path, stored: bytes) -> Document:
    """Parse the bytes of a notebook. Raises Refusal where Jupyter can't open it either."""
    text = _decode(path, stored)
    content = _parse(path, text)
    _check_version(path, content)
    if reason := _fault(content):
        raise Refusal(reason, path)
    cells = tuple(_cell(index, cell) for index, cell in enumerate(content["cells"]))
    return Document(path, text, content, cells)


def _cell(index: int, cell: dict[str, Any]) -> Cell:
    kind, identifier, source = cell.get("cell_type"), cell.get("id"), cell.get("source", "")
    text = "".join(source) if isinstance(source, list) else source
    return Cell(
        index,
        kind if isinstance(kind, str) and kind else "?",
        identifier if isinstance(identifier, str) else None,
        text if isinstance(text, str) else "",
        cell["metadata"],
    )


def _decode(path: Path, stored: bytes) -> str:
    if not stored.strip():
        raise Refusal(_("the file is empty"), path)
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_text(path, stored, error) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    body = text[1:] if text.startswith(BYTE_ORDER_MARK) else text
    try:
        content = json.loads(body)
    except (RecursionError, ValueError) as error:
        raise not_json(path, body, error) from None
    if not isinstance(content, dict) or not _is_version(content.get("nbformat")):
        raise Refusal(_("this is JSON, but not a notebook: it doesn't say its `nbformat`"), path)
    return content


def _is_version(number: object) -> bool:
    return type(number) is int and number >= 0


def _check_version(path: Path, content: dict[str, Any]) -> None:
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
        raise Refusal(_("nbformat %(version)s isn't supported; only nbformat 4 is", version=version), path)


def _fault(content: dict[str, Any]) -> str:
    """Return why Jupyter can't open a notebook of nbformat 4; empty if it can."""
    if not isinstance(content.get("nbformat_minor", 0), int):
        return _("`nbformat_minor` isn't a number")
    cells = content.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return _("`cells` isn't a list of cells")
    if not isinstance(content.get("metadata"), dict):
        return _("Jupyter can't open it: the notebook has no `metadata`")
    for index, cell in enumerate(cells):
        if not isinstance(cell.get("metadata"), dict):
            return _("Jupyter can't open it: cell %(index)s has no `metadata`", index=index)
        if not _is_readable(cell):
            return _(
                "Jupyter can't open it: kind, source, outputs or attachments of cell %(index)s are malformed",
                index=index,
            )
    return ""


def _is_readable(cell: dict[str, Any]) -> bool:
    """Whether nbformat can make a cell of this, valid or not. What it raises depends on where it stumbles."""
    if not isinstance(cell.get("cell_type", ""), str):
        return False
    named = [cell.get("id"), *(output.get("output_type") for output in _outputs_of(cell))]
    if any(isinstance(name, (list, dict)) for name in named):
        return False
    try:
        nbformat.reader.reads(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))  # type: ignore[no-untyped-call]
    except Exception:
        return False
    return True


def _outputs_of(cell: dict[str, Any]) -> list[dict[str, Any]]:
    outputs = cell.get("outputs")
    return [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
