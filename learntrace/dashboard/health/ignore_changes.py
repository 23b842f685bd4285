"""The differences between two sets of ignore rules, as text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from learntrace.core.quoting import quoted
from learntrace.dashboard.health.ignore_form import TITLES
from learntrace.learnpack.ignore.rules import FIELDS


@dataclass(frozen=True)
class Change:
    """A rule that was added or removed; `older` says that it is a list of the older form."""

    added: bool
    older: bool
    text: str


def changes_between(before: Any, after: Any) -> list[Change]:
    """Return what was removed and what was added, rules first; a malformed document is one change."""
    removed = [Change(False, *part) for part in _without(_parts(before), _parts(after))]
    added = [Change(True, *part) for part in _without(_parts(after), _parts(before))]
    return removed + added


_Part = tuple[bool, str]


def _parts(document: Any) -> list[_Part]:
    if not isinstance(document, Mapping):
        return [(False, _value(document))]
    rules = document.get("rules")
    listed = rules if isinstance(rules, list) else []
    parts = [(False, rule_text(rule)) for rule in listed if rule]
    return parts + [(True, rule_text({field: document[field]})) for field in FIELDS if field in document]


def _without(parts: list[_Part], others: list[_Part]) -> list[_Part]:
    """Return the parts that the others lack; equal parts count separately."""
    left = list(others)
    missing = []
    for part in parts:
        if part in left:
            left.remove(part)
        else:
            missing.append(part)
    return missing


def rule_text(rule: Any) -> str:
    """Return a rule as text: `Events: open_step; Package slugs: a, "b, c"`."""
    if not isinstance(rule, Mapping):
        return _value(rule)
    return "; ".join(f"{TITLES[field]}: {_values(rule[field])}" for field in FIELDS if field in rule)


def _values(listed: Any) -> str:
    return ", ".join(map(_value, listed)) if isinstance(listed, list) else _value(listed)


def _value(value: Any) -> str:
    """Return a value as JSON; a string goes without its quotes where it cannot be taken for something else."""
    if isinstance(value, str) and quoted(value) == value and not _is_json(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
