"""What a LearnPack payload says of whom and what it is about (contract sections 2 and 3.1).

Clients write ids as numbers or as text, in several places. Nothing here raises, whatever JSON the payload holds, and no
id leaves here that PostgreSQL's bigint could not hold.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from learntrace.registry.languages import is_english

BIGINT = range(-(2**63), 2**63)


def natural_id(value: object) -> int | None:
    """An id where nothing but an int >= 0, or digits with blanks around them, is one (contract section 6)."""
    if isinstance(value, str):
        text = value.strip()
        # isascii, because isdigit alone takes superscripts too, which int() refuses.
        return natural_id(_int(text)) if text.isascii() and text.isdigit() else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value if value in BIGINT else None
    return None


def user_id(value: object) -> int | None:
    """The user that a payload's `user_id` means (contract sections 2 and 6): an int >= 0, or digits; else None."""
    return natural_id(value)


def package_id(payload: Mapping[str, Any]) -> int | None:
    """The payload's `package_id` as the row's `learnpack_package_id` (contract section 2): what int() makes of it."""
    number = _int(payload.get("package_id"))
    return number if number is not None and number in BIGINT else None


def asset_id_raw(payload: Mapping[str, Any]) -> object:
    """What the payload names as its asset or assets, unread; None if nothing (contract 3.1, "Raw value").

    The first that is not null: `asset_id`, `asset_ids`, then the same in `payload.package`, then in `package`. A list
    becomes one text, joined with ",".
    """
    inner = payload.get("payload")
    holders = (payload, inner.get("package") if isinstance(inner, dict) else None, payload.get("package"))
    for holder in holders:
        if isinstance(holder, Mapping):
            for key in ("asset_id", "asset_ids"):
                raw = holder.get(key)
                if raw is not None:
                    return ",".join(map(_text, raw)) if isinstance(raw, list) else raw
    return None


def asset_id_candidates(raw: object) -> list[int]:
    """The asset ids that a raw value of `asset_id_raw` names, in its order (contract 3.1, "Candidates").

    An int is itself; text is split on "," and what is no int is left out. Anything else has none, a list too: it is
    `asset_id_raw` that joins lists.
    """
    if isinstance(raw, str):
        numbers = [_int(part) for part in raw.split(",")]
    elif isinstance(raw, int):
        numbers = [_int(raw)]
    else:
        numbers = []
    return [number for number in numbers if number is not None and number in BIGINT]


def choose_asset(candidates: Iterable[int], assets: Mapping[int, str | None]) -> int | None:
    """The one asset that a payload is about (contract 3.1, "Choice"), None if no candidate exists.

    `assets` maps the ids that exist to their `lang`. English ones come first, then the lowest id.
    """
    existing = [candidate for candidate in candidates if candidate in assets]
    english = [candidate for candidate in existing if is_english(assets[candidate])]
    return min(english or existing, default=None)


def _int(value: object) -> int | None:
    """int(), with None for a bool and for what it refuses: text of 5,000 digits and infinities among it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (OverflowError, ValueError):
        return None


def _text(item: object) -> str:
    """A list's element for joining. Objects and lists hold no id; an int may be too long for Python to write out."""
    try:
        return "" if isinstance(item, dict | list) else str(item)
    except ValueError:
        return ""
