"""What of a browser's event is kept, what never leaves, and what can't be kept."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace.capture import MOST_BYTES, Unacceptable, capture_event, code_hash

from tests.jupyter_package.jupyter import an_event


def sent(event: Any, **options: Any) -> Any:
    return json.loads(capture_event(event, **options).body)


def refused(event: Any) -> str:
    with pytest.raises(Unacceptable) as caught:
        capture_event(event)
    assert caught.value.sentence.language("es") != caught.value.sentence.language("en")
    return caught.value.code


def test_an_execution_leaves_with_a_hash_in_place_of_its_source() -> None:
    event = an_event()
    expected = json.loads(json.dumps(event))
    del expected["object"]["source"]
    expected["object"]["code_hash"] = hashlib.sha256(b"print(1)").hexdigest()
    assert sent(event) == expected


def test_source_leaves_only_where_the_academy_collects_it() -> None:
    assert sent(an_event(), with_source=True)["object"]["code"] == "print(1)\n"
    assert "print" not in capture_event(an_event()).body


def test_long_source_is_told_by_its_hash_alone() -> None:
    event = an_event()
    event["object"]["source"] = "x = 'ñ'\n" * 8000
    kept = sent(event, with_source=True)["object"]
    assert "code" not in kept
    assert kept["code_hash"] == code_hash(event["object"]["source"])


def test_a_browser_can_name_no_actor_and_nothing_unknown() -> None:
    event = an_event(actor="grace", user_id=1, env={"SECRET": "1"})
    event["object"] |= {"code": "x", "code_hash": "0" * 64, "outputs": ["secret"], "environment": {}}
    event["result"] |= {"outputs": ["secret"], "traceback": ["secret"]}
    event["context"] |= {"user": "grace", "path": "/home/ada"}
    assert (
        capture_event(event).body
        == capture_event({**an_event(), **{key: event[key] for key in ("id", "session_id")}}).body
    )


@pytest.mark.parametrize(
    "source", ["a = 1\nb = 2", "a = 1  \nb = 2\t\n", "a = 1\r\nb = 2\r\n", "a = 1\rb = 2", "a = 1\nb = 2\n\n  \n"]
)
def test_line_ends_and_trailing_blanks_change_no_hash(source: str) -> None:
    assert code_hash(source) == hashlib.sha256(b"a = 1\nb = 2").hexdigest()


@pytest.mark.parametrize("source", ["a = 1\n\nb = 2", " a = 1\nb = 2", "\na = 1\nb = 2", "a  = 1\nb = 2"])
def test_every_other_blank_changes_it(source: str) -> None:
    assert code_hash(source) != code_hash("a = 1\nb = 2")


def test_error_values_are_cut_to_what_learntrace_keeps() -> None:
    event = an_event(
        result={"outcome": "error", "error_value": "x" * 3000, "errors": [{"name": "E", "value": "y" * 3000}]}
    )
    result = sent(event)["result"]
    assert (len(result["error_value"]), len(result["errors"][0]["value"])) == (2000, 2000)


def test_what_no_database_stores_is_replaced() -> None:
    event = json.loads(json.dumps(an_event(result={"outcome": "error", "error_value": "a\x00b"})))
    event["object"]["notebook"] = json.loads('"\\ud83d.ipynb"')
    kept = sent(event)
    assert kept["result"]["error_value"] == "a\ufffdb"
    assert kept["object"]["notebook"] == "\ufffd.ipynb"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("executed", "not-an-object"),
        (None, "not-an-object"),
        ([], "not-an-object"),
        (an_event(id=None), "invalid-id"),
        (an_event(id="7"), "invalid-id"),
        (an_event(id="0" * 36), "invalid-id"),
        (an_event(result={"duration_ms": float("inf")}), "invalid-object"),
        (an_event(result={"error_name": "x" * MOST_BYTES}), "too-large"),
    ],
)
def test_what_cannot_be_kept_says_why(event: Any, code: str) -> None:
    assert refused(event) == code


def test_lists_in_lists_in_lists_are_refused() -> None:
    event = an_event()
    for _ in range(900):
        event["object"]["tags"] = [event["object"]["tags"]]
    assert refused(event) == "invalid-object"


@pytest.mark.parametrize("field", ["verb", "timestamp", "object", "result", "context"])
def test_what_is_wrong_in_other_ways_is_left_to_learntrace_which_keeps_it_with_its_reason(field: str) -> None:
    assert sent(an_event(**{field: 17}))[field] == 17


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in [*value, *(value.values() if isinstance(value, dict) else ())]:
            yield from texts(one)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(
    st.dictionaries(st.sampled_from(["verb", "object", "result", "context", "session_id", "x"]), JSON), st.booleans()
)
def test_whatever_a_browser_posts_is_kept_as_sound_json_or_refused(event: dict[str, Any], with_source: bool) -> None:
    with suppress(Unacceptable):
        kept = capture_event({**event, "id": an_event()["id"]}, with_source=with_source)
        found = json.loads(kept.body.encode())
        assert set(found) <= {"id", "verb", "object", "result", "context", "session_id"}
        assert not [text for text in texts(found) if "\x00" in text]
