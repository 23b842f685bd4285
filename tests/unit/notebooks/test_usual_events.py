"""The short way through the validation of events leads to the same row as the long one, for every event that may take it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.notebooks.validation.event import OUTCOMES, PARTS, TYPES, VERBS, check_counting
from learntrace.notebooks.validation.rejections import Rejection
from learntrace.notebooks.validation.usual import usual_row
from tests.support.notebooks import make_event

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
AT = "2026-11-22T10:29:59.500Z"
# What a value may be that isn't the usual one.
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x", "x" * 201, "x" * 2001, 0, -1, 2**64 - 1, 1.5, True, [], ["x"], {}]
)


def section(**usual: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the keys, mostly with usual values, and now and then a key that nobody knows."""
    keys = {name: values | values | values | ODD for name, values in usual.items()}
    return st.fixed_dictionaries({}, optional={**keys, "unknown": ODD} if usual else keys)


TAGS = st.sampled_from(
    ["assignment:lesson-01-exercise-1", "lesson-01-exercise-1", "assignment:", "assignment:Upper", "assignment:a\n"]
)
OBJECTS = section(
    type=st.sampled_from(TYPES),
    id=st.text(max_size=5),
    notebook=st.text(max_size=5),
    assignment=TAGS,
    part=st.sampled_from(PARTS),
    tags=st.lists(TAGS, max_size=2),
    code_hash=st.sampled_from(["a" * 64, "A" * 64, "a" * 63, "a" * 64 + "\n"]),
    code=st.text(max_size=5),
)
RESULTS = section(
    outcome=st.sampled_from(OUTCOMES),
    error_name=st.text(max_size=5),
    error_value=st.text(max_size=5),
    duration_ms=st.integers(-1, 10) | st.floats(-1, 10),
    execution_count=st.integers(-1, 10),
    characters=st.integers(0, 10),
)
TIMES = st.sampled_from(
    [
        AT,
        "2026-11-22T10:29:59Z",
        "2026-02-30T10:00:00.000Z",
        "2026-11-22T11:29:59.500Z",
        "2025-11-22T10:29:59.500Z",
        AT + "\n",
    ]
)
IDS = st.sampled_from(
    [
        "8d2c6a9e-3b55-4f0e-9d6f-0b1f5f6f2c11",
        "8D2C6A9E-3B55-4F0E-9D6F-0B1F5F6F2C11",
        "8d2c",
        "8d2c6a9e-3b55-4f0e-9d6f-0b1f5f6f2c11\n",
    ]
)
EVENTS = st.fixed_dictionaries(
    {"id": IDS, "verb": st.sampled_from(VERBS) | ODD, "timestamp": TIMES, "object": OBJECTS | ODD},
    optional={
        "session_id": st.text(max_size=5) | ODD,
        "result": RESULTS | ODD,
        "context": section(frontend=st.text(max_size=5), version=st.text(max_size=5), kernel=st.text(max_size=5)) | ODD,
        "actor": st.text(max_size=5) | ODD,
        "unknown": ODD,
    },
)


def test_what_our_clients_send_takes_the_short_way() -> None:
    event = make_event(timestamp=AT)
    row = usual_row(event, NOW)
    assert row is not None
    assert (row, 0) == check_counting(event, NOW)


@given(EVENTS)
def test_the_short_way_leads_to_the_same_row_without_a_flag_or_a_loss(event: Any) -> None:
    row = usual_row(event, NOW)
    if row is not None:
        assert (row, 0) == check_counting(event, NOW)
        assert row["flags"] == []


@given(EVENTS)
def test_what_is_rejected_takes_the_long_way(event: Any) -> None:
    try:
        check_counting(event, NOW)
    except Rejection:
        assert usual_row(event, NOW) is None


@pytest.mark.parametrize("event", [None, [], "x", 1, {}])
def test_what_is_no_event_takes_the_long_way(event: object) -> None:
    assert usual_row(event, NOW) is None
