import copy
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from learntrace.measures.indicators import ALGORITHM_VERSION, IndicatorError, indicators, indicators_of
from tests.support.recorded_cases import batch, recorded, required

OPENED = 1705312800000
TIMES = st.none() | st.integers(min_value=OPENED, max_value=OPENED + 10**8) | st.integers() | st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
RUNS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("started_at", "starting_at", "ended_at", "ending_at"), TIMES),
            **dict.fromkeys(("exit_code", "exitCode"), st.sampled_from([0, 1, None, "0", False, 0.0, -1])),
        },
    ),
    max_size=4,
)
STEPS = st.lists(
    st.fixed_dictionaries(
        {"slug": st.text(max_size=4)},
        optional={
            "opened_at": TIMES,
            "completed_at": TIMES,
            "compilations": st.none() | RUNS,
            "tests": st.none() | RUNS,
        },
    ),
    max_size=5,
)
BATCHES = st.fixed_dictionaries(
    {},
    optional={
        "last_interaction_at": TIMES,
        "tutorial_started_at": TIMES,
        "steps": st.none() | STEPS,
        "workout_session": st.none() | st.lists(st.none(), max_size=8),
    },
)


def one_step(**step: Any) -> Any:
    payload = {"last_interaction_at": OPENED + 60_000, "tutorial_started_at": OPENED, "steps": [{"slug": "a", **step}]}
    return indicators(payload)["steps"][0]


def all_scores(result: Any) -> Iterator[Any]:
    for part in (result["global"], *result["steps"]):
        yield from part["indicators"].values()
    yield result["global"]["metrics"]["completion_rate"]


@required("indicator")
def test_the_recorded_indicators_are_computed(case: dict[str, Any]) -> None:
    result = indicators(case["payload"])
    assert result == case["expect"]
    assert json.dumps(result) == json.dumps(case["expect"]), "an int is not written as a float, nor the reverse"


def test_a_batch_without_last_interaction_at_is_no_failure() -> None:
    result = indicators(recorded("ind-error-missing-last_interaction_at")["payload"])
    assert result["global"]["metrics"]["total_time_on_platform"] == 0
    assert result["steps"][0]["metrics"]["status"] == "unread"


def test_tests_without_an_exit_code_are_no_struggles() -> None:
    result = indicators(recorded("ind-error-test-without-exit_code")["payload"])
    assert result["steps"][0]["metrics"] == {
        "status": "completed",
        "time_spent": 60.0,
        "comp_struggles": 0,
        "test_struggles": 0,
    }
    assert result["global"]["metrics"]["total_interactions"] == 1


def test_an_empty_payload_gives_zeros() -> None:
    result = indicators({})
    assert result["algo_version"] == ALGORITHM_VERSION
    assert result["steps"] == []
    assert set(result["global"]["metrics"].values()) == {0}
    assert result["global"]["indicators"] == {"EngagementIndicator": 0.0, "FrustrationIndicator": 0.0}


def test_a_clock_that_was_set_back_counts_as_no_time() -> None:
    result = indicators(recorded("ind-attempted-negative-time")["payload"])
    assert result["steps"][0]["metrics"]["time_spent"] == 0
    assert result["steps"][0]["indicators"] == {"EngagementIndicator": 0, "FrustrationIndicator": 0}
    assert result["global"]["metrics"]["time_on_incomplete"] == 0
    backwards = indicators({"last_interaction_at": OPENED, "tutorial_started_at": OPENED + 1})
    assert backwards["global"]["metrics"]["total_time_on_platform"] == 0


def test_both_spellings_of_exit_code_count() -> None:
    ide = [{"started_at": 1, "exit_code": 1}, {"started_at": 2, "exit_code": 0}]
    cli = [{"starting_at": 1, "exitCode": 1}, {"starting_at": 2, "exitCode": 0}]
    for runs in (ide, cli):
        step = one_step(opened_at=OPENED, completed_at=OPENED, compilations=runs, tests=runs)
        assert (step["metrics"]["comp_struggles"], step["metrics"]["test_struggles"]) == (1, 1)


def test_a_null_exit_code_is_a_failure_and_not_a_missing_one() -> None:
    step = one_step(opened_at=OPENED, compilations=[{"exit_code": None, "exitCode": 0}, {"stdout": ""}])
    assert step["metrics"]["comp_struggles"] == 1


def test_a_null_time_is_missing_so_that_the_other_spelling_stands_in() -> None:
    step = one_step(opened_at=OPENED, tests=[{"ended_at": None, "ending_at": OPENED + 5000}])
    assert step["metrics"]["time_spent"] == 5.0


def test_an_offset_is_converted() -> None:
    step = one_step(opened_at="2024-01-15T11:00:00+01:00", completed_at="2024-01-15T10:01:00Z")
    assert step["metrics"]["time_spent"] == 60.0


def test_the_cli_batch_of_a_real_client() -> None:
    result = indicators(batch("learnpack_batch_1.json"))
    assert [step["metrics"]["status"] for step in result["steps"]] == ["unread", "completed", "attempted", "unread"]
    assert result["steps"][1]["metrics"]["time_spent"] == 81.64
    assert result["steps"][2]["metrics"] == {
        "status": "attempted",
        "time_spent": 195.74,
        "comp_struggles": 2,
        "test_struggles": 1,
    }
    assert result["global"]["metrics"]["completion_rate"] == 25.0
    assert result["global"]["metrics"]["num_sessions"] == 2
    assert result["global"]["metrics"]["total_time_on_platform"] == 86400.9


