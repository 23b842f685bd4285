"""Values as cells of a CSV file that every spreadsheet opens and none runs."""

from datetime import UTC, datetime

import msgspec

# What spreadsheets take for the beginning of a formula, also in full width (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(value: object) -> object:
    """A value as a cell: times in UTC, lists and objects as JSON. A text that a spreadsheet would take for a formula is
    told to be a text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, bool | int | float):
        return value
    text = msgspec.json.encode(value).decode() if isinstance(value, list | dict) else str(value)
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
