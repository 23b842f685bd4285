"""Values of a roster file with their lines, whatever the format of the file."""

import math
from dataclasses import dataclass
from typing import Any

from learntrace.accounts.roster.reasons import Reason as _

_INT64 = range(-(2**63), 2**63)


class LineOf(int):
    """A line of one of several files, told with the file's name."""

    file: str

    def __new__(cls, line: int, file: str) -> "LineOf":
        number = super().__new__(cls, line)
        number.file = file
        return number

    def __str__(self) -> str:
        return f"{self.file}:{int(self)}"

    def __format__(self, spec: str) -> str:
        return str(self)


class RosterFileError(ValueError):
    """The file can't be parsed; `line` is None for a problem of the whole file."""

    def __init__(self, line: int | None, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the file: its line, its content, and for numbers and texts its form in the file.

    `content` is None, bool, int, float, str, a list of Values or a dict of Values. A list's elements and a dict's
    values have the line of their element or key. `written` allows a text field to take an unquoted `0012` literally.
    """

    line: int
    content: bool | int | float | str | list["Value"] | dict[str, "Value"] | None
    written: str | None = None

    def plain(self) -> Any:
        """Return the value without lines, as plain JSON."""
        if isinstance(self.content, list):
            return [value.plain() for value in self.content]
        if isinstance(self.content, dict):
            return {key: value.plain() for key, value in self.content.items()}
        return self.content


def scalar(line: int, content: bool | int | float | str, written: str) -> Value:
    """Return a value that PostgreSQL can hold; a number beyond 64 bits becomes its written text (a key, for example)."""
    if isinstance(content, float) and not math.isfinite(content):
        raise RosterFileError(line, _("%(number)s is not a number that can be stored") % {"number": written})
    if isinstance(content, int) and content not in _INT64:
        content = written
    if "\0" in written or any("\ud800" <= character <= "\udfff" for character in written):
        raise RosterFileError(line, _("the text holds a character that can't be stored (NUL or half a surrogate pair)"))
    return Value(line, content, written)
