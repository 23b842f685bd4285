"""Whatever a client sends, a parser returns or raises a Problem, and ends: no other exception, and no endless work."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from learntrace.accounts import filters as account_filters
from learntrace.accounts.authentication import names_hub, read_key
from learntrace.accounts.roster.file import RosterFileError, Value, _read_json, _read_yaml
from learntrace.accounts.roster.spreadsheet import read_csv
from learntrace.core.errors import Problem
from learntrace.core.http import filters
from learntrace.core.http.language import choose_language
from learntrace.core.http.pagination import Pages, sorted_items
from learntrace.core.json import decode, refuse_unstorable
from learntrace.core.quoting import listed, quoted, unquoted
from learntrace.intake.body import unpack
from learntrace.learnpack import payloads
from learntrace.learnpack.ignore import rules
from learntrace.learnpack.webhook_log.search import position_of
from learntrace.measures import timestamps
from learntrace.notebooks.inbox.batch_parser import decode_batch, parse_batch

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["9999-12-31T23:59:59Z", "0001-01-01", "-1", "1e400", "9" * 400, "\0", "\ud800", 2**64, 10**400])
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
EVENTS = DOCUMENTS | st.fixed_dictionaries({"verb": SCALARS, "timestamp": SCALARS, "object": DOCUMENTS})
# The characters that mean something to one of the parsers, more often than others.
TEXTS = st.text(
    st.sampled_from("\"'\\,;:=-*&<>[]{}()\n\r\t %+._/0159aTZPq!|#?@`~\0\ud800é") | st.characters(), max_size=60
)
# What a log of requests shows of a parser's work: megabytes of what makes careless patterns look back.
LONG = [" ", "\n", '"', ",", "\\", '",', "a-", "1", "-", "a,", ' "', ";q=", "[", "{", '"\n', "é", "\t,"]


def _request(query: str) -> Any:
    return SimpleNamespace(query_params=QueryDict(query), build_absolute_uri=lambda: "http://learntrace/list")


def _page(query: str) -> object:
    return Pages.answer_items(list(range(5)), _request(query), list)


PARSERS: dict[str, Callable[[str], object]] = {
    "Accept-Language": choose_language,
    "Authorization": read_key,
    "Authorization of a hub": names_hub,
    "Content-Encoding": lambda text: unpack(b"{}", text, 1000),
    "a filter of ids": lambda text: filters.ids(_request(""), text) or filters.natural(text),
    "a filter's words": lambda text: [
        filters.words(_request(f"a={text}"), "a"),
        filters.ids(_request(f"a={text}"), "a"),
    ],
    "a filter's time": lambda text: account_filters.moment(_request(f"a={text}"), "a"),
    "a filter's choice": lambda text: account_filters.one_of(_request(f"a={text}"), "a", ("x",)),
    "a page's limits": lambda text: _page(f"limit={text}&offset={text}&envelope={text}"),
    "an order": lambda text: sorted_items([3, 1], _request(f"sort={text}"), {"a": lambda number: number}),
    "a list of values": listed,
    "a quoted value": unquoted,
    "a position": position_of,
    "a time": timestamps.parse,
    "a time to order by": timestamps.interaction_order,
    "a JSON body": lambda text: decode(text.encode(errors="surrogatepass")),
    "a batch of events": lambda text: parse_batch(decode_batch(text.encode(errors="surrogatepass")), NOW),
    "a YAML roster": _read_yaml,
    "a JSON roster": _read_json,
    "a CSV roster": read_csv,
}


def assert_parsed_or_refused(parse: Callable[[Any], object], given_value: object) -> None:
    assert _refusal(parse, given_value) != "", "a refusal says why"


def _refusal(parse: Callable[[Any], object], given_value: object) -> str | None:
    """Return why the parser refuses the value, None where it doesn't."""
    refusals: tuple[type[Exception], ...] = (Problem, RosterFileError, rules.IgnoreRulesError)
    if parse in (_read_yaml, _read_json, read_csv):
        refusals += (RecursionError,)  # `read_file` makes a sentence of it for all of its formats
        # What is decoded from UTF-8, as a file is, has no halves of surrogate pairs.
        given_value = str(given_value).encode(errors="replace").decode()
    try:
        parse(given_value)
    except refusals as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@settings(max_examples=25)
@given(text=TEXTS)
def test_any_text_is_parsed_or_refused(parse: Callable[[str], object], text: str) -> None:
    assert_parsed_or_refused(parse, text)


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
def test_a_long_text_is_parsed_or_refused_at_once(parse: Callable[[str], object]) -> None:
    began = time.process_time()
    for part in LONG:
        assert_parsed_or_refused(parse, part * (30_000 // len(part)))
    assert time.process_time() - began < 5


@settings(max_examples=30)
@given(document=DOCUMENTS)
def test_any_document_is_understood_or_refused(document: Any) -> None:
    payload = (
        document if isinstance(document, dict) else {"asset_id": document, "package_id": document, "user_id": document}
    )
    assert_parsed_or_refused(payloads.package_id, payload)
    assert_parsed_or_refused(payloads.asset_id_raw, payload)
    for parse in (payloads.natural_id, payloads.asset_id_candidates, payloads.as_text, timestamps.parse, rules.clean):
        assert_parsed_or_refused(parse, document)
    assert_parsed_or_refused(rules.clean, {"rules": [document], "user_ids": document})


def _nested(depth: int) -> object:
    document: object = 1
    for _level in range(depth):
        document = {"a": [document]} if depth % 2 else [document]
    return document


@given(
    st.dictionaries(
        st.text(max_size=4),
        st.sampled_from([2**63, 2**63 - 1, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**18, 10**19, 10**40])
        | st.integers(1, 130).map(_nested)
        | st.sampled_from(["\0", "9" * 30, "[" * 150, "{" * 150 + '"', "\\u0000", "\\"]),
        max_size=6,
    ),
    st.booleans(),
)
def test_a_document_is_refused_if_and_only_if_the_database_could_not_hold_it(document: Any, ascii_only: bool) -> None:
    """The text of most documents shows that they can be stored; walking through them must say the same."""
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    try:
        refuse_unstorable(json.loads(body))
    except Problem:
        with pytest.raises(Problem):
            decode(body)
    else:
        assert decode(body) == document


@settings(max_examples=30)
@given(events=st.lists(EVENTS, min_size=1, max_size=3))
def test_any_events_are_taken_or_rejected_one_by_one(events: list[Any]) -> None:
    body = json.dumps(events).encode()
    try:
        batch = decode_batch(body)
    except Problem:
        return
    assert [event.row is None for event in parse_batch(batch, NOW)] == [True] * len(events)


@settings(max_examples=30)
@given(values=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=10)))
def test_what_is_quoted_is_read_back(values: list[str]) -> None:
    assert listed(",".join(quoted(value) for value in values)) == values


def test_a_yaml_roster_keeps_its_values() -> None:
    value = _read_yaml("users: [&a {id: 1}, *a]\n")
    assert isinstance(value, Value)
    assert value.plain() == {"users": [{"id": 1}, {"id": 1}]}
