"""What differs between two sets of ignore rules, in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from learntrace.core.quoting import quoted
from learntrace.dashboard.ignore_form import TITLES
from learntrace.learnpack.ignore import FIELDS


@dataclass(frozen=True)
class Change:
    """A rule that is there (`added`) or no longer; `older` says that it is a list of the older form."""

    added: bool
    older: bool
    text: str


def changes_between(before: Any, after: Any) -> list[Change]:
    """What has gone and what has come, rules first; what is malformed is told as a whole."""
    gone = [Change(False, *one) for one in _without(_parts(before), _parts(after))]
    come = [Change(True, *one) for one in _without(_parts(after), _parts(before))]
    return gone + come


_Part = tuple[bool, str]


def _parts(document: Any) -> list[_Part]:
    if not isinstance(document, Mapping):
        return [(False, _value(document))]
    rules = document.get("rules")
    listed = rules if isinstance(rules, list) else []
    parts = [(False, told(rule)) for rule in listed if rule]
    return parts + [(True, told({field: document[field]})) for field in FIELDS if field in document]


def _without(parts: list[_Part], others: list[_Part]) -> list[_Part]:
    """The parts that the others lack; of two that are alike each counts."""
    left = list(others)
    found = []
    for part in parts:
        if part in left:
            left.remove(part)
        else:
            found.append(part)
    return found


def told(rule: Any) -> str:
    """A rule in words: `Events: open_step; Package slugs: a, "b, c"`."""
    if not isinstance(rule, Mapping):
        return _value(rule)
    return "; ".join(f"{TITLES[field]}: {_values(rule[field])}" for field in FIELDS if field in rule)


def _values(listed: Any) -> str:
    return ", ".join(map(_value, listed)) if isinstance(listed, list) else _value(listed)


def _value(value: Any) -> str:
    """A value as JSON writes it, a text without its quotes where nothing else could be meant."""
    if isinstance(value, str) and quoted(value) == value and not _means_another(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _means_another(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
