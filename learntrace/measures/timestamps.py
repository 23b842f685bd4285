"""Parse the timestamps of clients into aware UTC datetimes (contract sections 4 and 3.3).

LearnPack writes epoch milliseconds; other clients and older versions write them as text, or ISO 8601.
"""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# 1e11 is March 1973 in milliseconds and the year 5138 in seconds: no client means a time on the other side.
SECONDS_BELOW = 1e11

# `datetime.fromisoformat` accepts more with each Python (24:00, for example): only matching texts reach it.
_TIME = r"(?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?|[0-5]\d(?:[0-5]\d(?:[.,]\d+)?)?)?"
_OFFSET = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
_ISO_8601 = re.compile(rf"(?:\d{{4}}-\d\d-\d\d|\d{{8}})(?:[T ]{_TIME}{_OFFSET}?)?", re.ASCII)


def parse(value: object) -> datetime | None:
    """Return a client's timestamp as an aware datetime in UTC (contract section 4, "parse(ts)").

    A number, or text that reads as one, is epoch milliseconds. Other text is ISO 8601 (a calendar date, with or
    without a time, "T" or a blank between, "Z" or an offset); without an offset it is UTC. Returns None for
    anything else and for times outside a datetime's range. Never raises.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_milliseconds(value)
    if isinstance(value, str):
        number = _number(value)
        return _from_iso(value) if number is None else _from_milliseconds(number)
    return None


def interaction_order(value: object) -> datetime | None:
    """Return the time by which batches are ordered, from `last_interaction_at` (contract 3.3); None sorts as the oldest.

    Only for comparing batches: unlike in `parse`, a number below `SECONDS_BELOW` is epoch seconds, because a client that
    writes seconds would otherwise lose against every batch in milliseconds. Never raises.
    """
    if isinstance(value, str):
        number = _number(value)
        value = value if number is None else number
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < SECONDS_BELOW:
        value *= 1000
    return parse(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _from_milliseconds(milliseconds: float) -> datetime | None:
    # timedelta, not fromtimestamp: it is exact for whole milliseconds and has the same range on every platform.
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):  # outside the years 1 to 9999 or infinite; not a number
        return None


def _from_iso(text: str) -> datetime | None:
    text = text.strip().upper()
    if not _ISO_8601.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):  # outside the years 1 to 9999 by its offset; no such day
        return None
