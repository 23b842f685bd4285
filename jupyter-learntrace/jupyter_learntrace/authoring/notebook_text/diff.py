"""Unified diffs. They apply with `patch`, except where long lines were shortened for reading."""

from __future__ import annotations

import difflib
import re

_LONGEST = 1000
_KEPT = 240


def unified(name: str, before: str, after: str, *, new_name: str | None = None) -> str:
    """Return the diff between two texts, with lines split as git does; empty where they are equal."""
    old, new = _lines(before), _lines(after)
    rows = difflib.unified_diff(old, new, f"a/{name}", f"b/{new_name or name}", n=3)
    return "".join(_row(row) for row in _cut(list(rows)))


def _lines(text: str) -> list[str]:
    # Not splitlines(), which also splits at form feeds and U+2028.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _row(row: str) -> str:
    return row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n"


def _cut(rows: list[str]) -> list[str]:
    """Shorten long lines to what differs from the line that they replace, as a notebook may be a single line."""
    if all(len(row) <= _LONGEST for row in rows):
        return rows
    removed = [row for row in rows if row.startswith("-") and not row.startswith("--- ")]
    added = [row for row in rows if row.startswith("+") and not row.startswith("+++ ")]
    pairs = dict(zip(removed, added)) if len(removed) == len(added) else {}
    pairs.update({new: old for old, new in pairs.items()})
    return [_window(row, pairs.get(row, row)) if len(row) > _LONGEST else row for row in rows]


def _window(row: str, other: str) -> str:
    head = next((at for at, (mine, theirs) in enumerate(zip(row[1:], other[1:]), 1) if mine != theirs), 1)
    tail = next((at for at, (mine, theirs) in enumerate(zip(reversed(row), reversed(other))) if mine != theirs), 0)
    start, end = max(1, head - _KEPT), max(min(len(row), len(row) - tail + _KEPT), head + _KEPT)
    if end - start > 4 * _KEPT:
        end = start + 4 * _KEPT
    left, right = "..." if start > 1 else "", "...\n" if end < len(row) else ""
    return f"{row[0]}{left}{row[start:end]}{right}"
