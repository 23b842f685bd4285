"""Order that holds still: rows that a reader has before the eyes keep their places until the reader asks for the new order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.http import HttpRequest

# The header in which static/dashboard/live.js says which rows are shown, and in which order: `name=key,key;name=key`.
ORDER_HEADER = "Learntrace-Order"
# More than any page shows.
_MOST = 500
# How live.js names a row that is over but keeps its place until the reader asks: that counts as moved too.
GONE = "gone-"

Row = TypeVar("Row")


@dataclass(frozen=True)
class Held(Generic[Row]):
    """Rows as they are shown, and how many of them have another place by now."""

    rows: list[Row]
    moved: int = 0


def shown_before(request: HttpRequest, name: str) -> list[str]:
    """Return the keys of the rows that the open page shows of a list, in their order; none for a page that is opened."""
    for part in request.headers.get(ORDER_HEADER, "").split(";"):
        of, _equals, keys = part.partition("=")
        if of.strip() == name:
            return [key for key in keys.split(",") if key][:_MOST]
    return []


def held(
    wanted: Sequence[Row], key: Callable[[Row], str], shown: Sequence[str], everywhere: Sequence[Row] | None = None
) -> Held[Row]:
    """Return the rows of a list with those that are shown where they are, and what is new below them.

    `wanted` are the rows in their present order, `everywhere` those of all pages where `wanted` is one of several: what is
    shown stays on its page.
    """
    if not shown:
        return Held(list(wanted))
    by_key = {key(row): row for row in (wanted if everywhere is None else everywhere)}
    kept = [by_key[one] for one in dict.fromkeys(shown) if one in by_key]
    known = {key(row) for row in kept}
    rows = kept + [row for row in wanted if key(row) not in known]
    if everywhere is not None:
        rows = rows[: max(len(wanted), 1)]
    places = [key(row) for row in wanted]
    moved = sum(place >= len(places) or places[place] != key(row) for place, row in enumerate(rows))
    return Held(rows, moved + sum(one.startswith(GONE) for one in shown))
