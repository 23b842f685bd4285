"""Reading the ids in a LearnPack payload (contract, sections 2 and 3.1).

Clients write ids as numbers or as text, in several places. Nothing here raises, whatever JSON the payload holds, and
every id that is returned fits PostgreSQL's bigint.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from learntrace.registry.languages import is_english

BIGINT = range(-(2**63), 2**63)


def natural_id(value: object) -> int | None:
    """Return an id that is an int >= 0, or text of digits with blanks around them; else None (contract, section 6)."""
    if isinstance(value, str):
        text = value.strip()
        # isascii, because isdigit alone takes superscripts too, which int() refuses.
        return natural_id(_int(text)) if text.isascii() and text.isdigit() else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value if value in BIGINT else None
    return None


def bigint(value: object) -> int | None:
    """Return int(value), None where int() refuses the value or PostgreSQL's bigint can't hold the result."""
    number = _int(value)
    return number if number is not None and number in BIGINT else None


def package_id(payload: Mapping[str, Any]) -> int | None:
    """Return the payload's `package_id` as the row's `learnpack_package_id` (contract, section 2)."""
    return bigint(payload.get("package_id"))


def asset_id_raw(payload: Mapping[str, Any]) -> object:
    """Return the value by which the payload names its asset or assets, None without one (contract, 3.1, "Raw value").

    The first that is not null: `asset_id`, `asset_ids`, then the same in `payload.package`, then in `package`. A list
    becomes one text, joined with ",".
    """
    inner = payload.get("payload")
    holders = (payload, inner.get("package") if isinstance(inner, dict) else None, payload.get("package"))
    for holder in holders:
        if isinstance(holder, dict):
            for key in ("asset_id", "asset_ids"):
                raw = holder.get(key)
                if raw is not None:
                    return ",".join(map(as_text, raw)) if isinstance(raw, list) else raw
    return None


def asset_id_candidates(raw: object) -> list[int]:
    """Return the asset ids in a raw value of `asset_id_raw`, in its order (contract, 3.1, "Candidates").

    Text is split on ","; parts that are no int are left out. A value that is neither an int nor text has no candidates,
    not even a list: `asset_id_raw` has joined lists before.
    """
    if isinstance(raw, str):
        numbers = [bigint(part) for part in raw.split(",")]
    elif isinstance(raw, int):
        numbers = [bigint(raw)]
    else:
        numbers = []
    return [number for number in numbers if number is not None]


def choose_asset(candidates: Iterable[int], assets: Mapping[int, str | None]) -> int | None:
    """Return the one asset that a payload is about (contract, 3.1, "Choice"), None if no candidate exists.

    `assets` maps the ids that exist to their `lang`. English ones come first, then the lowest id.
    """
    existing = [candidate for candidate in candidates if candidate in assets]
    english = [candidate for candidate in existing if is_english(assets[candidate])]
    return min(english or existing, default=None)


def as_text(value: object) -> str:
    """Return a value as text, "" for an object, a list, and an int with more digits than Python writes out."""
    try:
        return "" if isinstance(value, dict | list) else str(value)
    except ValueError:
        return ""


def _int(value: object) -> int | None:
    """Return int(value), None for a bool and for what int() refuses: text of 5,000 digits and infinities among it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (OverflowError, ValueError):
        return None
