import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures import learner_measures
from learntrace.measures.activity import Activity, Failure
from learntrace.measures.learner_measures import GAP_SECONDS

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ASSIGNMENT = "assignment:lesson-03-exercise-1"
OUTCOMES = {"-": "ok", "a": "aborted", ".": None}


def activity(sign: str | tuple[str, ...], at: float = 0.0, arrival: int = 0) -> Activity:
    """One activity by its sign: "-" a success, "a" aborted, "." no execution, else an error of that type."""
    several = sign if isinstance(sign, tuple) else (sign,)
    outcome = "error" if isinstance(sign, tuple) else OUTCOMES.get(sign, "error")
    return Activity(
        id=str(arrival),
        at=START + timedelta(seconds=at),
        arrival=arrival,
        verb="saved" if outcome is None else "executed",
        assignment=ASSIGNMENT,
        outcome=outcome,
        failures=tuple(Failure(one[0], one[1:]) for one in several) if outcome == "error" else (),
    )


def course(signs: Sequence[str | tuple[str, ...]], every: float = 10.0) -> list[Activity]:
    return [activity(sign, index * every, index) for index, sign in enumerate(signs)]


@pytest.mark.parametrize(
    ("signs", "quotient", "density"),
    [
        ("xx", 1, 0.5),
        ("xxx", 1, 4 / 3),
        ("xxxx", 1, 2.25),
        ("xx-xx", 0.5, 1.0),
        ("xyx", 8 / 11, 0),
        ("x-x", 0, 0),
        ("xxyy", 10 / 11, 1.0),
        ("", None, 0),
        ("x", None, 0),
        ("-", None, 0),
        ("--", 0, 0),
    ],
)
def test_error_quotient_and_repeated_error_density_of_the_examples(
    signs: str, quotient: float | None, density: float
) -> None:
    found = learner_measures.of(course(signs))
    assert found.error_quotient == pytest.approx(quotient, abs=1e-12)
    assert found.repeated_error_density == pytest.approx(density, abs=1e-12)
    assert found.eq_pairs == max(len(signs) - 1, 0)


def test_attempts_share_a_type_if_any_of_their_errors_do() -> None:
    assert learner_measures.of(course([("x", "y"), ("z", "y")])).error_quotient == 1
    assert learner_measures.of(course([("x", "y"), ("z",)])).error_quotient == pytest.approx(8 / 11)


def test_the_quotient_looks_at_the_type_and_the_density_at_the_message_too() -> None:
    found = learner_measures.of(course([("x1",), ("x2",), ("x2",)]))
    assert found.error_quotient == 1
    assert found.repeated_error_density == 0.5


def test_each_error_of_an_attempt_makes_a_run_by_itself() -> None:
    found = learner_measures.of(course([("x", "y"), ("y", "x"), ("x", "z")]))
    assert found.repeated_error_density == pytest.approx(4 / 3 + 0.5)


def test_aborted_attempts_count_for_nothing_but_their_number_and_time() -> None:
    found = learner_measures.of(course("axaxa"))
    without = learner_measures.of(course("xx"))
    assert (found.attempts, found.errors, found.aborted) == (2, 2, 3)
    assert (found.error_quotient, found.repeated_error_density) == (
        without.error_quotient,
        without.repeated_error_density,
    )
    assert found.last_outcome == "error"
    assert found.active_seconds == 40


def test_an_abort_after_a_success_leaves_it_done() -> None:
    found = learner_measures.of(course("x-a."))
    assert (found.last_outcome, found.done_at) == ("ok", START + timedelta(seconds=10))


def test_done_since_the_first_success_whatever_comes_after_it() -> None:
    assert learner_measures.of(course("-x--")).done_at == START
    assert learner_measures.of(course("x-x")).done_at == START + timedelta(seconds=10)
    assert learner_measures.of(course(".a")).done_at is None


def test_failures_since_the_last_success() -> None:
    assert learner_measures.of(course("xx-xax.")).failed_since_success == 2
    assert learner_measures.of(course("xx-")).failed_since_success == 0
    assert learner_measures.of(course("xxx")).failed_since_success == 3


def test_a_gap_counts_as_active_up_to_its_limit() -> None:
    times = [0, 10, 10 + GAP_SECONDS, 5000, 5000.000001]
    activities = [activity(".", at, index) for index, at in enumerate(times)]
    assert learner_measures.of(activities).active_seconds == 10 + GAP_SECONDS + GAP_SECONDS + 0.000001
    assert learner_measures.of(activities, gap=2.5).active_seconds == 7.500001
    assert learner_measures.of(activities[:1]).active_seconds == 0


def test_other_events_are_seen_and_no_attempts() -> None:
    found = learner_measures.of(course("..."))
    assert (found.attempts, found.errors, found.last_outcome, found.error_quotient) == (0, 0, None, None)
    assert (found.first_seen_at, found.last_seen_at) == (START, START + timedelta(seconds=20))


