"""What changes in the texts that are paired with a notebook when its tags change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_learntrace.authoring.notebook_text.change import ChangedNotebook
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document
from jupyter_learntrace.authoring.paired_text.cells import Text
from jupyter_learntrace.authoring.paired_text.markers import Change
from jupyter_learntrace.authoring.paired_text.pairs import Pair, keeps_tags, pairs_of
from jupyter_learntrace.tags import CHECK_PREFIX, PREFIX


@dataclass(frozen=True)
class PairedText:
    """A text and what becomes of it; `missed` are the cells whose tags can't be written there."""

    path: Path
    before: str
    after: str
    missed: tuple[int, ...]


def changed_texts(notebook: ChangedNotebook) -> Iterator[PairedText]:
    """Yield each text that is there and holds tags, with the notebook's changes made in it as far as it can hold them."""
    document = notebook.document
    for pair, stored in _stored(document):
        text = Text(stored, pair.format, pair.path.suffix[1:])
        missed = [
            change.cell
            for change in notebook.changes
            if not text.change(
                document.cells[change.cell].source,
                _equals(document, document.cells[change.cell]),
                Change(change.old, change.new),
            )
        ]
        yield PairedText(pair.path, stored, text.text, tuple(dict.fromkeys(missed)))


def differences(document: Document) -> Iterator[tuple[Path, list[Cell]]]:
    """Yield each text that is there and holds tags, with the tagged cells whose tags it doesn't have."""
    for pair, stored in _stored(document):
        text = Text(stored, pair.format, pair.path.suffix[1:])
        yield pair.path, [cell for cell in document.cells if _lacks(text, document, cell)]


def _lacks(text: Text, document: Document, cell: Cell) -> bool:
    wanted = [tag for tag in cell.tags.tags if tag.startswith((PREFIX, CHECK_PREFIX))]
    if not wanted or cell.kind != "code":
        return False
    there = text.tags(cell.source, _equals(document, cell))
    return there is None or not set(wanted) <= set(there)


def _stored(document: Document) -> Iterator[tuple[Pair, str]]:
    for pair in pairs_of(document):
        try:
            stored = pair.path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if keeps_tags(document, stored):
            yield pair, stored


def _equals(document: Document, cell: Cell) -> tuple[int, int]:
    """Return which a cell is among the code cells with its source, and how many these are."""
    equal: Sequence[int] = [
        other.index for other in document.cells if other.kind == "code" and other.source.split() == cell.source.split()
    ]
    return (equal.index(cell.index) if cell.index in equal else 0), len(equal)
