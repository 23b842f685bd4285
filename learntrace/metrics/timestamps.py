"""The times that clients write, read into aware UTC datetimes (contract sections 4 and 3.3).

LearnPack writes epoch milliseconds; other clients and older versions write them as text, or ISO 8601.
"""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# As milliseconds 1e11 is March 1973, as seconds the year 5138: no client can mean what lies on the other side.
SECONDS_BELOW = 1e11

# What `datetime.fromisoformat` takes changes from one Python to the next (24:00, for one): this is all that reaches it.
_TIME = r"(?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?|[0-5]\d(?:[0-5]\d(?:[.,]\d+)?)?)?"
_OFFSET = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
_ISO_8601 = re.compile(rf"(?:\d{{4}}-\d\d-\d\d|\d{{8}})(?:[T ]{_TIME}{_OFFSET}?)?", re.ASCII)


def parse(value: object) -> datetime | None:
    """The moment that a client's timestamp names, aware and in UTC (contract section 4, "parse(ts)").

    A number, or text that reads as one, is epoch milliseconds. Other text is ISO 8601 (a calendar date, with or
    without a time, "T" or a blank between, "Z" or an offset); without an offset it is UTC. None for anything else and
    for what no datetime can hold. Never raises.
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
    """Where a batch stands among others, by its `last_interaction_at` (contract 3.3). None sorts as the oldest.

    Only for comparing batches: unlike `parse`, a number below `SECONDS_BELOW` is taken as epoch seconds, because a
    client that writes seconds would otherwise lose against every batch in milliseconds. Never raises.
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
    # timedelta and not fromtimestamp: it is exact for whole milliseconds and has one range on every platform.
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):  # beyond the years 1 to 9999, infinite; not a number
        return None


def _from_iso(text: str) -> datetime | None:
    text = text.strip().upper()
    if not _ISO_8601.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):  # an offset that leads out of the years 1 to 9999; no such day
        return None
