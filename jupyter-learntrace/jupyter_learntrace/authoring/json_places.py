"""Where things stand in a JSON text: the spans of an object's members and a list's elements.

Values are skipped by the standard library's own decoder, at its speed and by its rules. The text is one that it has taken
as a whole before: nothing is checked again here.
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
    """A list's element: text[start:end]."""

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
    """The first position from there on that is no blank."""
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
    """The elements of the list whose `[` is at `start`."""
    elements: list[Element] = []
    position = skip_blank(text, start + 1)
    while text[position] != "]":
        value, end = _value_at(text, position)
        elements.append(Element(position, end, value))
        position = _next(text, end)
    return elements


def member(members: list[Member], key: str) -> Member | None:
    """The member with this key; of several the last, which is the one that every reader takes."""
    return next((one for one in reversed(members) if one.key == key), None)


def _next(text: str, end: int) -> int:
    position = skip_blank(text, end)
    return skip_blank(text, position + 1) if text[position] == "," else position
