"""The sums of a class's cells on an assignment, which follow a changed cell without the others being read again."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from learntrace.progress.class_cells.cells import Cell

_Value = TypeVar("_Value", float, datetime)

CellChange = tuple[Cell | None, Cell]
"""A cell before (None where there was none) and now."""


@dataclass(frozen=True, slots=True)
class AssignmentTotals:
    """The sums of the cells of the learners who were seen on an assignment.

    `active_times` and `seen_times` have a value for each learner, in their order.
    """

    learners: int = 0
    done: int = 0
    attempts: int = 0
    errors: int = 0
    active_times: Sequence[float] = ()
    seen_times: Sequence[datetime] = ()

    @property
    def median_active_time(self) -> float | None:
        """The median of the active times, as PostgreSQL's percentile_cont(0.5) tells it."""
        if not (times := self.active_times):
            return None
        lower, upper = times[(len(times) - 1) // 2], times[len(times) // 2]
        return lower + 0.5 * (upper - lower)

    @property
    def last_seen_at(self) -> datetime | None:
        return self.seen_times[-1] if self.seen_times else None

    def changed(self, changes: Collection[CellChange]) -> "AssignmentTotals":
        """Return the totals with these cells in the place of those before."""
        before = [old for old, _new in changes if old is not None]
        after = [new for _old, new in changes]
        return AssignmentTotals(
            self.learners + len(after) - len(before),
            self.done + _done(after) - _done(before),
            self.attempts + sum(cell.attempts for cell in after) - sum(cell.attempts for cell in before),
            self.errors + sum(cell.errors for cell in after) - sum(cell.errors for cell in before),
            _replaced(self.active_times, _active(before), _active(after)),
            _replaced(self.seen_times, _seen(before), _seen(after)),
        )


NO_TOTALS = AssignmentTotals()


def totals_of(cells: Iterable[Cell]) -> AssignmentTotals:
    """Return the sums of these cells, which are of one assignment."""
    return NO_TOTALS.changed([(None, cell) for cell in cells])


def _done(cells: Iterable[Cell]) -> int:
    return sum(cell.standing.done_at is not None for cell in cells)


def _active(cells: Iterable[Cell]) -> list[float]:
    return [cell.active_seconds for cell in cells]


def _seen(cells: Iterable[Cell]) -> list[datetime]:
    return [cell.last_seen_at for cell in cells if cell.last_seen_at is not None]


def _replaced(values: Sequence[_Value], before: Iterable[_Value], after: Iterable[_Value]) -> list[_Value]:
    """Return sorted values without some that were before, and with others."""
    changed = list(values)
    for value in before:
        del changed[bisect_left(changed, value)]
    changed.extend(after)
    changed.sort()
    return changed
