"""A learner has done less of a lesson than nearly all of the class."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple, TypeVar

from learntrace.signals.detection import (
    MEDIUM,
    MOST_EVIDENCE,
    Finding,
    Kind,
    Threshold,
    Thresholds,
    gettext_noop,
)

Learner = TypeVar("Learner")

# What a finding says that it was resolved by: no single activity, but the comparison with the class.
CAUGHT_UP = "caught_up"

_DAY = timedelta(days=1)


class Transition(NamedTuple):
    """An assignment became done or ceased to be; `id` is the activity by which it did. Of several on one assignment at
    the same time, done wins."""

    at: datetime
    assignment: str
    done: bool
    id: str = ""


class FallingBehind(Kind):
    """Fewer assignments of a lesson done than the class's 10th percentile, a week or more after its first activity.

    It is looked at once a day, at whole days after that first activity, so that it comes to the same whenever it is
    computed.
    """

    kind = "falling_behind"
    name = gettext_noop("Falling behind")
    sentence = gettext_noop(
        "%(learner)s is falling behind in %(assignment)s: %(done)s done, %(count)s fewer than the median of the class"
    )
    severity = MEDIUM
    thresholds = {
        "percentile": Threshold(
            10, 0, gettext_noop("percentile of the class below which a learner is behind"), whole=False
        ),
        "days": Threshold(7, 1, gettext_noop("days after the lesson's first activity")),
    }

    def findings(
        self,
        learners: Iterable[Learner],
        transitions: Mapping[Learner, Iterable[Transition]],
        begun_at: datetime,
        now: datetime,
        thresholds: Thresholds,
    ) -> dict[Learner, list[Finding]]:
        """The findings of each learner of the class who has any, the oldest first, of which the last may be open.

        `begun_at` is the lesson's first activity. A finding's key is the day on which it opened, counted from there.
        """
        done: dict[Learner, dict[str, str]] = {learner: {} for learner in learners}
        found: dict[Learner, list[Finding]] = {}
        moves = _in_order(done, transitions)
        position, limit, median = 0, None, Fraction(0)
        for day, boundary in _boundaries(begun_at, now, int(thresholds["days"])):
            before = position
            while position < len(moves) and moves[position][0].at <= boundary:
                _move(done[moves[position][1]], moves[position][0])
                position += 1
            if limit is not None and position == before:
                # Nothing has happened: who was behind still is. Of a clock that is years off there are thousands such days.
                _go_on(found, boundary)
                continue
            counts = sorted(map(len, done.values()))
            # Counts are whole: fewer than the percentile is fewer than the next whole number.
            limit = ceil(percentile_cont(counts, thresholds["percentile"]))
            median = percentile_cont(counts, 50)
            for learner, own in done.items():
                self._look(found, learner, own, limit, median, day, boundary)
        return found

    def _look(
        self,
        found: dict[Learner, list[Finding]],
        learner: Learner,
        own: dict[str, str],
        limit: int,
        median: Fraction,
        day: int,
        boundary: datetime,
    ) -> None:
        """A learner at one boundary."""
        earlier = found.get(learner)
        finding = earlier[-1] if earlier and earlier[-1].resolved_at is None else None
        if len(own) >= limit:
            if finding is not None:
                finding.resolved_at, finding.resolved_by = boundary, CAUGHT_UP
            return
        if finding is None:
            finding = Finding(f"day-{day}", boundary, boundary, 0, [], self.severity)
            found.setdefault(learner, []).append(finding)
        finding.last_seen_at = boundary
        finding.count = max(0, ceil(median - len(own)))
        finding.evidence = [event_id for event_id in own.values() if event_id][-MOST_EVIDENCE:]
        finding.facts = {"done": len(own), "median": float(median)}


def percentile_cont(values: list[int], percent: float) -> Fraction:
    """The percentile of ascending values, interpolated between the two next to it as PostgreSQL's percentile_cont does,
    but exactly: 0.1 * 70 is a little more than 7 in floating point, and would put whoever is at the limit below it."""
    if not values:
        return Fraction(0)
    place = min(Fraction(percent) / 100, Fraction(1)) * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def _boundaries(begun_at: datetime, now: datetime, days: int) -> Iterator[tuple[int, datetime]]:
    day = days
    while begun_at + day * _DAY <= now:
        yield day, begun_at + day * _DAY
        day += 1


def _go_on(found: Mapping[Learner, list[Finding]], boundary: datetime) -> None:
    for findings in found.values():
        if findings[-1].resolved_at is None:
            findings[-1].last_seen_at = boundary


def _in_order(
    done: Mapping[Learner, Any], transitions: Mapping[Learner, Iterable[Transition]]
) -> list[tuple[Transition, Learner]]:
    """What happened in the class, in time. Learners have no order of their own, and none is needed between them."""
    moves = [(Transition(*move), learner) for learner in done for move in transitions.get(learner, ())]
    return sorted(moves, key=lambda move: move[0])


def _move(own: dict[str, str], move: Transition) -> None:
    if move.done:
        own.setdefault(move.assignment, move.id)
    else:
        own.pop(move.assignment, None)
