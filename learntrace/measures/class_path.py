"""A class's path through its assignments: which of them the median learner and the middle half had reached at each time.

A learner has reached an assignment with the first activity on it, or on one after it. Ranks are whole learners (nearest rank):
where the median learner is, somebody is.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import NamedTuple

# Where the line begins: when this share of the learners had begun, so that one who looked in weeks before doesn't stretch it.
_FIRST_SHARE = 0.1
# What a class did before a longer pause is where the line begins: the page is about the lesson that is held now.
PAUSE = timedelta(hours=6)
_STEPS = 24
_PAUSE_SECONDS = PAUSE.total_seconds()
_SPELL = _PAUSE_SECONDS / 2


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


class Way(NamedTuple):
    """A learner's way: the times (seconds since 1970) at which the learner came further than ever before, and how far.

    `spells` tells when the learner was at it: the first and the last of these times in each stretch of half a pause.
    """

    times: Sequence[float]
    places: Sequence[int]
    spells: Mapping[int, tuple[float, float]]


def class_path(first_seen: Sequence[Mapping[str, datetime]], keys: Sequence[str], now: datetime) -> ClassPath | None:
    """Return the path, None where nobody has begun.

    `first_seen` has each learner's first activity by assignment, `keys` are the assignments in their order.
    """
    return path_of_ways([way_of(learner, keys) for learner in first_seen], now)


def path_of_ways(learners: Sequence[Way | None], now: datetime) -> ClassPath | None:
    """Return the path of learners by their ways, None for one who hasn't begun."""
    begun = [way for way in learners if way is not None]
    if not begun:
        return None
    start = min(datetime.fromtimestamp(_start(begun), UTC), now)
    moments = [start + (now - start) * step / _STEPS for step in range(_STEPS)] if start < now else []
    # Most of a class that comes back were as far before the line begins.
    first = min([*moments, now]).timestamp()
    settled = sorted([way.places[-1] for way in begun if way.times[-1] <= first])
    moving = [way for way in begun if way.times[-1] > first]
    return ClassPath([_reached(settled, moving, at) for at in [*moments, now]], len(begun), len(learners))


def way_of(first_seen: Mapping[str, datetime], keys: Sequence[str]) -> Way | None:
    """Return a learner's way through the assignments, None for one who was seen on none of them."""
    places = {key: place for place, key in enumerate(keys, 1)}
    times: list[float] = []
    reached: list[int] = []
    for at, place in sorted((at.timestamp(), places[key]) for key, at in first_seen.items() if key in places):
        if not reached or place > reached[-1]:
            times.append(at)
            reached.append(place)
    spells: dict[int, tuple[float, float]] = {}
    for at in times:
        first, _last = spells.get(spell := int(at // _SPELL), (at, at))
        spells[spell] = (first, at)
    return Way(times, reached, spells) if times else None


def _start(ways: Sequence[Way]) -> float:
    """Return when the first learners began; after a pause of the whole class, when it went on."""
    spells: dict[int, tuple[float, float]] = {}
    for way in ways:
        for number, (first, last) in way.spells.items():
            known = spells.get(number)
            spells[number] = (first, last) if known is None else (min(known[0], first), max(known[1], last))
    ordered = [spells[number] for number in sorted(spells)]
    # A pause is longer than a spell and so never within one.
    after_pause = next(
        (later[0] for earlier, later in reversed(list(pairwise(ordered))) if later[0] - earlier[1] >= _PAUSE_SECONDS),
        ordered[0][0],
    )
    starts = sorted(way.times[0] for way in ways)
    return max(starts[_rank(_FIRST_SHARE, len(starts))], after_pause)


def _reached(settled: Sequence[int], moving: Sequence[Way], at: datetime) -> Reached:
    """Return how far the class was; `settled` are the places of those who didn't move since, in order."""
    moment = at.timestamp()
    reached = sorted([*settled, *(_place(way, moment) for way in moving)])
    lower, median, upper = (reached[_rank(share, len(reached))] for share in (0.25, 0.5, 0.75))
    return Reached(at, lower, median, upper)


def _place(way: Way, moment: float) -> int:
    """Return how many assignments a learner had reached at a moment."""
    index = bisect_right(way.times, moment)
    return way.places[index - 1] if index else 0


def _rank(share: float, count: int) -> int:
    return max(ceil(share * count) - 1, 0)
