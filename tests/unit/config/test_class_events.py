"""The real class as notebook events: the same each time, in the order and at the pace that is wanted."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learntrace.config.demo.class_events import arranged, chosen_compilations, events_of, tag_of
from learntrace.measures.failures import from_result
from learntrace.notebooks.validation.event import CLOCK_BEHIND, check

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def compilations() -> Any:
    return chosen_compilations(["hw03", "hw04"], 40)


@pytest.fixture(scope="module")
def events(compilations: Any) -> Any:
    return events_of(compilations, "downtown")


def test_each_compilation_is_one_event_that_the_server_takes(compilations: Any, events: Any) -> None:
    assert len(events) == sum(map(len, compilations.values()))
    assert len({timed.event["id"] for timed in events}) == len(events)
    for timed in events:
        row = check(timed.event, NOW)
        assert row["flags"] == [CLOCK_BEHIND]
        assert row["code_hash"] is None


def test_the_errors_of_a_compilation_arrive_as_they_are(compilations: Any, events: Any) -> None:
    own = {(timed.event["actor"], timed.at, timed.event["object"]["assignment"]): timed.event for timed in events}
    for homework, rows in compilations.items():
        for one in rows:
            event = own[one.student[:12], one.at, tag_of(homework)]
            expected = one.activity(homework, 0)
            assert event["result"]["outcome"] == expected.outcome
            assert from_result(event["result"]) == expected.failures


def test_it_is_the_same_class_each_time_and_another_one_in_another_academy(compilations: Any, events: Any) -> None:
    assert events_of(compilations, "downtown") == events
    ids = {timed.event["id"] for timed in events}
    assert ids.isdisjoint(timed.event["id"] for timed in events_of(compilations, "uptown"))


def test_an_hour_of_silence_begins_a_new_session(events: Any) -> None:
    last: dict[Any, Any] = {}
    for timed in events:
        key = timed.event["actor"], timed.event["object"]["notebook"]
        if key in last:
            goes_on = timed.at - last[key].at <= timedelta(hours=1)
            assert (timed.event["session_id"] == last[key].event["session_id"]) is goes_on
        last[key] = timed
    assert len({timed.event["session_id"] for timed in events}) > len(last)


def test_from_now_it_happens_again_at_the_speed_that_is_wanted(compilations: Any, events: Any) -> None:
    live = events_of(compilations, "downtown", NOW, 60)
    assert [timed.event["actor"] for timed in live] == [timed.event["actor"] for timed in events]
    assert live[0].at == NOW
    assert live[0].event["timestamp"] == "2026-11-23T09:00:00.000Z"
    spans = [(one[-1].at - one[0].at).total_seconds() for one in (events, live)]
    assert spans[0] / spans[1] == pytest.approx(60)
    assert {timed.event["id"] for timed in live}.isdisjoint(timed.event["id"] for timed in events)


def test_sent_twice_and_shuffled_nothing_is_missing(events: Any) -> None:
    sent = arranged(events, twice=True, seed=3)
    assert Counter(timed.event["id"] for timed in sent) == {timed.event["id"]: 2 for timed in events}
    assert sent != [*events, *events]
    assert sent == arranged(events, twice=True, seed=3)
    assert arranged(events, twice=False, seed=None) == events


def test_a_batch_of_the_class_fits_a_request(events: Any) -> None:
    largest = max(len(json.dumps([timed.event for timed in events[n : n + 500]])) for n in range(0, len(events), 500))
    assert largest < 5 * 2**20