def test_the_browser_batch_of_a_real_client() -> None:
    result = indicators(batch("learnpack_batch_2.json"))
    statuses = [step["metrics"]["status"] for step in result["steps"]]
    assert statuses[:3] == ["completed", "completed", "completed"]
    assert result["steps"][2]["metrics"]["test_struggles"] == 1
    assert result["global"]["metrics"]["total_time_on_platform"] == 1500.0
    assert result["global"]["metrics"]["completion_rate"] == round(100 * statuses.count("completed") / len(statuses), 2)


@pytest.mark.parametrize(
    ("payload", "place", "message"),
    [
        ({"steps": {}}, "steps", "steps must be a list"),
        ({"steps": [{}, "x"]}, "steps[1]", "steps[1] must be an object"),
        ({"steps": [{}, None]}, "steps[1]", "steps[1] must be an object"),
        ({"steps": [{"compilations": 3}]}, "steps[0].compilations", "steps[0].compilations must be a list"),
        ({"steps": [{"tests": {}}]}, "steps[0].tests", "steps[0].tests must be a list"),
        ({"steps": [{"tests": [{}, 1]}]}, "steps[0].tests[1]", "steps[0].tests[1] must be an object"),
        ({"workout_session": 5}, "workout_session", "workout_session must be a list"),
    ],
)
def test_a_malformed_shape_is_named_by_its_place(payload: dict[str, Any], place: str, message: str) -> None:
    with pytest.raises(IndicatorError) as error:
        indicators(payload)
    assert str(error.value) == message
    assert error.value.place == place
    assert f"{place} must be {error.value.expected}" == message


@given(
    st.dictionaries(st.sampled_from(["steps", "workout_session", "last_interaction_at", "tutorial_started_at"]), JSON)
    | st.lists(
        st.dictionaries(st.sampled_from(["slug", "opened_at", "completed_at", "compilations", "tests"]), JSON),
        max_size=3,
    ).map(lambda steps: {"steps": steps})
)
def test_arbitrary_json_raises_nothing_but_indicator_error(payload: dict[str, Any]) -> None:
    with suppress(IndicatorError):
        result = indicators(payload)
        json.dumps(result["global"], allow_nan=False)


@given(BATCHES)
def test_scores_stay_between_0_and_100_and_times_are_never_negative(payload: dict[str, Any]) -> None:
    result = indicators(payload)
    assert all(0 <= score <= 100 for score in all_scores(result))
    assert all(value >= 0 for value in result["global"]["metrics"].values())
    assert all(step["metrics"]["time_spent"] >= 0 for step in result["steps"])


@given(BATCHES)
def test_the_payload_is_not_changed_and_the_order_of_keys_does_not_matter(payload: dict[str, Any]) -> None:
    before = copy.deepcopy(payload)
    result = indicators(payload)
    assert payload == before
    assert indicators(dict(reversed(payload.items()))) == result


@given(BATCHES)
def test_every_step_is_counted_once(payload: dict[str, Any]) -> None:
    result = indicators(payload)
    metrics = result["global"]["metrics"]
    statuses = [step["metrics"]["status"] for step in result["steps"]]
    assert [step["slug"] for step in result["steps"]] == [step["slug"] for step in payload.get("steps") or []]
    assert metrics["total_steps"] == len(statuses)
    assert metrics["steps_not_completed"] == len(statuses) - statuses.count("completed")
    assert metrics["skipped_steps"] == statuses.count("skipped")


def test_the_work_for_a_huge_batch_grows_no_faster_than_the_batch() -> None:
    def calls(steps: int) -> int:
        runs = [{"started_at": OPENED - index, "exit_code": 1} for index in range(50)]
        payload = {"steps": [{"opened_at": OPENED, "completed_at": OPENED, "tests": runs} for _ in range(steps)]}
        count = 0

        def note(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event in {"call", "c_call"}

        sys.setprofile(note)
        try:
            indicators(payload)
        finally:
            sys.setprofile(None)
        return count

    # Calls, not seconds: a machine that stutters makes no more of them, and quadratic code a hundred times as many.
    assert calls(100) < 11 * calls(10)


def outcome_of(compute: Callable[[Any], Any], payload: Any) -> Any:
    try:
        return compute(payload)
    except IndicatorError as error:
        return error.place, error.expected


@given(
    BATCHES
    | st.dictionaries(
        st.sampled_from(["steps", "workout_session", "last_interaction_at", "x"]),
        st.lists(st.dictionaries(st.sampled_from(["slug", "compilations", "tests", "y"]), JSON)) | JSON,
    )
)
def test_of_a_text_only_a_part_is_decoded_and_nothing_else_comes_out(payload: dict[str, Any]) -> None:
    # Of what JSON itself can't tell: infinities, and numbers beyond those that a client may send.
    text = json.dumps(payload)
    assume("NaN" not in text and "Infinity" not in text and "0" * 400 not in text)
    decoded = json.loads(text)
    assert outcome_of(indicators_of, text) == outcome_of(indicators, decoded)


@given(st.lists(st.sampled_from([0, 1, None]), max_size=6), st.randoms())
def test_runs_count_in_the_order_of_their_starts(codes: list[Any], rng: Any) -> None:
    runs = [{"started_at": OPENED + place, "exit_code": code} for place, code in enumerate(codes)]
    shuffled = [*runs]
    rng.shuffle(shuffled)
    as_text = [{**run, "started_at": str(run["started_at"])} for run in shuffled]
    results = [
        one_step(opened_at=OPENED, completed_at=OPENED + 9000, compilations=listed)
        for listed in (runs, shuffled, as_text)
    ]
    assert results[0] == results[1] == results[2]
