"""From a learner's events on a notebook to a document, and what its indicators say of sequences made by hand."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures import learner_measures
from learntrace.measures.activity import Activity, Failure
from learntrace.measures.indicators import indicators
from learntrace.notebooks.documents.learnpack_document import MOST_ATTEMPTS, Step, document

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ONE, TWO = "assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2"
STEPS = [Step(ONE, "Sum", 0), Step(TWO, "Product", 1)]


def at(minute: float, outcome: str | None = None, tag: str = ONE, **more: object) -> Activity:
    """What was done so many minutes after the start: an execution where there is an outcome, else a look."""
    defaults = {
        "id": f"{tag} {minute} {more}", "at": START + timedelta(minutes=minute), "arrival": round(minute * 60),
        "verb": "executed" if outcome else "focused", "assignment": tag, "outcome": outcome, "session_id": "a",
        "failures": (Failure("NameError", "name 'x' is not defined"),) if outcome == "error" else (),
    }  # fmt: skip
    return Activity(**defaults | more)  # type: ignore[arg-type]


def ms(minute: float) -> int:
    return int((START.timestamp() + minute * 60) * 1000)


def told(*activities: Activity) -> dict[str, Any]:
    done = {
        step.tag: done_at
        for step in STEPS
        if (done_at := learner_measures.of(one for one in activities if one.assignment == step.tag).done_at)
    }
    return document("lesson-03", 7, STEPS, activities, done)


def metrics(*activities: Activity) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The indicators' metrics, of all and of each step."""
    result = indicators(told(*activities))
    return result["global"]["metrics"], [step["metrics"] for step in result["steps"]]


def test_who_did_nothing_has_read_nothing() -> None:
    found = told()
    assert (found["tutorial_started_at"], found["last_interaction_at"], found["workout_session"]) == (None, None, [])
    assert [(step["slug"], step["position"], step["title"]) for step in found["steps"]] == [
        ("lesson-03-exercise-1", 0, "Sum"),
        ("lesson-03-exercise-2", 1, "Product"),
    ]
    whole, steps = metrics()
    assert [step["status"] for step in steps] == ["unread", "unread"]
    assert (whole["completion_rate"], whole["total_steps"], whole["skipped_steps"]) == (0, 2, 0)


def test_three_failures_and_a_success_are_three_struggles_and_a_step_done() -> None:
    whole, (first, second) = metrics(at(0), *(at(n, "error") for n in (2, 4, 6)), at(10, "ok"))
    assert first == {"status": "completed", "time_spent": 600.0, "comp_struggles": 3, "test_struggles": 0}
    assert second["status"] == "unread"
    assert (whole["completion_rate"], whole["total_interactions"], whole["total_time_on_platform"]) == (50.0, 4, 600.0)


def test_who_breaks_what_ran_stays_done() -> None:
    broken = [at(0, "error"), at(3, "ok"), at(5, "error")]
    assert told(*broken)["steps"][0]["completed_at"] == ms(3)
    assert metrics(*broken)[1][0]["status"] == "completed"
    mended = told(*broken, at(7, "ok"), at(9, "ok"))["steps"][0]
    assert mended["completed_at"] == ms(3)


def test_a_step_that_fails_is_attempted_for_as_long_as_it_was_tried() -> None:
    _whole, (first, _second) = metrics(at(0), at(3, "error"), at(12, "error"), at(20, tag=TWO))
    assert first == {"status": "attempted", "time_spent": 720.0, "comp_struggles": 2, "test_struggles": 0}


def test_a_step_that_was_only_looked_at_is_skipped() -> None:
    whole, (first, second) = metrics(at(0), at(4, "ok", TWO))
    assert (first["status"], second["status"]) == ("skipped", "completed")
    assert (whole["skipped_steps"], whole["completion_rate"]) == (1, 50.0)


def test_an_aborted_run_is_no_compilation() -> None:
    step = told(at(0, "error"), at(1, "aborted"), at(2, "ok"), at(3, "aborted"))["steps"][0]
    assert [one["exit_code"] for one in step["compilations"]] == [1, 0]
    assert step["completed_at"] == ms(2)


def test_a_compilation_says_what_went_wrong() -> None:
    step = told(at(1, "error"), at(2, "ok"))["steps"][0]
    assert step["compilations"] == [
        {"started_at": ms(1), "ended_at": ms(1), "exit_code": 1, "error": "NameError: name 'x' is not defined"},
        {"started_at": ms(2), "ended_at": ms(2), "exit_code": 0},
    ]


def test_all_steps_done_is_all_done() -> None:
    whole, _steps = metrics(at(0, "ok"), at(1, "error", TWO), at(2, "ok", TWO))
    assert (whole["completion_rate"], whole["steps_not_completed"], whole["avg_comp_struggles"]) == (100.0, 0, 0.5)


def test_activities_on_other_assignments_do_not_count() -> None:
    assert told(at(0, "ok", "assignment:other"), at(1, None, ONE))["tutorial_started_at"] == ms(1)


def sessions(*activities: Activity) -> list[tuple[float, float]]:
    return [
        ((one["started_at"] - ms(0)) / 60_000, (one["ended_at"] - ms(0)) / 60_000)
        for one in told(*activities)["workout_session"]
    ]


def test_a_session_lasts_from_its_first_activity_to_its_last() -> None:
    assert sessions(at(0), at(20, "error"), at(45, "ok")) == [(0, 45)]


def test_more_than_half_an_hour_of_nothing_ends_a_session() -> None:
    assert sessions(at(0), at(30), at(60.1)) == [(0, 30), (60.1, 60.1)]


def test_closing_and_opening_again_begins_another_session() -> None:
    assert sessions(at(0), at(5, verb="closed"), at(7)) == [(0, 5), (7, 7)]
    assert sessions(at(0, session_id="a"), at(5, session_id="a"), at(6, session_id="b")) == [(0, 5), (6, 6)]


def test_two_tabs_at_once_are_one_session() -> None:
    tabs = [at(n, session_id="a" if n % 2 else "b") for n in range(10)]
    assert sessions(*tabs) == [(0, 9)]


def test_of_a_step_the_latest_attempts_are_told() -> None:
    step = told(at(0), *(at(1 + n, "error") for n in range(MOST_ATTEMPTS + 10)))["steps"][0]
    assert len(step["compilations"]) == MOST_ATTEMPTS
    assert (step["opened_at"], step["compilations"][0]["started_at"]) == (ms(0), ms(11))


MADE = st.lists(
    st.builds(
        at,
        st.integers(0, 200),
        st.sampled_from([None, "ok", "error", "aborted"]),
        st.sampled_from([ONE, TWO]),
        session_id=st.sampled_from([None, "a", "b"]),
    ),
    max_size=30,
    unique_by=lambda one: (one.at, one.assignment),
)


@given(MADE, st.randoms())
def test_the_order_in_which_activities_are_given_changes_nothing(activities: list[Activity], random: Random) -> None:
    shuffled = list(activities)
    random.shuffle(shuffled)
    # Of one moment, the arrival is the same in this test: what was done on the two assignments may change places.
    assert told(*shuffled)["steps"] == told(*activities)["steps"]


@given(MADE)
def test_every_document_can_be_scored_and_says_who_is_done(activities: list[Activity]) -> None:
    _whole, steps = metrics(*activities)
    for step, tag in zip(steps, (ONE, TWO), strict=True):
        succeeded = any(one.assignment == tag and one.outcome == "ok" for one in activities)
        assert (step["status"] == "completed") == succeeded
