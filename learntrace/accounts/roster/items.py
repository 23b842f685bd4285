"""The entries of a roster's lists: values are read by the models' columns, and problems are collected."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from learntrace.accounts.roster.file import Value
from learntrace.accounts.roster.reasons import Reason, of_validation
from learntrace.accounts.roster.reasons import Reason as _

MAX_SHOWN = 50
MAX_RUNS = 8
BIGGEST_ID = 2**53 - 1  # the largest integer that JavaScript holds exactly


class RosterError(Exception):
    """The roster can't be imported; nothing was changed. `problems`: pairs of line (or None) and what to correct.

    As a text, each problem once with all lines that have it: one wrong heading makes a problem of every line below it.
    """

    def __init__(self, name: str, problems: Sequence[tuple[int | str | None, str]]) -> None:
        self.name = name
        self.problems = problems
        by_text: dict[str, list[str]] = {}
        for line, text in problems:
            by_text.setdefault(text, []).append(str(line or ""))
        told = [
            f"{name}:{lines}: {text}" if (lines := in_runs(where)) else f"{name}: {text}"
            for text, where in by_text.items()
        ]
        if further := sum(len(where) for where in list(by_text.values())[MAX_SHOWN:]):
            told[MAX_SHOWN:] = [_("and %(count)s more") % {"count": further}]
        super().__init__("\n".join(told))


def in_runs(lines: Iterable[str]) -> str:
    """Return lines in short: "2-7, 9". Those that aren't numbers, of files of several tables, are named one by one."""
    runs: list[tuple[str, str]] = []
    for line in dict.fromkeys(filter(None, lines)):
        first, last = runs[-1] if runs else ("", "")
        if last.isdecimal() and line.isdecimal() and int(line) == int(last) + 1:
            runs[-1] = (first, line)
        else:
            runs.append((line, line))
    told = [first if first == last else f"{first}-{last}" for first, last in runs]
    return ", ".join([*told[:MAX_RUNS], *(["…"] if len(told) > MAX_RUNS else [])])


@dataclass
class Problems:
    """The problems of a file, collected so that all can be corrected at once."""

    noted: list[tuple[int | None, str]] = field(default_factory=list)

    def add(self, line: int, text: str, /, **values: object) -> None:
        self.noted.append((line, text % values if values else text))

    def leave_lists_out(self) -> None:
        """Leave the names of the lists out, for a file that has none."""
        self.noted = [(line, text.within("") if isinstance(text, Reason) else text) for line, text in self.noted]

    def raise_if_any(self, name: str) -> None:
        """Raise RosterError with the problems in the order of their lines, if there are any."""
        if self.noted:
            raise RosterError(name, sorted(set(self.noted), key=lambda problem: problem[0] or 0))


def same_json(left: object, right: object) -> bool:
    """Whether two JSON values are equal; Python's == would take true for 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


class Item:
    """One entry of a list. Its methods note the problem of an invalid value and go on."""

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
                    child.line,
                    _("%(section)s: unknown key `%(key)s`; known are %(keys)s"),
                    section=section,
                    key=key[:80],
                    keys=", ".join(keys),
                )

    def refuse(self, key: str, text: str, /, *, line: int | None = None, **values: object) -> None:
        """Note a problem of the entry or of one of its keys; `%(key)s` in the text stands for the key."""
        self.refused.add(key)
        if line is None:
            line = self._values[key].line if key in self._values else self.line
        reason = text if isinstance(text, Reason) else Reason(text)
        self._problems.add(line, reason.within(self._section), key=key, **values)

    def given(self, key: str) -> bool:
        return key in self._values

    def value(self, key: str) -> Value | None:
        """Return the key's value; None if it is absent or null."""
        value = self._values.get(key)
        return None if value is None or value.content is None else value

    def id(self) -> int | None:
        """Return the entry's id; None if it has none or an invalid one."""
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
        """Return a text; a number or a word like `no` counts as it is written."""
        value = self.value(key)
        if value is None:
            return None
        if value.written is None:
            self.refuse(key, _("`%(key)s` must be a text"))
        return value.written

    def texts(self, key: str) -> list[Value]:
        """Return a list of texts, as Values whose `written` is the text."""
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value.content, list) or any(element.written is None for element in value.content):
            self.refuse(key, _("`%(key)s` must be a list of texts"))
            return []
        return value.content

    def column(self, column: "models.Field[Any, Any]") -> dict[str, Any]:
        """Return the value for a column, under its name; {} if there is none or it is invalid.

        null counts as a value only if the column is nullable.
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
        elif isinstance(column, models.DateField):
            content = self._day(key, value)
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
        """Parse a date and time; without an offset it is UTC, a date alone is midnight."""
        try:
            if isinstance(value.content, str):
                moment = datetime.fromisoformat(value.content.strip())
                return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        self.refuse(key, _("`%(key)s` must be a date and time such as 2027-01-31T12:00:00Z"))
        return None

    def _day(self, key: str, value: Value) -> date | None:
        try:
            if value.written is not None:
                return date.fromisoformat(value.written.strip())
        except ValueError:
            pass
        self.refuse(key, _("`%(key)s` must be a date such as 2027-01-31"))
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
                key,
                _("`%(key)s` is %(found)s, but must be one of %(choices)s"),
                found=repr(content)[:80],
                choices=", ".join(choices),
            )
            return False
        try:
            column.run_validators(content)
        except ValidationError as error:
            if error.error_list[0].code == "max_length":
                self.refuse(key, _("`%(key)s` is longer than %(limit)s characters"), limit=column.max_length)
            else:
                self.refuse(key, _("`%(key)s`: %(reason)s"), reason=of_validation(error))
            return False
        return True
