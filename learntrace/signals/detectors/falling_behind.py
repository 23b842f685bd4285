"""Falling behind: a learner has done less of a lesson than nearly all of the class."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple, TypeVar

from learntrace.signals.detectors.base import (
    MEDIUM,
    MOST_EVIDENCE,
    Finding,
    Kind,
    Threshold,
    Thresholds,
    gettext_noop,
)

Learner = TypeVar("Learner")
Done = dict[str, str]
"""The assignments that a learner has done, each with the activity by which it was."""

# What resolves a finding: no single activity, but the comparison with the class.
CAUGHT_UP = "caught_up"

_DAY = timedelta(days=1)


class Transition(NamedTuple):
    """An assignment became done or ceased to be, by the activity `id`. Of several at the same time, done wins."""

    at: datetime
    assignment: str
    done: bool
    id: str = ""


class FallingBehind(Kind):
    """Fewer assignments of a lesson done than the class's 10th percentile, a week or more after its first activity.

    The class is compared once a day, at whole days after that first activity, so that the findings don't depend on when
    they are computed.
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
        """Return the findings of each learner who has any, the oldest first; the last one may be open.

        `begun_at` is the lesson's first activity. A finding's key is the day on which it opened, counted from there.
        """
        done: dict[Learner, Done] = {learner: {} for learner in learners}
        findings: dict[Learner, list[Finding]] = {}
        moves = _in_order(done, transitions)
        position, boundary = 0, None
        for day, at in _boundaries(begun_at, now, int(thresholds["days"])):
            before = position
            while position < len(moves) and moves[position][0].at <= at:
                transition, learner = moves[position]
                _apply(transition, done[learner])
                position += 1
            if boundary is not None and position == before:
                # Nothing has happened: who was behind still is. A clock that is years off makes thousands of such days.
                _go_on(findings, at)
                continue
            boundary = _boundary(day, at, sorted(map(len, done.values())), thresholds["percentile"])
            for learner, own in done.items():
                self._compare(findings.setdefault(learner, []), own, boundary)
        return {learner: of_learner for learner, of_learner in findings.items() if of_learner}

    def _compare(self, findings: list[Finding], own: Done, boundary: "_Boundary") -> None:
        """Compare a learner with the class at one boundary; open, update or resolve the learner's finding."""
        finding = findings[-1] if findings and findings[-1].resolved_at is None else None
        if len(own) >= boundary.limit:
            if finding is not None:
                finding.resolved_at, finding.resolved_by = boundary.at, CAUGHT_UP
            return
        if finding is None:
            finding = Finding(f"day-{boundary.day}", boundary.at, boundary.at, 0, [], self.severity)
            findings.append(finding)
        finding.last_seen_at = boundary.at
        finding.count = max(0, ceil(boundary.median - len(own)))
        finding.evidence = [event_id for event_id in own.values() if event_id][-MOST_EVIDENCE:]
        finding.facts = {"done": len(own), "median": float(boundary.median)}


@dataclass(frozen=True)
class _Boundary:
    """The end of a day: fewer than `limit` assignments done is behind."""

    day: int
    at: datetime
    limit: int
    median: Fraction


def _boundary(day: int, at: datetime, counts: list[int], percentile: float) -> _Boundary:
    """Return the day's limit and median of the class's ascending counts of assignments done."""
    # Counts are whole: fewer than the percentile is fewer than the next whole number.
    return _Boundary(day, at, ceil(percentile_cont(counts, percentile)), percentile_cont(counts, 50))


def percentile_cont(values: list[int], percent: float) -> Fraction:
    """Return the percentile of ascending values, interpolated like PostgreSQL's percentile_cont, but exactly.

    In floating point 0.1 * 70 is a little more than 7, which would put a learner at the limit below it.
    """
    if not values:
        return Fraction(0)
    position = min(Fraction(percent) / 100, Fraction(1)) * (len(values) - 1)
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (position - below) * (values[above] - values[below])


def _boundaries(begun_at: datetime, now: datetime, days: int) -> Iterator[tuple[int, datetime]]:
    """Yield the number and the end of each day from the first on that is compared."""
    # Counted by a difference, which any two times have: a sum may lie after the year 9999.
    for day in range(days, (now - begun_at) // _DAY + 1):
        yield day, begun_at + day * _DAY


def _go_on(findings: Mapping[Learner, list[Finding]], at: datetime) -> None:
    """Extend the open findings to the end of a day."""
    for of_learner in findings.values():
        if of_learner and of_learner[-1].resolved_at is None:
            of_learner[-1].last_seen_at = at


def _in_order(
    done: Mapping[Learner, Any], transitions: Mapping[Learner, Iterable[Transition]]
) -> list[tuple[Transition, Learner]]:
    """Return the class's transitions by time. Learners can't be ordered, and need no order among each other."""
    moves = [(Transition(*move), learner) for learner in done for move in transitions.get(learner, ())]
    return sorted(moves, key=lambda move: move[0])


def _apply(transition: Transition, own: Done) -> None:
    if transition.done:
        own.setdefault(transition.assignment, transition.id)
    else:
        own.pop(transition.assignment, None)
