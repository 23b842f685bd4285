"""The ignore rules as a form, with a line for each rule and a field for each of its lists, and back.

A form must not change what the user has not edited: each line carries its rule as it was, and elements that are still
there keep their type, number or string. Values that a field can't show, such as objects, are kept too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.core.http.filters import natural
from learntrace.core.quoting import listed, quoted
from learntrace.learnpack.ignore.rules import FIELDS, can_match

MOST_LINES: Final = 100
"""The most rules that a form takes; with more, it would be refused for its number of fields, so they are edited as JSON."""

TITLES: Final[Mapping[str, str | Promise]] = {
    "user_ids": _("User ids"),
    "learnpack_package_ids": _("Package ids"),
    "package_slugs": _("Package slugs"),
    "asset_ids": _("Asset ids"),
    "events": _("Events"),
}
_IDS = frozenset(FIELDS) - {"package_slugs", "events"}
# A longer number is no bigint, and Python refuses to parse thousands of digits.
_DIGITS = 20


@dataclass(frozen=True)
class Field:
    """A list of a rule: its `name` in the form, its elements as `text`, and those that can never match.

    `kept` counts the elements that a field can't show; `empty` says that the list exists and is empty.
    """

    field: str
    name: str
    title: str | Promise
    text: str
    never: Sequence[str]
    kept: int
    empty: bool


@dataclass(frozen=True)
class Line:
    """A rule, or with `number` None the lists of the older form; `before` is the rule as stored, as JSON."""

    number: int | None
    name: str
    before: str
    fields: tuple[Field, ...]


def lines_of(document: Mapping[str, Any]) -> list[Line]:
    """Return a line for each rule of a checked document."""
    return [_line(number, f"rule-{number}", rule) for number, rule in enumerate(document.get("rules", []))]


def older_form(document: Mapping[str, Any]) -> Line | None:
    """Return the lists at the top level of a document as a line, None where there are none."""
    top = {field: document[field] for field in FIELDS if field in document}
    return _line(None, "top", top) if top else None


def document_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of a posted form. Rules without a field stay, because they may have just been added.

    Raises ValueError for a form that is not ours.
    """
    count = natural(form.get("rules", "0"))
    if count is None or count > MOST_LINES:
        raise ValueError
    rules = [_rule_of(form, f"rule-{number}") for number in range(count)]
    document: dict[str, Any] = {"rules": rules} if rules or form.get("rules-kept") else {}
    return document | _rule_of(form, "top")


def elements_of(field: str, text: str, before: Sequence[Any]) -> list[Any]:
    """Return the elements of a field's text, where the list was `before`."""
    tokens = listed(text)
    if [_shown(token) for token in tokens] == [shown for element in before if (shown := _shown(element)) is not None]:
        return list(before)
    known: dict[str, list[Any]] = {}
    for element in before:
        if (shown := _shown(element)) is not None:
            known.setdefault(shown, []).append(element)
    elements = []
    for token in tokens:
        same = known.get(_shown(token) or "")
        number = natural(token) if field in _IDS and len(token) < _DIGITS else None
        elements.append(same.pop(0) if same else token if number is None else int(token))
    return elements + [element for element in before if _shown(element) is None]


def _rule_of(form: Mapping[str, str], name: str) -> dict[str, Any]:
    before = json.loads(form.get(f"{name}-before") or "{}")
    if not isinstance(before, dict):
        raise ValueError
    rule = {}
    for field in FIELDS:
        was = before.get(field)
        listed = was if isinstance(was, list) else []
        elements = elements_of(field, form.get(f"{name}-{field}", ""), listed)
        # An empty list never matches; without it the rule would match more than before.
        if elements or was == []:
            rule[field] = elements
    return rule


def _line(number: int | None, name: str, rule: Mapping[str, Any]) -> Line:
    return Line(number, name, json.dumps(rule), tuple(_field(field, name, rule) for field in FIELDS))


def _field(field: str, name: str, rule: Mapping[str, Any]) -> Field:
    elements = rule.get(field, [])
    shown = [text for element in elements if (text := _shown(element)) is not None]
    never = [text for element in elements if (text := _shown(element)) is not None and not can_match(field, element)]
    return Field(
        field,
        f"{name}-{field}",
        TITLES[field],
        text=", ".join(shown),
        never=never,
        kept=len(elements) - len(shown),
        empty=field in rule and not elements,
    )


def _shown(element: Any) -> str | None:
    """Return an element as a field shows it: an ambiguous string in quotes; None for what a field can't show."""
    if isinstance(element, int) and not isinstance(element, bool):
        return str(element)
    return quoted(element) if isinstance(element, str) else None
