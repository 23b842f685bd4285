"""Whatever texts a client sends, what is decoded can be stored, or the place of a key or an id is told."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.core.json import JSONProblem, decode, refuse_unstorable
from learntrace.intake.text_repair import MOST_PLACES, decode_repaired, repair

TEXTS = st.text(st.sampled_from('a\0\ud83d\ude00\udfff\u00e9\U0001f600\ufffd\\"/'), max_size=6)
KEYS = st.sampled_from(["a", "text", "id", "user_id", "b\u00e9"]) | TEXTS
DOCUMENTS = st.recursive(
    TEXTS | st.integers(-5, 5) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)


def is_id(key: str) -> bool:
    return key == "id" or key.endswith("_id")


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, child in value.items() for text in (key, *texts(child))]
    if isinstance(value, list):
        return [text for child in value for text in texts(child)]
    return [value] if isinstance(value, str) else []


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=5))
def test_what_is_decoded_can_be_stored_and_else_is_refused(document: dict[str, Any]) -> None:
    # As a client's JSON says it, two halves that stand together are one character.
    body = json.dumps(document).encode()
    told = json.loads(body)
    try:
        repaired = decode_repaired(body, is_id)
    except JSONProblem:
        with pytest.raises(JSONProblem):
            refuse_unstorable(repair(told, is_id).document)
        return
    refuse_unstorable(repaired.document)
    assert "\0" not in "".join(texts(repaired.document))
    "".join(texts(repaired.document)).encode()
    assert repaired.document == repair(told, is_id).document
    assert bool(repaired.places) == (repaired.document != told)
    assert len(repaired.places) <= MOST_PLACES


@given(DOCUMENTS)
def test_a_repair_changes_nothing_of_what_it_was_given(document: Any) -> None:
    before = json.dumps(document)
    repaired = repair(document, is_id)
    assert json.dumps(document) == before
    if not repaired.places:
        assert repaired.document is document


def test_a_document_without_such_texts_is_decoded_as_ever() -> None:
    body = b'{"a": ["\\ud83d\\ude00", 1.5, {"id": "x"}]}'
    assert decode_repaired(body, is_id).document == decode(body) == {"a": ["\U0001f600", 1.5, {"id": "x"}]}


@pytest.mark.parametrize(
    "body", [b'{"a": "\\ud800", "b": 1e999}', b'{"a": "\\u0000", "b": ' + b"9" * 5000 + b"}", b'{"a": "\\ud800"']
)
def test_what_else_is_wrong_is_still_refused(body: bytes) -> None:
    with pytest.raises(JSONProblem):
        decode_repaired(body, is_id)


def test_a_body_full_of_such_texts_takes_no_longer_than_another_bad_one() -> None:
    body = b'{"a": [' + b",".join([b'"\\ud800"'] * 200_000) + b"]}"
    begun = time.process_time()
    repaired = decode_repaired(body, is_id)
    assert time.process_time() - begun < 5
    assert (len(repaired.places), repaired.document["a"][-1]) == (MOST_PLACES, "\ufffd")
