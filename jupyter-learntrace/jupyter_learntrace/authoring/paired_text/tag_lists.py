"""Adds a tag to, and removes it from, a list as jupytext writes it: `["a", "b"]`, `[a, b]`, and R's `c("a", "b")`."""

from __future__ import annotations

import re

_ITEM = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,\"'][^,]*")


def items_of(inner: str) -> list[str]:
    """Return the items between the brackets, without their quotes."""
    return [match[0].strip().strip("\"'") for match in _ITEM.finditer(inner)]


def with_item(inner: str, tag: str) -> str:
    """Return what is between the brackets, with a tag at its end."""
    if tag in items_of(inner):
        return inner
    return f'{inner.rstrip()}, "{tag}"' if inner.strip() else f'"{tag}"'


def without_item(inner: str, tag: str) -> str:
    """Return what is between the brackets, without a tag; empty where it was the only one."""
    matches = list(_ITEM.finditer(inner))
    for index, match in enumerate(matches):
        if match[0].strip().strip("\"'") == tag:
            if index + 1 < len(matches):
                return without_item(inner[: match.start()] + inner[matches[index + 1].start() :], tag)
            return without_item(inner[: matches[index - 1].end()] if index else "", tag)
    return inner


def replaced(inner: str, old: str, new: str) -> str:
    """Return what is between the brackets, with a tag in place of another."""
    if new in items_of(inner):
        return without_item(inner, old)
    return _ITEM.sub(lambda match: f'"{new}"' if match[0].strip().strip("\"'") == old else match[0], inner)
