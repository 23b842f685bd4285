"""The findings of `check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ERROR, HINT = "error", "hint"


@dataclass(frozen=True)
class Finding:
    """A finding: its rule, its severity (ERROR, HINT), its location (cells from 0, lines from 1), and a sentence.

    tag: the tag concerned, as written; replacement: what `--fix` writes in its place, None where the author has to decide.
    """

    rule: str
    severity: str
    path: Path
    text: str
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None
    column: int | None = None
    tag: str | None = None
    replacement: str | None = None
