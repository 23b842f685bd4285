"""A learner's cells on Class now, and what follows from them as long as they don't change."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from learntrace.measures.learner_state import LearnerState, Standing

Value = TypeVar("Value")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Cell:
    """How a learner stands on an assignment, with the measures of `Progress` that reports sum."""

    standing: Standing
    attempts: int
    errors: int
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    active_seconds: float = 0.0
    error_quotient: float | None = None
    repeated_error_density: float = 0.0

    @property
    def state(self) -> LearnerState:
        return self.standing.state


class LearnerCells(dict[str, Cell]):
    """A learner's cells by assignment. Never changed: one that has changed is another object."""

    __slots__ = ("derived",)

    def __init__(self, *cells: Mapping[str, Cell]) -> None:
        super().__init__(*cells)
        # What was derived, by its name, with what it was derived for.
        self.derived: dict[str, tuple[Hashable, Any]] = {}


@lru_cache(maxsize=256)
def same(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return one object for equal tuples: for thousands of learners, to compare 60 items each time is what takes longest."""
    return items


def derive(cells: Mapping[str, Cell], name: str, asked: Hashable, compute: Callable[[], Value]) -> Value:
    """Return what `compute` makes of the cells and of `asked`, from memory where it was made of the same before."""
    if not isinstance(cells, LearnerCells):
        return compute()
    known = cells.derived.get(name)
    if known is not None and (known[0] is asked or known[0] == asked):
        kept: Value = known[1]
        return kept
    value = compute()
    cells.derived[name] = (asked, value)
    return value
