"""falling_behind and frustration, which don't step over activities."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.signals.detectors import FALLING_BEHIND, FRUSTRATION
from learntrace.signals.detectors.falling_behind import Transition, percentile_cont
from tests.support.sequences import START

DAY = timedelta(days=1)


def done(day: float, assignment: str = "ex-1", is_done: bool = True) -> Transition:
    return Transition(START + day * DAY, assignment, is_done, f"{assignment}@{day}")


def found(
    transitions: Mapping[Any, list[Transition]], *, day: float, learners: list[Any] | None = None, **thresholds: float
) -> Any:
    return FALLING_BEHIND.findings(
        learners if learners is not None else list(transitions),
        transitions,
        START,
        START + day * DAY,
        {**FALLING_BEHIND.defaults(), **thresholds},
    )


ALL_BUT_EVE: dict[str, list[Transition]] = {"ada": [done(1)], "bob": [done(2)], "cyd": [done(3)], "eve": []}


def test_who_has_done_less_than_nearly_all_is_behind_after_a_week() -> None:
    ((finding,),) = found(ALL_BUT_EVE, day=9.5).values()
    assert found(ALL_BUT_EVE, day=9.5).keys() == {"eve"}
    assert (finding.key, finding.opened_at, finding.last_seen_at) == ("day-7", START + 7 * DAY, START + 9 * DAY)
    assert (finding.count, finding.facts, finding.resolved_at) == (1, {"done": 0, "median": 1.0}, None)
    told = FALLING_BEHIND.sentence_in(str, learner="Eve", count=finding.count, assignment="Loops", **finding.facts)
    assert told == "Eve is falling behind in Loops: 0 done, 1 fewer than the median of the class"


def test_where_more_than_a_tenth_has_done_nothing_nobody_is_below() -> None:
    assert found({**ALL_BUT_EVE, "fay": []}, day=9) == {}


def test_before_the_week_is_over_nobody_is() -> None:
    assert found(ALL_BUT_EVE, day=6.99) == {}
    assert found(ALL_BUT_EVE, day=7).keys() == {"eve"}
    assert found(ALL_BUT_EVE, day=7, days=8) == {}


def test_catching_up_resolves_it_at_the_next_boundary_and_falling_back_is_another_finding() -> None:
    moves = {**ALL_BUT_EVE, "eve": [done(8.5), done(10.5, is_done=False)]}
    (first, second) = found(moves, day=11)["eve"]
    assert (first.key, first.last_seen_at) == ("day-7", START + 8 * DAY)
    assert (first.resolved_at, first.resolved_by) == (START + 9 * DAY, "caught_up")
    assert (second.key, second.resolved_at) == ("day-11", None)


def test_what_happens_at_the_boundary_itself_counts() -> None:
    assert found({**ALL_BUT_EVE, "eve": [done(7)]}, day=7) == {}


def test_the_evidence_is_what_the_learner_has_done() -> None:
    others = {str(number): [done(1, "ex-1"), done(2, "ex-2"), done(3, "ex-3")] for number in range(4)}
    ((finding,),) = found(
        {**others, "eve": [done(5, "ex-2"), done(5.5, "ex-2"), done(6, "ex-1"), done(6.5, "ex-1", False)]}, day=7
    ).values()
    assert (finding.count, finding.evidence) == (2, ["ex-2@5"])


def test_done_twice_counts_once() -> None:
    moves = {"ada": [done(1), done(2, "ex-2")], "bob": [done(1), done(2, "ex-2")], "eve": [done(1), done(2), done(3)]}
    assert found(moves, day=7).keys() == {"eve"}


def test_a_class_of_one_a_class_of_none_and_a_class_of_equals() -> None:
    assert found({"ada": []}, day=30) == {}
    assert found({}, day=30) == {}
    assert found({name: [done(1)] for name in "abcdef"}, day=30) == {}


def test_who_does_not_belong_to_the_class_does_not_count() -> None:
    moves = {**ALL_BUT_EVE, "guest": [done(1, f"ex-{number}") for number in range(9)]}
    assert found(moves, day=7, learners=["eve"]) == {}
    assert found(moves, day=7, learners=["ada", "ada", "bob", "newcomer"]).keys() == {"newcomer"}


def test_a_learner_at_the_percentile_itself_is_not_below_it() -> None:
    """0.1 * 70 is more than 7 in floating point."""
    assert percentile_cont([0] * 7 + [1] * 64, 10) == 1
    moves = {
        number: [] if number < 7 else [done(1)] if number == 7 else [done(1), done(2, "ex-2")] for number in range(71)
    }
    assert found(moves, day=7).keys() == set(range(7))


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([3], 10, 3),
        ([0, 10], 10, 1),
        ([0, 10], 50, 5),
        ([1, 2, 4], 50, 2),
        ([1, 2, 4], 75, 3),
        ([1, 2], 100, 2),
        ([], 10, 0),
    ],
)
def test_percentiles_lie_between_their_neighbours(values: list[int], percent: int, expected: int) -> None:
    assert percentile_cont(values, percent) == expected


MOVES = st.lists(
    st.builds(
        done, st.sampled_from([0, 1, 6.5, 7, 7.5, 8, 9, 10.5]), st.sampled_from(["ex-1", "ex-2", "ex-3"]), st.booleans()
    ),
    max_size=8,
)
CLASSES = st.dictionaries(st.integers(0, 30), MOVES, max_size=14)


def slow_findings(transitions: Mapping[Any, list[Transition]], last_day: int, percentile: int) -> dict[Any, Any]:
    """Every learner at every boundary by itself, from everything that happened."""

    def count(learner: int, boundary: datetime) -> int:
        total = 0
        for assignment in ("ex-1", "ex-2", "ex-3"):
            own = [move for move in transitions[learner] if move.assignment == assignment and move.at <= boundary]
            latest = max((move.at for move in own), default=None)
            total += any(move.done for move in own if move.at == latest)
        return total

    result = {}
    for learner in transitions:
        behind = {}
        for day in range(7, last_day + 1):
            counts = sorted(count(other, START + day * DAY) for other in transitions)
            # In whole numbers: a hundred times the interpolated value.
            whole, rest = divmod(percentile * (len(counts) - 1), 100)
            following = counts[min(whole + 1, len(counts) - 1)]
            limit = counts[whole] * 100 + rest * (following - counts[whole])
            middle = counts[(len(counts) - 1) // 2] + counts[len(counts) // 2]
            own = count(learner, START + day * DAY)
            if own * 100 < limit:
                behind[day] = max(0, -((2 * own - middle) // 2))
        rows = []
        for day in range(7, last_day + 1):
            if day in behind and day - 1 not in behind:
                end = next(later for later in range(day, last_day + 2) if later not in behind)
                rows.append((f"day-{day}", day, end - 1, behind[end - 1], end if end <= last_day else None))
        if rows:
            result[learner] = rows
    return result


@given(CLASSES, st.integers(5, 13), st.sampled_from([10, 25, 50, 80]), st.randoms())
def test_it_equals_brute_force_whatever_the_order_of_what_it_is_given(
    transitions: Mapping[Any, list[Transition]], last_day: int, percentile: int, chance: Random
) -> None:
    shuffled = {learner: chance.sample(moves, len(moves)) for learner, moves in transitions.items()}
    learners = chance.sample(list(transitions), len(transitions))
    fast = {
        learner: [
            (
                finding.key,
                (finding.opened_at - START).days,
                (finding.last_seen_at - START).days,
                finding.count,
                (finding.resolved_at - START).days if finding.resolved_at else None,
            )
            for finding in findings
        ]
        for learner, findings in found(shuffled, day=last_day, learners=learners, percentile=percentile).items()
    }
    assert fast == slow_findings(transitions, last_day, percentile)


@pytest.mark.parametrize(
    ("frustration", "engagement", "holds"),
    [
        (60, 30, True),
        (59.99, 30, False),
        (60, 30.01, False),
        (100, 0, True),
        (None, 10, False),
        (90, None, False),
        (None, None, False),
    ],
)
def test_frustrated_and_hardly_engaged(frustration: float | None, engagement: float | None, holds: bool) -> None:
    assert FRUSTRATION.holds(frustration, engagement, FRUSTRATION.defaults()) is holds


def test_the_scores_can_be_set() -> None:
    assert FRUSTRATION.holds(50, 40, {"frustration": 50, "engagement": 40})


def test_frustration_is_told_with_its_scores() -> None:
    told = FRUSTRATION.sentence_in(str, learner="Eve", count=1, assignment="Loops", frustration=72, engagement=12)
    assert told == "Eve seems frustrated by Loops: frustration 72 and engagement 12 of 100"
