"""Finding the notebooks of a course: files, folders with all that is below them, and patterns."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import Refusal, Refusals
from .language import _

_SKIPPED = {"node_modules", "__pycache__"}


def find_notebooks(places: Sequence[str], exclude: Sequence[str] = ()) -> list[Path]:
    """The notebooks at these places, each once, in the order in which people count: lesson_2 before lesson_10.

    Below a folder, hidden folders (`.ipynb_checkpoints` among them) are skipped. `exclude` are patterns of names or paths.

    Raises Refusals for a place where no notebook is.
    """
    found: dict[str, Path] = {}
    refusals: list[Refusal] = []
    for place in places:
        notebooks = list(_at(place))
        if not notebooks:
            refusals.append(Refusal(_("there is no notebook"), Path(place)))
        for path in notebooks:
            if not _is_excluded(path, exclude):
                found.setdefault(os.path.realpath(path), path)
    if refusals:
        raise Refusals(refusals)
    return sorted(found.values(), key=counting_order)


def counting_order(path: Path) -> list[list[tuple[int, int, str]]]:
    """A key that sorts paths folder by folder, with numbers in names by their value."""
    return [
        [(1, int(part), "") if part.isdecimal() else (0, 0, part.lower()) for part in re.split(r"(\d+)", name) if part]
        for name in path.parts
    ]


def _at(place: str) -> Iterator[Path]:
    path = Path(place)
    if path.is_dir():
        yield from _below(path)
    elif path.exists() or not glob.has_magic(place):
        if path.exists():
            yield path
    else:
        for name in glob.glob(place, recursive=True):
            if ".ipynb_checkpoints" in Path(name).parts:
                continue
            if os.path.isdir(name):
                yield from _below(Path(name))
            elif name.endswith(".ipynb"):
                yield Path(name)


def _below(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED]
        # A hidden file is nobody's lesson; an editor's or a copy program's leavings begin so.
        yield from (Path(where, name) for name in names if name.endswith(".ipynb") and not name.startswith("."))


def _is_excluded(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(path.as_posix(), pattern) for pattern in patterns)
