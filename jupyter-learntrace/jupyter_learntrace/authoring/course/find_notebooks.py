"""Finds the notebooks of a course from files, folders (searched recursively) and patterns."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jupyter_learntrace.authoring.errors import Refusal, Refusals
from jupyter_learntrace.authoring.language import _

_SKIPPED = {"node_modules", "__pycache__"}


def find_notebooks(places: Sequence[str], exclude: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks at these places, each once, in natural order: lesson_2 before lesson_10.

    Hidden folders below a folder, such as `.ipynb_checkpoints`, are skipped. `exclude` are patterns of names or paths.
    Raises Refusals for places without a notebook.
    """
    notebooks: dict[str, Path] = {}
    refusals: list[Refusal] = []
    for place in places:
        paths = list(_at(place))
        if not paths:
            refusals.append(Refusal(_("there is no notebook"), Path(place)))
        for path in paths:
            if not _is_excluded(path, exclude):
                notebooks.setdefault(os.path.realpath(path), path)
    if refusals:
        raise Refusals(refusals)
    return sorted(notebooks.values(), key=natural_order)


def natural_order(path: Path) -> list[list[tuple[int, int, str]]]:
    """Return a sort key: folder by folder, with numbers in names compared by value."""
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
        # Hidden files are no lessons but left over from editors or copy programs.
        yield from (Path(where, name) for name in names if name.endswith(".ipynb") and not name.startswith("."))


def _is_excluded(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(path.as_posix(), pattern) for pattern in patterns)
