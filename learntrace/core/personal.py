"""What is held about a user: each room offers its own here when it is ready, so that a new one changes no other.

Pages, export and erasure read this one list, in the order of the rooms from below; erasure goes through it from above.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise

Row = Mapping[str, Any]
Rows = QuerySet[Any, Any]
"""A query of plain values."""


@dataclass(frozen=True)
class Holding:
    """One kind of rows about users.

    `find(user_id)` is a query of plain values (`.values()`), `shape` what is made of a row before anybody sees it.
    `erase(user_id)` deletes them and what hangs on them in the open transaction, and returns how many rows `find` would
    have found; without it they stay, for the reason in `stays`.
    """

    name: str
    title: str | Promise
    find: Callable[[int], Rows]
    erase: Callable[[int], int] | None = None
    stays: str | Promise = ""
    shape: Callable[[Row], Row] = dict
    # Values that fit the cells of a table; others are documents.
    table: bool = False
    # Rows read at a time: few, where each may have megabytes.
    chunk: int = 500
    # Erased before all others: what workers have in hand before they lock its learner. Whoever held the lock already
    # would wait for a worker that waits for the lock.
    first: bool = False
    # `sweep(user_id, erased_at)` deletes what was on its way in while an erasure ran; returns how many rows.
    sweep: Callable[[int, datetime], int] | None = None

    def count(self, user_id: int) -> int:
        return self.find(user_id).count()

    def rows(self, user_id: int) -> Iterator[Row]:
        """All rows in their order, a chunk at a time in memory."""
        return map(self.shape, self.find(user_id).iterator(chunk_size=self.chunk))


_holdings: dict[str, Holding] = {}


def hold(*holdings: Holding) -> None:
    """Offer what a room holds."""
    for holding in holdings:
        _holdings[holding.name] = holding


def holdings() -> list[Holding]:
    """All of it, in the order in which the rooms became ready: from below."""
    return list(_holdings.values())


def to_erase() -> list[Holding]:
    """What can be erased, in the order in which it has to be: what hangs on others before them."""
    erasable = [one for one in reversed(_holdings.values()) if one.erase is not None]
    return sorted(erasable, key=lambda one: not one.first)
