"""The spans of an object's members and a list's elements in a JSON text.

The standard library's decoder skips the values, at its speed and by its rules. It has parsed the whole text before, so
nothing is checked again here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_BLANK = re.compile(r"[ \t\r\n]*")
_value_at = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class Element:
    """An element of a list: text[start:end]."""

    start: int
    end: int
    value: Any


@dataclass(frozen=True)
class Member:
    """A member of an object: its key is text[start:key_end], its value text[value_start:end]."""

    start: int
    key_end: int
    value_start: int
    end: int
    key: str
    value: Any


def skip_blank(text: str, position: int) -> int:
    """Return the first position from there on that isn't whitespace."""
    match = _BLANK.match(text, position)
    return match.end() if match else position


def members_of(text: str, start: int) -> list[Member]:
    """The members of the object whose `{` is at `start`, in their order, doubled keys included."""
    members: list[Member] = []
    position = skip_blank(text, start + 1)
    while text[position] != "}":
        key, key_end = _value_at(text, position)
        value_start = skip_blank(text, skip_blank(text, key_end) + 1)
        value, end = _value_at(text, value_start)
        members.append(Member(position, key_end, value_start, end, key, value))
        position = _next(text, end)
    return members


def elements_of(text: str, start: int) -> list[Element]:
    """Return the elements of the list whose `[` is at `start`."""
    elements: list[Element] = []
    position = skip_blank(text, start + 1)
    while text[position] != "]":
        value, end = _value_at(text, position)
        elements.append(Element(position, end, value))
        position = _next(text, end)
    return elements


def member(members: list[Member], key: str) -> Member | None:
    """Return the member with this key; of duplicates the last, which is the one that JSON readers use."""
    return next((candidate for candidate in reversed(members) if candidate.key == key), None)


def _next(text: str, end: int) -> int:
    position = skip_blank(text, end)
    return skip_blank(text, position + 1) if text[position] == "," else position
