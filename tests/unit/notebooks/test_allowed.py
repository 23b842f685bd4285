"""What a notebook event may carry: the keys of a list, whatever a client sends under whatever name."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace import capture

from learntrace.notebooks.inbox.batch_parser import copy_rejected, decode_batch, parse_batch
from learntrace.notebooks.validation.allowed import CODE, CONTEXT, EVENT, OBJECT, RESULT, copy_of_rejected
from learntrace.notebooks.validation.event import check, check_counting
from tests.support.notebooks import make_event

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
AT = "2026-11-22T10:29:59.500Z"
MARK = "def secret(): ..."
HIDDEN: dict[str, Any] = {
    "source": MARK, "cell": {"source": MARK}, "outputs": [{"text": MARK}], "traceback": [MARK], "input": MARK, "In": [MARK],
    MARK: 1,
}  # fmt: skip


def full_of_code(**fields: Any) -> dict[str, Any]:
    event = make_event(timestamp=AT)
    for section in ("object", "result", "context"):
        event[section] = {**event[section], **HIDDEN}
    return {**event, **HIDDEN, "code": MARK, **fields}


def test_what_is_not_on_the_list_is_dropped_and_counted() -> None:
    (plain, none), (row, dropped) = check_counting(make_event(timestamp=AT), NOW), check_counting(full_of_code(), NOW)
    # With the `code` at the top, and without `result.outputs`, which are read before they are dropped.
    assert (none, dropped) == (0, 4 * len(HIDDEN) + 1 - 1)
    assert {**row, "id": ""} == {**plain, "id": ""}
    assert MARK not in json.dumps(row)


def test_values_of_another_form_are_dropped_too() -> None:
    context = {"frontend": "lab", "version": {"nested": MARK}, "kernel": "k" * 201}
    result = {"outcome": "error", "errors": [{"name": "E", "value": "v", "source": MARK}]}
    row, dropped = check_counting(make_event(timestamp=AT, context=context, result=result), NOW)
    assert row["context"] == {"frontend": "lab"}
    assert row["result"]["errors"] == [{"name": "E", "value": "v"}]
    assert dropped == 3
    tags = check(make_event(timestamp=AT, object={"tags": ["a", "t" * 5000]}), NOW)["object"]["tags"]
    assert tags == ["a", "t" * 200]


@pytest.mark.parametrize(
    "event",
    [
        full_of_code(verb="danced"),
        full_of_code(id=7),
        full_of_code(object=MARK),
        full_of_code(result=[{"text": MARK}], verb="danced"),
        full_of_code(context=[[MARK]], verb={"source": MARK}),
        full_of_code(result={"errors": [MARK, {"name": {"x": MARK}}]}, verb="danced"),
        full_of_code(timestamp={"code": MARK}),
        [MARK],
        MARK,
        {"cells": [{"source": [MARK]}]},
    ],
)
def test_a_rejected_event_keeps_no_code_under_any_name(event: Any) -> None:
    kept = copy_rejected(event)
    assert MARK not in kept.raw
    assert kept.dropped > 0


def test_a_part_that_is_a_text_where_an_object_belongs_leaves_nothing() -> None:
    kept, dropped = copy_of_rejected({"id": "x", "object": MARK, "result": MARK, "context": MARK})
    assert (kept, dropped) == ({"id": "x", "object": None, "result": None, "context": None}, 3)


def test_a_batch_counts_what_it_drops() -> None:
    body = json.dumps([full_of_code(), make_event(timestamp=AT), full_of_code(verb="danced")]).encode()
    found = parse_batch(decode_batch(body), NOW)
    assert [event.rejection is None for event in found] == [True, True, False]
    assert [event.dropped for event in found] == [4 * len(HIDDEN), 0, 0]


def test_the_extension_sends_nothing_that_would_be_dropped() -> None:
    assert {*capture.OBJECT, "code_hash", CODE} == OBJECT
    assert set(capture.RESULT) == RESULT
    assert set(capture.CONTEXT) == CONTEXT
    assert {"id", "verb", "timestamp", "session_id", "object", "result", "context"} <= EVENT


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*EVENT, "code", "x"]), _JSON, max_size=8))
def test_nothing_but_the_listed_keys_is_left_of_whatever_is_rejected(event: dict[str, Any]) -> None:
    kept, _dropped = copy_of_rejected(event)
    assert set(kept) <= EVENT
    for section, keys in (("object", OBJECT - {CODE}), ("result", RESULT), ("context", CONTEXT)):
        assert kept.get(section) is None or set(kept[section]) <= keys
