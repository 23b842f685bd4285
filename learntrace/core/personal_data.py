"""The registry of personal data: each room registers its datasets here, so that a new room changes no other.

Pages, export and erasure read this list. It is in the order of the rooms from the lowest; erasure goes the other way.
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
class PersonalDataset:
    """One kind of rows about users.

    `find(user_id)` returns a query of plain values (`.values()`); `shape` converts a row for output. `erase(user_id)`
    deletes the rows and those that depend on them in the open transaction, and returns how many rows `find` would have
    returned; without it they stay, for the reason in `stays`.
    """

    name: str
    title: str | Promise
    find: Callable[[int], Rows]
    erase: Callable[[int], int] | None = None
    stays: str | Promise = ""
    shape: Callable[[Row], Row] = dict
    # Whether the values fit the cells of a table; otherwise rows are documents.
    table: bool = False
    # How many rows are read at a time: few if a row may have megabytes.
    chunk: int = 500
    # Whether it is erased before all others: rows that workers lock before they lock the learner. An erasure that held the
    # learner's lock already would wait for a worker that waits for that lock.
    first: bool = False
    # `sweep(user_id, erased_at)` deletes rows that were written while an erasure ran, and returns how many.
    sweep: Callable[[int, datetime], int] | None = None

    def count(self, user_id: int) -> int:
        return self.find(user_id).count()

    def rows(self, user_id: int) -> Iterator[Row]:
        """Return all rows in their order, with one chunk at a time in memory."""
        return map(self.shape, self.find(user_id).iterator(chunk_size=self.chunk))


_datasets: dict[str, PersonalDataset] = {}


def register_datasets(*datasets: PersonalDataset) -> None:
    """Register a room's datasets."""
    for dataset in datasets:
        _datasets[dataset.name] = dataset


def registered_datasets() -> list[PersonalDataset]:
    """Return all datasets in the order of the rooms, from the lowest."""
    return list(_datasets.values())


def to_erase() -> list[PersonalDataset]:
    """Return the datasets that can be erased, in the order of erasure: those that depend on others before these."""
    erasable = [dataset for dataset in reversed(_datasets.values()) if dataset.erase is not None]
    return sorted(erasable, key=lambda dataset: not dataset.first)
