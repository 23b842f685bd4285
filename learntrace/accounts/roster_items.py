"""The entries of a roster's lists, read by the columns of the models that they are for; what is wrong is collected."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from learntrace.accounts.roster_file import Value

MOST_TOLD = 50
BIGGEST_ID = 2**53 - 1  # what a browser's numbers hold


class RosterError(Exception):
    """The roster can't be imported; nothing was changed. `problems` are (line or None, what to correct)."""

    def __init__(self, name: str, problems: list[tuple[int | None, str]]) -> None:
        self.name = name
        self.problems = problems
        told = [f"{name}:{line}: {text}" if line else f"{name}: {text}" for line, text in problems[:MOST_TOLD]]
        if (further := len(problems) - MOST_TOLD) > 0:
            told.append(_("and %(count)s more") % {"count": further})
        super().__init__("\n".join(told))


@dataclass
class Problems:
    """What is wrong with a file, gathered so that it can be corrected in one go."""

    found: list[tuple[int | None, str]] = field(default_factory=list)

    def add(self, line: int, text: str, /, **values: object) -> None:
        self.found.append((line, text % values if values else text))

    def raise_if_any(self, name: str) -> None:
        """Raise RosterError, in the order of the lines, if something is wrong."""
        if self.found:
            raise RosterError(name, sorted(set(self.found), key=lambda problem: problem[0] or 0))


def same_json(one: object, other: object) -> bool:
    """Tell whether two JSON values are the same; for Python's == alone, true would be 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


class Item:
    """One entry of a list. A method that finds a value unfit notes the problem and goes on."""

    def __init__(self, section: str, value: Value, keys: Collection[str], problems: Problems) -> None:
        self.line = value.line
        self._section = section
        self._problems = problems
        self.refused: set[str] = set()
        self._values: dict[str, Value] = {}
        if not isinstance(value.content, dict):
            self.refuse("", _("an entry must be a mapping of %(keys)s"), keys=", ".join(keys))
            self.refused.update(keys)
            return
        for key, child in value.content.items():
            if key in keys:
                self._values[key] = child
            else:
                problems.add(
                    child.line, _("%(section)s: unknown key `%(key)s`; known are %(keys)s"),
                    section=section, key=key[:80], keys=", ".join(keys),
                )  # fmt: skip

    def refuse(self, key: str, text: str, /, *, line: int | None = None, **values: object) -> None:
        """Note what is wrong with the entry, or with one key of it, which `%(key)s` in the text stands for."""
        self.refused.add(key)
        if line is None:
            line = self._values[key].line if key in self._values else self.line
        self._problems.add(line, f"{self._section}: {text}", key=key, **values)

    def given(self, key: str) -> bool:
        return key in self._values

    def value(self, key: str) -> Value | None:
        """What the key leads to; None if it is absent or null."""
        value = self._values.get(key)
        return None if value is None or value.content is None else value

    def id(self) -> int | None:
        """The entry's given id."""
        value = self.value("id")
        if value is None:
            return None
        if not isinstance(value.content, int) or isinstance(value.content, bool):
            self.refuse("id", _("`id` must be a whole number"))
        elif not 1 <= value.content <= BIGGEST_ID:
            self.refuse("id", _("`id` must be a number from 1 to %(biggest)s"), biggest=BIGGEST_ID)
        else:
            return value.content
        return None

    def text(self, key: str) -> str | None:
        """A text; a number or a word like `no` is taken as it is written."""
        value = self.value(key)
        if value is None:
            return None
        if value.written is None:
            self.refuse(key, _("`%(key)s` must be a text"))
        return value.written

    def texts(self, key: str) -> list[Value]:
        """A list of texts, as Values whose `written` is the text."""
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value.content, list) or any(element.written is None for element in value.content):
            self.refuse(key, _("`%(key)s` must be a list of texts"))
            return []
        return value.content

    def column(self, column: "models.Field[Any, Any]") -> dict[str, Any]:
        """The value for a column, under its name; {} if there is none or it is unfit.

        null is a value only where the column takes it.
        """
        key = column.name
        if key not in self._values:
            return {}
        value = self._values[key]
        if value.content is None:
            return {key: None} if column.null else {}
        if isinstance(column, models.JSONField):
            return {key: value.plain()}
        content: object
        if isinstance(column, models.BooleanField):
            content = self._flag(key, value)
        elif isinstance(column, models.IntegerField):
            content = self._number(key, value)
        elif isinstance(column, models.DateTimeField):
            content = self._moment(key, value)
        else:
            content = self._checked_text(key, column)
        if content is None or not self._fits(key, content, column):
            return {}
        return {key: content}

    def _flag(self, key: str, value: Value) -> bool | None:
        if isinstance(value.content, bool):
            return value.content
        self.refuse(key, _("`%(key)s` must be true or false"))
        return None

    def _number(self, key: str, value: Value) -> int | None:
        if isinstance(value.content, int) and not isinstance(value.content, bool):
            return value.content
        self.refuse(key, _("`%(key)s` must be a whole number"))
        return None

    def _moment(self, key: str, value: Value) -> datetime | None:
        """A date and time; without an offset it is UTC, a date alone is its first moment."""
        try:
            if isinstance(value.content, str):
                moment = datetime.fromisoformat(value.content.strip())
                return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        self.refuse(key, _("`%(key)s` must be a date and time such as 2027-01-31T12:00:00Z"))
        return None

    def _checked_text(self, key: str, column: "models.Field[Any, Any]") -> str | None:
        text = self.text(key)
        if text is not None and not text.strip() and not column.blank:
            self.refuse(key, _("`%(key)s` must not be empty"))
            return None
        return text

    def _fits(self, key: str, content: object, column: "models.Field[Any, Any]") -> bool:
        choices = [str(choice) for choice, _name in column.flatchoices]
        if choices and content not in choices and not (content == "" and column.blank):
            self.refuse(
                key, _("`%(key)s` is %(found)s, but must be one of %(choices)s"),
                found=repr(content)[:80], choices=", ".join(choices),
            )  # fmt: skip
            return False
        try:
            column.run_validators(content)
        except ValidationError as error:
            self.refuse(key, _("`%(key)s`: %(reason)s"), reason=" ".join(error.messages))
            return False
        return True
