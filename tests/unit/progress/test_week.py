"""What a week's lists say can be counted again from the figures."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from learntrace.progress.summaries.cohorts import curve_of
from learntrace.progress.summaries.week import (
    AssignmentFigures,
    LearnerFigures,
    Reason,
    easier,
    hard,
    slipped,
)

SMALL = st.integers(0, 20)
LEARNERS = st.lists(
    st.builds(LearnerFigures, SMALL, SMALL, SMALL, SMALL, st.integers(10, 20), st.integers(0, 10), st.integers(0, 2)),
    max_size=30,
    unique_by=lambda one: one.user_id,
)
EXERCISE = AssignmentFigures("a", 20, 4, 10, 9, 60.0, 20, 4, 10)


@given(LEARNERS)
def test_who_slipped_has_each_reason_that_holds(learners: list[LearnerFigures]) -> None:
    most = max((one.done for one in learners), default=0)
    told = {one.learner.user_id: set(one.reasons) for one in slipped(learners)}
    for one in learners:
        reasons = told.get(one.user_id, set())
        assert (Reason.STUCK in reasons) == (one.stuck > 0)
        assert (Reason.QUIET in reasons) == (one.attempts_before > 0 and one.attempts == 0 and one.done < most)
        if Reason.BEHIND in reasons:
            assert sum(other.done > one.done for other in learners) >= len(learners) * 3 // 4
    assert sum(Reason.BEHIND in reasons for reasons in told.values()) <= len(learners) // 4


def test_who_has_finished_everything_and_rests_has_not_slipped() -> None:
    finished = LearnerFigures(1, attempts=0, failed=0, attempts_before=5, done=12, done_before=12, stuck=0)
    assert slipped([finished, replace(finished, user_id=2, attempts=3, done=11)]) == []


def test_nobody_falls_behind_before_a_class_has_done_anything() -> None:
    people = [
        LearnerFigures(number, attempts=3, failed=1, attempts_before=0, done=2, done_before=0, stuck=0)
        for number in range(4)
    ]
    late = LearnerFigures(9, attempts=0, failed=0, attempts_before=0, done=0, done_before=0, stuck=0)
    assert slipped([*people, late]) == []
    assert slipped([replace(one, done=4, done_before=2) for one in people] + [replace(late, done=2, done_before=2)])


def test_hard_and_easier_need_several_learners_and_a_large_enough_share() -> None:
    unsolved, failing = replace(EXERCISE, key="unsolved", done=6), replace(EXERCISE, key="failing", failed=8)
    few = replace(EXERCISE, key="few", learners=2, done=0)
    assert [one.key for one in hard([EXERCISE, failing, few, unsolved])] == ["unsolved", "failing"]
    fallen = replace(EXERCISE, key="fallen", failed_before=12)
    assert [one.key for one in easier([EXERCISE, fallen, replace(fallen, key="new", learners_before=2)])] == ["fallen"]


@given(st.dictionaries(st.integers(0, 30), st.integers(1, 9)), st.integers(1, 40))
def test_a_curve_never_falls_and_ends_with_everything_done(done: dict[int, int], days: int) -> None:
    places = sum(done.values()) + 1
    curve = curve_of(done, places, days)
    assert len(curve) == days
    assert curve == sorted(curve)
    assert curve[-1] == sum(count for day, count in done.items() if day < days) / places
