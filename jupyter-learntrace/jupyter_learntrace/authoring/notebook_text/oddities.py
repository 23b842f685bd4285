"""What in a notebook differs from nbformat, though Jupyter opens it: as it is, or with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import nbformat

from jupyter_learntrace.authoring.language import _

NEWEST_MINOR = 5
_KINDS = ("code", "markdown", "raw")


@dataclass(frozen=True)
class Oddity:
    """A sentence on what differs, and the first cell where it does; None for the notebook itself."""

    text: str
    cell: int | None = None


def oddities(content: dict[str, Any]) -> list[Oddity]:
    """Return what differs in a notebook that can be read: each kind once, with the number of further cells."""
    minor = content.get("nbformat_minor", 0)
    found = [*_of_notebook(content, minor), *_of_cells(content["cells"], minor)]
    rest = fault(_mended(content))
    return [*found, rest] if rest else found


def _of_notebook(content: dict[str, Any], minor: int) -> Iterator[Oddity]:
    if minor > NEWEST_MINOR:
        text = _("this is nbformat 4.%(minor)s, which is newer than 4.5: what isn't known stays as it is", minor=minor)
        yield Oddity(text)
    kernel = content["metadata"].get("kernelspec")
    if isinstance(kernel, dict) and (missing := [key for key in ("name", "display_name") if key not in kernel]):
        yield Oddity(_("`kernelspec` has no `%(key)s`: Jupyter opens it with a warning", key=missing[0]))


def _of_cells(cells: list[dict[str, Any]], minor: int) -> Iterator[Oddity]:
    kinds: tuple[tuple[Callable[[dict[str, Any]], bool], str], ...] = (
        (
            lambda cell: cell.get("cell_type") not in _KINDS,
            _("%(cells)s of a kind that isn't known here, and stays as it is"),
        ),
        (
            lambda cell: "id" in cell and minor < NEWEST_MINOR,
            _(
                "%(cells)s with an id, which came with nbformat 4.5: this is 4.%(minor)s. Jupyter opens it with a warning"
            ),
        ),
        (
            _lacks_a_key,
            _("%(cells)s without `outputs`, `execution_count` or `source`: Jupyter opens it with a warning"),
        ),
        (_has_tag_twice, _("%(cells)s with the same tag twice: Jupyter opens it with a warning")),
        (
            lambda cell: not _is_tag_list(cell["metadata"].get("tags", [])),
            _("%(cells)s with `tags` that aren't a list of texts: Jupyter opens it with a warning"),
        ),
    )
    for is_odd, template in kinds:
        odd = [index for index, cell in enumerate(cells) if is_odd(cell)]
        if odd:
            yield Oddity(template % {"cells": _named(odd), "minor": minor}, odd[0])


def _named(cells: list[int]) -> str:
    if len(cells) == 1:
        return _("cell %(index)s", index=cells[0])
    return _("cell %(index)s and %(more)s more", index=cells[0], more=len(cells) - 1)


def _lacks_a_key(cell: dict[str, Any]) -> bool:
    wanted = ("source", "outputs", "execution_count") if cell.get("cell_type") == "code" else ("source",)
    return cell.get("cell_type") in _KINDS and any(key not in cell for key in wanted)


def _is_tag_list(tags: object) -> bool:
    return isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)


def _has_tag_twice(cell: dict[str, Any]) -> bool:
    tags = cell["metadata"].get("tags")
    return _is_tag_list(tags) and len(set(tags)) < len(tags)


def _mended(content: dict[str, Any]) -> dict[str, Any]:
    """Return a copy without what `oddities` names itself, so that nbformat finds only what else there is."""
    metadata = dict(content["metadata"])
    if isinstance(kernel := metadata.get("kernelspec"), dict):
        metadata["kernelspec"] = {"name": "", "display_name": "", **kernel}
    minor = max(0, min(content.get("nbformat_minor", 0), NEWEST_MINOR))
    cells = [
        _mended_cell(cell, index, minor)
        for index, cell in enumerate(content["cells"])
        if cell.get("cell_type") in _KINDS
    ]
    return {**content, "nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": cells}


def _mended_cell(cell: dict[str, Any], index: int, minor: int) -> dict[str, Any]:
    mended = {"source": "", **cell}
    if cell["cell_type"] == "code":
        mended = {"outputs": [], "execution_count": None, **mended}
    if minor < NEWEST_MINOR:
        mended.pop("id", None)
    elif not isinstance(cell.get("id", ""), str):
        return mended
    else:
        # Missing and doubled ids are accepted: Jupyter gives such cells others.
        mended["id"] = f"cell-{index}"
    tags = cell["metadata"].get("tags", [])
    mended["metadata"] = {**cell["metadata"], "tags": list(dict.fromkeys(tags)) if _is_tag_list(tags) else []}
    return mended


def fault(content: dict[str, Any]) -> Oddity | None:
    """Return the first thing that nbformat's schema doesn't allow; None if there is none."""
    minor = content["nbformat_minor"]
    for index, cell in enumerate(content["cells"]):
        if error := _error(cell, f"{cell['cell_type']}_cell", minor):
            return Oddity(_sentence(_("cell %(index)s", index=index), error), index)
    error = _error(content, None, minor)
    return Oddity(_sentence(_("the notebook"), error)) if error else None


def _error(value: dict[str, Any], reference: str | None, minor: int) -> Exception | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            nbformat.validate(value, reference, 4, minor)
        except Exception as error:
            # Not only ValidationError: nbformat itself fails on some notebooks while it composes its message.
            return error
    return None


def _sentence(place: str, error: Any) -> str:
    """Say what is wrong in words of ours: nbformat quotes its schema."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in getattr(error, "path", ()) or ())
    if path:
        place = f"{place}, `{path.lstrip('.')}`"
    rule, wanted, value = (getattr(error, name, None) for name in ("validator", "validator_value", "instance"))
    if rule == "required" and isinstance(wanted, list) and isinstance(value, dict):
        missing = next((str(key) for key in wanted if key not in value), "?")
        return _("%(place)s: `%(key)s` is missing; Jupyter opens it with a warning", place=place, key=missing)
    if rule == "additionalProperties" and isinstance(value, dict):
        known = getattr(error, "schema", {}).get("properties", {})
        extra = next((str(key) for key in value if key not in known), "?")
        return _(
            "%(place)s: nbformat has no key `%(key)s` here; Jupyter opens it with a warning",
            place=place,
            key=extra[:80],
        )
    return _("%(place)s isn't as nbformat defines it; Jupyter opens it with a warning", place=place)
