"""What a notebook event must be like, decided without a database."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from learntrace.notebooks.inbox import batch_parser
from learntrace.notebooks.inbox.batch_parser import MAX_BYTES, InvalidBatch, copy_rejected, decode_batch, parse_batch
from learntrace.notebooks.validation import rejections
from learntrace.notebooks.validation.event import FLAGS, VERBS, check
from learntrace.notebooks.validation.rejections import EXPECTED, SENTENCES, Rejection
from tests.support.notebooks import TAG, make_event

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
AT = "2026-11-22T10:29:59.500Z"


def checked(**fields: Any) -> dict[str, Any]:
    return check(make_event(**{"timestamp": AT, **fields}), NOW)


def refused(event: object) -> tuple[str, str]:
    with pytest.raises(Rejection) as caught:
        check(event, NOW)
    return caught.value.code, caught.value.text()


def changed(section: str, **fields: Any) -> dict[str, Any]:
    event = make_event(timestamp=AT)
    return {**event, section: {**event[section], **fields}}


def test_an_event_becomes_a_row() -> None:
    row = checked(id="8D2C6A9E-3B55-4F0E-9D6F-0B1F5F6F2C11")
    assert row["id"] == "8d2c6a9e-3b55-4f0e-9d6f-0b1f5f6f2c11"
    assert (row["verb"], row["session_id"], row["object_id"], row["actor"]) == ("executed", "session-1", "cell-1", None)
    assert row["code_hash"] == "a" * 64
    assert row["occurred_at"] == "2026-11-22T10:29:59.500000+00:00"
    assert row["object"] == make_event()["object"]
    assert row["result"]["outcome"] == "error"
    assert row["flags"] == []


def test_id_verb_time_and_object_are_all_that_is_needed() -> None:
    row = check({"id": make_event()["id"], "verb": "opened", "timestamp": AT, "object": {}}, NOW)
    assert (row["result"], row["context"], row["session_id"], row["flags"]) == ({}, {}, None, ["no-session"])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_taken(verb: str) -> None:
    assert checked(verb=verb)["verb"] == verb


@pytest.mark.parametrize(
    ("event", "code", "part"),
    [
        (None, "not-an-object", "JSON object"),
        ([], "not-an-object", ""),
        ("executed", "not-an-object", ""),
        (make_event(id=None), "invalid-id", "None"),
        (make_event(id="not-a-uuid"), "invalid-id", "not-a-uuid"),
        (make_event(id=7), "invalid-id", "7"),
        (make_event(id="{8d2c6a9e-3b55-4f0e-9d6f-0b1f5f6f2c11}"), "invalid-id", ""),
        (make_event(verb="scrolled"), "unknown-verb", "scrolled; known are executed, opened"),
        (make_event(verb=None), "unknown-verb", ""),
        (make_event(verb=["executed"]), "unknown-verb", ""),
        (make_event(verb={}), "unknown-verb", ""),
        (make_event(timestamp="yesterday"), "invalid-timestamp", "yesterday"),
        (make_event(timestamp=None), "invalid-timestamp", ""),
        (make_event(timestamp=1795343400000), "invalid-timestamp", "1795343400000"),
        (make_event(timestamp="1795343400000"), "invalid-timestamp", ""),
        (make_event(timestamp="2026-11-22"), "invalid-timestamp", ""),
        (make_event(timestamp="2026-13-22T10:00:00Z"), "invalid-timestamp", ""),
        (make_event(timestamp="0001-01-01T00:00:00+14:00"), "invalid-timestamp", ""),
        (make_event(object=None), "invalid-object", "`object` must be an object"),
        (make_event(object=[]), "invalid-object", ""),
        (changed("object", type="paragraph"), "invalid-object", "`object.type` must be cell | notebook"),
        (changed("object", id=7), "invalid-object", "`object.id` must be a text"),
        (changed("object", id="x" * 201), "invalid-object", "`object.id` must be shorter"),
        (changed("object", notebook=[]), "invalid-object", "object.notebook"),
        (changed("object", notebook="x" * 1001), "invalid-object", "object.notebook"),
        (changed("object", assignment=3), "invalid-object", "object.assignment"),
        (changed("object", assignment="x" * 190), "invalid-object", "object.assignment"),
        (changed("object", tags="x"), "invalid-object", "`object.tags` must be a list of texts"),
        (changed("object", tags=[1]), "invalid-object", "object.tags"),
        (changed("object", code_hash=7), "invalid-object", "object.code_hash"),
        (changed("object", code=["x"]), "invalid-object", "object.code"),
        (changed("object", part="test"), "invalid-object", "`object.part` must be check | work"),
        (changed("object", part=["check"]), "invalid-object", "object.part"),
        (
            changed("object", part="check", assignment=""),
            "invalid-object",
            "must be the assignment that the check cell checks",
        ),
        (changed("result", outputs={}), "invalid-result", "`result.outputs` must be a list"),
        (make_event(result=[]), "invalid-result", "`result` must be an object"),
        (changed("result", outcome="failed"), "invalid-result", "`result.outcome` must be ok | error | aborted"),
        (changed("result", outcome=[]), "invalid-result", ""),
        (changed("result", error_name=7), "invalid-result", "result.error_name"),
        (changed("result", error_name="E" * 501), "invalid-result", "result.error_name"),
        (changed("result", error_value={}), "invalid-result", "result.error_value"),
        (changed("result", duration_ms="12"), "invalid-result", "`result.duration_ms` must be a number"),
        (changed("result", duration_ms=True), "invalid-result", "result.duration_ms"),
        (changed("result", execution_count=1.5), "invalid-result", "`result.execution_count` must be a whole number"),
        (changed("result", errors={}), "invalid-result", "result.errors"),
        (changed("result", errors=[1]), "invalid-result", "result.errors"),
        (changed("result", errors=[{"name": "E"}, {"value": "x"}]), "invalid-result", "result.errors[1].name"),
        (changed("result", errors=[{"name": "E", "value": 1}]), "invalid-result", "result.errors[0].value"),
        (make_event(context="lab"), "invalid-context", "`context` must be an object"),
        (make_event(session_id=7), "invalid-context", "`session_id` must be a text"),
        (make_event(session_id="s" * 201), "invalid-context", "session_id"),
    ],
)
def test_what_cannot_be_taken_is_told_by_code_and_place(event: Any, code: str, part: str) -> None:
    found, text = refused(event)
    assert found == code
    assert part in text
    with translation.override("es"), pytest.raises(Rejection) as caught:
        check(event, NOW)
    with translation.override("es"):
        assert caught.value.sentence() != text


def test_every_code_and_expectation_has_a_sentence_of_its_own_in_spanish() -> None:
    english = [str(text) for text in (*SENTENCES.values(), *EXPECTED.values())]
    with translation.override("es"):
        assert not set(english) & {str(text) for text in (*SENTENCES.values(), *EXPECTED.values())}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-11-22T10:29:59.5Z", "2026-11-22T10:29:59.500000+00:00"),
        ("2026-11-22T12:29:59+02:00", "2026-11-22T10:29:59+00:00"),
        ("2026-11-22 10:29:59", "2026-11-22T10:29:59+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_times_are_kept_in_utc_however_odd(given: str, stored: str) -> None:
    assert checked(timestamp=given)["occurred_at"] == stored


@pytest.mark.parametrize(
    ("event", "flag"),
    [
        (make_event(timestamp=(NOW + timedelta(minutes=6)).isoformat()), "clock-ahead"),
        (make_event(timestamp="2031-01-01T00:00:00Z"), "clock-ahead"),
        (make_event(timestamp=(NOW - timedelta(days=31)).isoformat()), "clock-behind"),
        (changed("object", assignment="assignment:Lesson 3"), "malformed-assignment"),
        (changed("object", assignment="lesson_03"), "malformed-assignment"),
        (changed("object", code_hash="abc"), "malformed-code-hash"),
        (changed("result", duration_ms=-1), "negative-duration"),
        (changed("result", duration_ms=-0.5), "negative-duration"),
        (changed("result", outcome=None), "no-outcome"),
        (make_event(timestamp=AT, session_id=""), "no-session"),
    ],
)
def test_what_is_odd_is_kept_and_flagged(event: dict[str, dict[str, Any] | str], flag: str) -> None:
    assert flag in FLAGS
    assert check(event, NOW)["flags"] == [flag]


@pytest.mark.parametrize("away", [timedelta(minutes=4, seconds=59), -timedelta(days=29)])
def test_a_clock_that_is_a_little_off_is_not_flagged(away: timedelta) -> None:
    assert checked(timestamp=(NOW + away).isoformat())["flags"] == []


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(TAG, TAG), ("lesson-03-exercise-1", TAG), ("", None), (None, None), ("assignment:", None)],
)
def test_an_assignment_has_its_prefix_or_is_not_there(sent: str | None, stored: str | None) -> None:
    row = check(changed("object", assignment=sent), NOW)
    assert row["object"].get("assignment") == stored
    assert row["flags"] == []


@pytest.mark.parametrize(("sent", "stored"), [("check", "check"), ("work", "work"), (None, None), ("", None)])
def test_a_check_cell_says_that_it_is_one(sent: str | None, stored: str | None) -> None:
    assert checked(**changed("object", part=sent))["object"].get("part") == stored


RAISED = {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": ["secret"]}


@pytest.mark.parametrize("replied", ["ok", "aborted", "error", None])
def test_an_error_among_the_outputs_is_one_whatever_the_kernel_replied(replied: str | None) -> None:
    shown = [{"output_type": "stream", "name": "stdout", "text": "secret"}, RAISED]
    result = checked(result={"outcome": replied, "outputs": shown})["result"]
    assert (result["outcome"], result["error_name"], result["error_value"]) == (
        "error",
        "ZeroDivisionError",
        "division by zero",
    )
    assert "secret" not in json.dumps(result)


def test_text_on_stderr_is_no_error_and_a_named_error_stays() -> None:
    stderr = [{"output_type": "stream", "name": "stderr", "text": "warning"}]
    assert checked(result={"outcome": "ok", "outputs": stderr})["result"] == {"outcome": "ok"}
    named = {"outcome": "error", "errors": [{"name": "E1", "value": "x"}], "outputs": [RAISED]}
    assert checked(result=named)["result"] == {"outcome": "error", "errors": [{"name": "E1", "value": "x"}]}


def test_source_that_was_not_hashed_is_not_kept_and_long_messages_are_cut() -> None:
    event = changed("object", source="x = 1", code="x = 1")
    row = check(event, NOW)
    assert "source" not in row["object"]
    assert event["object"]["source"] == "x = 1", "what was sent stays as it is"
    long = check(changed("result", error_value="v" * 3000, errors=[{"name": "E", "value": "v" * 3000}]), NOW)
    assert (len(long["result"]["error_value"]), len(long["result"]["errors"][0]["value"])) == (2000, 2000)


def read(body: bytes) -> list[batch_parser.ParsedEvent]:
    return parse_batch(decode_batch(body), NOW)


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        (rb'{"id": "a\u0000b"}', "$.id"),
        (rb'{"session_id": "\ud800"}', "$.session_id"),
        (b'{"object": {"id": "\xff"}}', "$.object.id"),
        (b'{"result": {"duration_ms": 18446744073709551616}}', "$.result.duration_ms"),
        (b'{"result": {"duration_ms": ' + b"9" * 5000 + b"}}", "$.result.duration_ms"),
        (b'{"result": {"duration_ms": 1e999}}', "$.result.duration_ms"),
        (b'{"result": {"duration_ms": NaN}}', "$.result.duration_ms"),
        *((b'{"object": ' + b"[" * depth + b"]" * depth + b"}", "$.object[0]") for depth in (100, 120, 1_000, 100_000)),
        (b'{"context": ' + b'{"]}": [' * 50_000 + b'"\\"["' + b"]}" * 50_000 + b"}", "100 levels at $.context"),
        (b"[" * 10_000 + b"]" * 10_000, "100 levels at $[0]"),
    ],
    ids=lambda value: str(value)[2:30],
)
@pytest.mark.parametrize("frame", [b"[%s,%s,%s]", b'{"events": [%s,%s,%s]}'])
def test_an_event_that_cannot_be_stored_costs_no_other(frame: bytes, bad: bytes, place: str) -> None:
    good = json.dumps(make_event()).encode()
    found = read(frame % (good, bad, good))
    assert found[0].row == found[2].row == check(json.loads(good), NOW)
    assert [one.rejection and one.rejection.code for one in found] == [None, "unstorable-text", None]
    assert place in found[1].rejection.text()
    assert json.dumps(found[1].rejection.values)


@pytest.mark.parametrize("frame", [b"[%s]", b'{"events": [%s]}'])
def test_an_event_may_have_a_hundred_levels(frame: bytes) -> None:
    event = json.dumps(make_event()).encode()
    for inner, codes in ((98, [None]), (99, ["unstorable-text"])):
        deep = event.replace(b'"python3"', b"[" * inner + b"]" * inner)
        assert [one.rejection and one.rejection.code for one in read(frame % deep)] == codes


def test_an_event_that_is_too_large_costs_no_other() -> None:
    big = changed("object", output="x" * 2_000_000)
    found = read(json.dumps([make_event(), big, make_event()]).encode())
    assert [one.rejection and one.rejection.code for one in found] == [None, "too-large", None]
    assert found[1].id == big["id"]
    fits = make_event()
    fits["object"]["pad"] = "x" * (MAX_BYTES - len(json.dumps(fits, separators=(",", ":"))) - len(',"pad":""'))
    assert read(json.dumps([fits, fits]).encode())[0].rejection is None
    fits["object"]["pad"] += "x"
    assert read(json.dumps([fits, fits]).encode())[0].rejection.code == "too-large"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"7", b'"x"', b"{}", b"[]", b'{"events": []}', b'{"events": {}}', b'{"events": null}',
     b"[" + b"{}," * 500 + b"{}]", b"[" * 10_000, b"[{]", b"\xff",
     b"[" * 10_000 + b"]" * 9_999, b'[{"a":' * 10_000 + b'"', b'["' + b'\\"' * 100_000],
)  # fmt: skip
def test_a_body_that_is_no_list_of_events_is_refused_whole(body: bytes) -> None:
    with pytest.raises(InvalidBatch) as caught:
        decode_batch(body)
    assert caught.value.slug == "invalid-batch"
    assert caught.value.sentence()


@pytest.mark.parametrize("frame", [b"[%s]", b'{"events":[%s]}'])
def test_a_list_that_is_too_long_is_told_by_its_length_whatever_it_holds(frame: bytes) -> None:
    with pytest.raises(InvalidBatch) as caught:
        decode_batch(frame % (b"{}," * 500 + b'"\\u0000"'))
    assert caught.value.values["count"] == 501


def test_both_forms_of_a_body_and_500_events_are_taken() -> None:
    assert len(decode_batch(b"[" + b"{}," * 499 + b"{}]").events) == 500
    assert decode_batch(b'{"events": [1], "more": 2}').events == [1]


def test_what_is_kept_of_a_rejected_event_has_no_source_and_can_be_stored() -> None:
    event = {"id": "x\0\ud800", "object": {"code": "secret", "source": "secret", "id": "c"}}
    kept = copy_rejected(event)
    assert json.loads(kept.raw) == {"id": "x\0\ud800", "object": {"id": "c"}}
    assert "\0" not in kept.raw
    assert kept.raw.isascii()
    assert not kept.cut
    large = {"result": {"errors": [{"name": "ñ" * 1000, "value": "ñ" * 1000}] * 50}}
    assert copy_rejected(large).cut
    assert len(copy_rejected(large).raw) == 16 * 1024
    assert not copy_rejected({"a": "ñ" * MAX_BYTES}).cut
    assert copy_rejected({"a": 1}).fingerprint != copy_rejected({"a": 2}).fingerprint


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(
    event=st.fixed_dictionaries(
        {},
        optional={name: st.just(value) | _JSON for name, value in make_event(actor="ada").items()},
    )
    | _JSON
)
def test_whatever_is_sent_is_read_or_rejected_with_a_sentence(event: Any) -> None:
    (found,) = read(json.dumps([event]).encode())
    assert (found.row is None) != (found.rejection is None)
    if found.rejection:
        assert found.rejection.text()
        json.dumps(found.rejection.values, ensure_ascii=False, allow_nan=False).encode()
        kept = copy_rejected(found.document)
        kept.raw.encode()
        assert "\0" not in kept.raw


def test_a_code_that_is_not_listed_is_a_fault() -> None:
    codes = {value for name, value in vars(rejections).items() if name.isupper() and isinstance(value, str)}
    assert codes == set(SENTENCES)
