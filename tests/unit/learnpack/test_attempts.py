"""From a LearnPack document to activities, on plain values."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace import capture

from learntrace.learnpack.attempts.content import MOST_RUNS, MOST_STEPS, steps
from learntrace.learnpack.attempts.document import activities, streamed_activity
from learntrace.learnpack.attempts.encoding import decoded
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.measures.activity import Failure
from learntrace.measures.code_hash import code_hash
from tests.support.recorded_cases import RECORDED, batch

ADA = Subject(1234, "python-hello-tutorial")
START = 1_795_311_000_000
RECEIVED = datetime(2026, 11, 22, 1, 40, tzinfo=UTC)

LINES = [json.loads(line)["body"] for line in (RECORDED / "recorded_cli_requests.jsonl").read_text().splitlines()]
BATCHES = [body for body in LINES if "event" not in body]
EVENTS = [body for body in LINES if "event" in body]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def run(second: int, code: object = 1, **more: object) -> dict[str, object]:
    return {"started_at": START + second * 1000, "exit_code": code, **more}


def document(*runs: Any, **more: object) -> dict[str, object]:
    step = {"slug": "s1", "opened_at": START, "compilations": list(runs), **more}
    return {"telemetry_id": "t", "steps": [step], "workout_session": [{"started_at": START}]}


def attempts(payload: Any) -> list[tuple[float, str | None]]:
    found = [one for one in activities(payload, ADA) if one.is_attempt]
    return [(one.at.timestamp() - START / 1000, one.outcome) for one in found]


def test_a_recorded_session_is_told_as_it_was() -> None:
    told = [(one.assignment, one.verb, one.object_id, one.outcome) for one in activities(BATCHES[-1], ADA)]
    first, second, third = (
        f"python-hello-tutorial/{slug}" for slug in ("01-hello-world", "02-sum-two-numbers", "03-goodbye")
    )
    assert told == [
        (first, "opened", None, None),
        (first, "executed", "compile", "ok"),
        (first, "executed", "test", "ok"),
        (first, "asked", None, None),
        (second, "opened", None, None),
        (second, "executed", "compile", "error"),
        (second, "executed", "test", "error"),
        (third, "opened", None, None),
    ]


def test_errors_are_read_from_what_was_printed() -> None:
    compiled, tested = (one for one in activities(BATCHES[-1], ADA) if one.failed)
    assert compiled.failures == (Failure("SyntaxError", "'(' was never closed"),)
    # pytest writes to stdout.
    assert tested.failures == (Failure("AttributeError", "'function' object has no attribute 'add'"),)


def test_both_clients_spellings_are_understood() -> None:
    cli = {"starting_at": START + 5000, "ended_at": START + 6000, "exitCode": 0}
    ide = {"started_at": START + 7000, "ended_at": START + 8000, "exit_code": 1}
    assert attempts(document(cli, ide)) == [(5, "ok"), (7, "error")]


@pytest.mark.parametrize(("code", "outcome"), [(0, "ok"), (1, "error"), (-9, "error"), ("0", "error"), (None, "error")])
def test_only_the_number_0_is_success(code: int | str | None, outcome: str) -> None:
    assert attempts(document(run(5, code))) == [(5, outcome)]


def test_a_run_without_an_exit_code_or_a_time_is_no_attempt() -> None:
    unfinished = {"started_at": START}
    timeless = [{"exit_code": 0}, {"exit_code": 0, "started_at": None}, {"exit_code": 0, "started_at": "soon"}]
    assert attempts(document(unfinished, *timeless, {"exit_code": 1, "started_at": 0}, run(5))) == [(5, "error")]


def test_the_same_run_is_the_same_activity_in_every_batch() -> None:
    before, after = (activities(payload, ADA) for payload in BATCHES[-2:])
    assert set(before) <= set(after)
    assert len({one.id for one in after}) == len(after)


def test_a_streaming_event_is_the_activity_that_the_next_batch_tells() -> None:
    workout = BATCHES[-1]["workout_session"]
    told = [
        streamed_activity(event["event"], event, RECEIVED, ADA, workout)
        for event in EVENTS
        if event["event"] != "open_step"
    ]
    assert len(told) == 5
    assert set(told) <= set(activities(BATCHES[-1], ADA))


def test_an_opened_step_is_of_the_moment_in_which_it_was_received() -> None:
    event = EVENTS[0]
    told = streamed_activity(event["event"], event, RECEIVED, ADA)
    assert (told.verb, told.at, told.assignment) == ("opened", RECEIVED, "python-hello-tutorial/01-hello-world")


def test_runs_of_one_moment_are_told_apart_by_their_number() -> None:
    twice = activities(document(run(5), run(5)), ADA)
    assert len({one.id for one in twice}) == 3
    assert [one.id for one in activities(document(run(5)), ADA)] == [one.id for one in twice[:2]]


def test_another_learner_asset_time_outcome_or_code_is_another_activity() -> None:
    payload = document(run(5))
    found = [
        activities(payload, ADA),
        activities(payload, Subject(1235, ADA.asset_slug)),
        activities(payload, Subject(1234, "other")),
        activities(document(run(6)), ADA),
        activities(document(run(5, 0)), ADA),
        activities(document(run(5, source_code="print(1)")), ADA),
    ]
    assert len({one[-1].id for one in found}) == 6


def test_another_step_device_or_session_is_the_same_activity() -> None:
    payload = document(run(5, source_code="print(1)"))
    renamed = json.loads(json.dumps(payload).replace('"s1"', '"s2"'))
    device = payload | {"telemetry_id": "another", "workout_session": [{"started_at": START - 5}]}
    found = [[one.id for one in activities(told, ADA)] for told in (payload, renamed, device)]
    assert found[0] == found[1] == found[2]


def test_a_moment_belongs_to_the_last_session_that_had_begun() -> None:
    payload = document(run(5), run(3600), run(7300))
    payload["workout_session"] = [
        {"started_at": START, "ended_at": START + 60_000},
        {"started_at": START + 7_200_000},
    ]
    assert [one.session_id for one in activities(payload, ADA)] == ["t/0", "t/0", "t/0", "t/1"]


@pytest.mark.parametrize("encode", [b64, lambda text: b64(quote(text)), str])
def test_source_code_is_hashed_however_it_is_encoded(encode: Any) -> None:
    source = "def ñ():\n    return 1  \n\n"
    (one,) = (one for one in activities(document(run(5, source_code=encode(source))), ADA) if one.is_attempt)
    assert one.code_hash == code_hash("def ñ():\n    return 1")


def test_what_no_utf8_is_is_still_read_and_never_holds_nul() -> None:
    latin1 = base64.b64encode("SyntaxError: mañana es otro día\0".encode("latin-1")).decode()
    assert decoded(latin1) == "SyntaxError: ma\ufffdana es otro d\ufffda\ufffd"
    assert decoded("Killed") == "Killed"
    assert decoded(None) == ""


@pytest.mark.parametrize("source", ["", "a", "a \r\nb\t\rc\n\n", "  a\n\n  b", "ñ\u2028x \n"])
def test_code_is_hashed_as_next_to_the_notebook(source: str) -> None:
    assert code_hash(source) == capture.code_hash(source)


def test_a_step_is_opened_first_and_completed_last_in_one_moment() -> None:
    payload = document(run(0, 0), completed_at=START, tests=[run(0, 0)])
    assert [one.object_id or one.verb for one in activities(payload, ADA)] == ["opened", "compile", "test", "completed"]


def test_of_a_step_the_latest_runs_are_taken() -> None:
    found = attempts(document(*(run(second) for second in range(MOST_RUNS + 50))))
    assert len(found) == MOST_RUNS
    assert found[0] == (50, "error")
    assert len(steps({"steps": [{"slug": f"s{n}"} for n in range(MOST_STEPS + 5)]})) == MOST_STEPS


def test_steps_are_listed_in_their_order_and_once() -> None:
    payload = batch("learnpack_batch_1.json")
    found = steps(payload)
    assert [step.slug for step in found] == ["00-welcome", "01-hello-world", "02-sum-two-numbers", "03-square-a-number"]
    assert len(steps({"steps": [{"slug": "a"}, {"slug": "a"}, {}, 5]})) == 1


NASTY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just(START),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "slug", "steps", "compilations", "tests", "ai_interactions", "quiz_submissions", "started_at", "exit_code",
            "exitCode", "stderr", "stdout", "source_code", "opened_at", "completed_at", "workout_session", "data", "title",
        ]),
        inner,
        max_size=8,
    ),
    max_leaves=30,
)  # fmt: skip
ENTRY = st.fixed_dictionaries(
    {"slug": st.text(), "compilations": st.lists(NASTY, max_size=3)}, optional={"tests": NASTY}
)


@given(
    NASTY | st.fixed_dictionaries({"steps": st.lists(ENTRY | NASTY, max_size=3)}, optional={"workout_session": NASTY})
)
def test_no_document_raises(payload: Any) -> None:
    found = activities(payload, ADA)
    steps(payload)
    assert len({one.id for one in found}) == len(found)
    assert found == sorted(found, key=lambda one: one.order)


@given(st.text(), NASTY, NASTY)
def test_no_streaming_event_raises(slug: str, told: Any, workout: Any) -> None:
    for event in ("open_step", "compile", "test", "ai_interaction", "quiz_submission", "other"):
        one = streamed_activity(event, {"slug": slug, "data": told}, RECEIVED, ADA, workout)
        assert one is None or one.at <= RECEIVED + timedelta(days=365 * 200)
