"""Values as cells of a CSV file, safe against formula injection in spreadsheets."""

from datetime import UTC, datetime

import msgspec

# Characters with which spreadsheets let a formula begin, also in full width (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def escape_cell(value: object) -> object:
    """Return a value as a cell: times in UTC, lists and objects as JSON. A text that a spreadsheet would take for a
    formula gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, bool | int | float):
        return value
    text = msgspec.json.encode(value).decode() if isinstance(value, list | dict) else str(value)
    text = text.replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
