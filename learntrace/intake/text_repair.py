"""Clients' texts with characters that PostgreSQL can't store: NUL, and halves of surrogate pairs.

A text that was cut within an emoji would otherwise have its whole document refused, and every later one that repeats it.
In texts such characters are replaced by U+FFFD, and where is told, for the row. Keys and ids stay strict: two that differ
must not become one.
"""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from learntrace.core.json import JSONProblem, decode, place_of, refuse_unstorable, whole

IsId = Callable[[str], bool]
"""Whether a value with this key is an id; in a list, the list's key counts."""

REPLACEMENT: Final = "\ufffd"
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
# A document that holds none of these, escaped or as bytes, has nothing to replace.
_SIGNS: Final = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
# Of how many places it is told where they are, and how long each may be.
MOST_PLACES: Final = 20
_LONGEST_PLACE: Final = 200


@dataclass(frozen=True)
class Repaired:
    """A document that can be stored, and the places at which characters were replaced: $.steps[3].tests[0].stdout."""

    document: Any
    places: tuple[str, ...] = ()


def decode_repaired(body: bytes, is_id: IsId) -> Repaired:
    """Decode one JSON document as `core.json.decode` does, and replace in its texts what can't be stored.

    Raises JSONProblem, TooManyValues.
    """
    try:
        return Repaired(decode(body))
    except JSONProblem:
        if not _SIGNS.search(body):
            raise
        try:
            # Halves that an older client encoded as bytes of their own pass too.
            document = json.loads(body.decode("utf-8", "surrogatepass"), parse_int=whole)
        except (ValueError, RecursionError):
            document = None
        if document is None:
            raise
    found = _unstorable(document, is_id)
    for holder, key, _keys in found:
        holder[key] = _UNSTORABLE.sub(REPLACEMENT, holder[key])
    refuse_unstorable(document)
    return Repaired(document, _told(found))


def repair(document: Any, is_id: IsId) -> Repaired:
    """Replace in a decoded document's texts what can't be stored; the document itself stays as it is."""
    found = _unstorable(document, is_id)
    if not found:
        return Repaired(document)
    # Only what leads to such a text is copied.
    root = copy.copy(document)
    copies = {id(document): root}
    for _holder, _key, keys in found:
        *path, last = _path(keys)
        old, new = document, root
        for key in path:
            old = old[key]
            if id(old) not in copies:
                copies[id(old)] = new[key] = copy.copy(old)
            new = copies[id(old)]
        new[last] = _UNSTORABLE.sub(REPLACEMENT, new[last])
    return Repaired(root, _told(found))


_Keys = tuple[Any, Any] | None
"""The keys that lead to a value, as a chain from the last one to the first: they are written out where needed only."""
_Found = list[tuple[Any, Any, _Keys]]
"""Texts to repair: what holds each, its key there, and the keys that lead to it."""


def _unstorable(document: Any, is_id: IsId) -> _Found:
    """Return the texts to repair."""
    found: _Found = []
    waiting: list[tuple[Any, _Keys, bool]] = [(document, None, False)]
    while waiting:
        holder, keys, strict = waiting.pop()
        if isinstance(holder, dict):
            children = [(key, child, is_id(key)) for key, child in holder.items()]
        elif isinstance(holder, list):
            children = [(index, child, strict) for index, child in enumerate(holder)]
        else:
            continue
        inner = []
        for key, child, child_strict in children:
            if isinstance(child, str):
                if not child_strict and ("\0" in child or not child.isascii()) and _UNSTORABLE.search(child):
                    found.append((holder, key, (keys, key)))
            elif isinstance(child, dict | list):
                inner.append((child, (keys, key), child_strict))
        # The first one is looked at next: places come about as they stand in the document.
        waiting += reversed(inner)
    return found


def _told(found: _Found) -> tuple[str, ...]:
    return tuple(place_of(_path(keys))[:_LONGEST_PLACE] for _holder, _key, keys in found[:MOST_PLACES])


def _path(keys: _Keys) -> list[Any]:
    path: list[Any] = []
    while keys is not None:
        keys, key = keys
        path.append(key)
    return path[::-1]