def test_nothing_has_not_been_seen() -> None:
    found = learner_measures.of([])
    assert (found.first_seen_at, found.last_seen_at, found.active_seconds) == (None, None, 0)


def test_of_one_moment_the_first_to_arrive_comes_first() -> None:
    failed, passed = activity("x", 0, 1), activity("-", 0, 2)
    assert learner_measures.of([passed, failed]).last_outcome == "ok"
    failed, passed = activity("x", 0, 2), activity("-", 0, 1)
    assert learner_measures.of([passed, failed]).last_outcome == "error"


def test_the_state_does_not_grow_with_the_attempts() -> None:
    def size(attempts: int) -> int:
        state = learner_measures.begin()
        for one in course(["x1", ("x1", "y2"), "-", "a", ("y2", "z3")] * attempts):
            learner_measures.step(state, one)
        return len(json.dumps(state))

    assert size(200) < size(2) + 40


# Errors of few types and messages, so that they repeat; gaps around the limit; ties.
SIGNS = st.sampled_from("-a.") | st.lists(st.sampled_from(["x1", "x2", "y1", "z"]), max_size=3, unique=True).map(tuple)
GAPS = st.sampled_from([0.0, 0.000001, 299.999999, 300.0, 300.000001]) | st.floats(0, 1000).map(
    lambda gap: round(gap, 6)
)
LIMITS = st.sampled_from([GAP_SECONDS, 60, 0.5])


@st.composite
def courses(draw: st.DrawFn) -> list[Activity]:
    at, activities = 0.0, []
    for index, (sign, gap) in enumerate(draw(st.lists(st.tuples(SIGNS, GAPS), max_size=25))):
        at += gap
        activities.append(activity(sign, round(at, 6), index))
    return activities


def slow(activities: list[Activity], limit: float) -> dict[str, Any]:
    """Everything again from the definitions, in whole microseconds and exact fractions."""
    attempts = [one for one in activities if one.outcome in ("ok", "error")]
    sets = [{(failure.name, failure.message) for failure in one.failures} for one in attempts]
    score = Fraction(0)
    for (first, first_errors), (second, second_errors) in pairwise(zip(attempts, sets, strict=True)):
        if first.outcome == second.outcome == "error":
            score += 8
            if any(one[0] == other[0] for one in first_errors for other in second_errors):
                score += 3
    density = Fraction(0)
    for error in set().union(*sets):
        marks = "".join("x" if error in errors else " " for errors in sets)
        for run in marks.split():
            repeats = len(run) - 1
            density += Fraction(repeats**2, repeats + 1)
    longest = timedelta(seconds=limit)
    active = sum((min(after.at - before.at, longest) for before, after in pairwise(activities)), timedelta())
    return {
        "attempts": len(attempts),
        "errors": sum(one.outcome == "error" for one in attempts),
        "aborted": sum(one.outcome == "aborted" for one in activities),
        "last_outcome": attempts[-1].outcome if attempts else None,
        "error_quotient": float(score / 11 / (len(attempts) - 1)) if len(attempts) > 1 else None,
        "repeated_error_density": float(density),
        "active_seconds": active / timedelta(seconds=1),
    }


@given(courses(), LIMITS)
def test_measures_equal_a_slow_reference(activities: list[Activity], limit: float) -> None:
    found = learner_measures.of(activities, limit)
    for name, value in slow(activities, limit).items():
        expected = value if value is None or isinstance(value, str) else pytest.approx(value, rel=1e-12, abs=1e-12)
        assert getattr(found, name) == expected, name


@given(courses(), LIMITS)
def test_measures_keep_within_their_bounds(activities: list[Activity], limit: float) -> None:
    found = learner_measures.of(activities, limit)
    assert found.error_quotient is None or 0 <= found.error_quotient <= 1
    assert (found.error_quotient is None) == (found.attempts < 2)
    assert found.repeated_error_density >= 0
    assert found.failed_since_success <= found.errors <= found.attempts
    if activities:
        span = (found.last_seen_at - found.first_seen_at).total_seconds()
        assert 0 <= found.active_seconds <= min(span, limit * (len(activities) - 1))
    assert (found.done_at is not None) == (found.errors < found.attempts)


@given(courses(), st.data(), LIMITS)
def test_going_on_from_a_stored_state_is_the_same_to_the_last_bit(
    activities: list[Activity], data: st.DataObject, limit: float
) -> None:
    stops = data.draw(st.sets(st.integers(0, len(activities))))
    state = learner_measures.begin()
    for index, one in enumerate(activities):
        if index in stops:
            state = json.loads(json.dumps(state))
        learner_measures.step(state, one, limit)
    assert learner_measures.measures(json.loads(json.dumps(state))) == learner_measures.of(activities, limit)


@given(courses(), st.randoms())
def test_the_order_in_which_they_are_given_does_not_matter(activities: list[Activity], chance: Random) -> None:
    shuffled = list(activities)
    chance.shuffle(shuffled)
    assert learner_measures.of(shuffled) == learner_measures.of(activities)
