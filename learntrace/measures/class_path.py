"""A class's path through its assignments: which of them the median learner and the middle half had reached at each time.

A learner has reached an assignment with the first activity on it, or on one after it. Ranks are whole learners (nearest rank):
where the median learner is, somebody is.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import NamedTuple

# Where the line begins: when this share of the learners had begun, so that one who looked in weeks before doesn't stretch it.
_FIRST_SHARE = 0.1
# What a class did before a longer pause is where the line begins: the page is about the lesson that is held now.
PAUSE = timedelta(hours=6)
_STEPS = 24


class Reached(NamedTuple):
    """How far a class was at a moment: how many assignments, in their order, the learner at each rank had reached."""

    at: datetime
    lower: int
    median: int
    upper: int


@dataclass(frozen=True)
class ClassPath:
    """The path of the learners who have begun, `begun` of `learners`.

    `points` are at equal times since they began, or since the last pause of the whole class; the last one is now.
    """

    points: Sequence[Reached]
    begun: int
    learners: int

    @property
    def now(self) -> Reached:
        return self.points[-1]


def class_path(first_seen: Sequence[Mapping[str, datetime]], keys: Sequence[str], now: datetime) -> ClassPath | None:
    """Return the path, None where nobody has begun.

    `first_seen` has each learner's first activity by assignment, `keys` are the assignments in their order.
    """
    places = {key: place for place, key in enumerate(keys, 1)}
    begun = [way for learner in first_seen if (way := _way(learner, places))]
    if not begun:
        return None
    start = min(_start(begun), now)
    moments = [start + (now - start) * step / _STEPS for step in range(_STEPS)] if start < now else []
    return ClassPath([_reached(begun, at) for at in [*moments, now]], len(begun), len(first_seen))


def _start(ways: Sequence[Sequence[tuple[datetime, int]]]) -> datetime:
    """Return when the first learners began; after a pause of the whole class, when it went on."""
    times = sorted(at for way in ways for at, _place in way)
    after_pause = next(
        (later for earlier, later in reversed(list(pairwise(times))) if later - earlier >= PAUSE), times[0]
    )
    starts = sorted(way[0][0] for way in ways)
    return max(starts[_rank(_FIRST_SHARE, len(starts))], after_pause)


def _way(seen: Mapping[str, datetime], places: Mapping[str, int]) -> list[tuple[datetime, int]]:
    """Return when a learner came further than ever before, and how far."""
    way: list[tuple[datetime, int]] = []
    for at, place in sorted((at, places[key]) for key, at in seen.items() if key in places):
        if not way or place > way[-1][1]:
            way.append((at, place))
    return way


def _reached(ways: Sequence[Sequence[tuple[datetime, int]]], at: datetime) -> Reached:
    reached = sorted(_place(way, at) for way in ways)
    lower, median, upper = (reached[_rank(share, len(reached))] for share in (0.25, 0.5, 0.75))
    return Reached(at, lower, median, upper)


def _place(way: Sequence[tuple[datetime, int]], at: datetime) -> int:
    index = bisect_right(way, at, key=lambda step: step[0])
    return way[index - 1][1] if index else 0


def _rank(share: float, count: int) -> int:
    return max(ceil(share * count) - 1, 0)
