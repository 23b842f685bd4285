from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures.timestamps import interaction_order, parse

JANUARY = datetime(2024, 1, 15, 10, 0, tzinfo=UTC)
JANUARY_MS = 1705312800000
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary()


@pytest.mark.parametrize(
    "value",
    [
        JANUARY_MS,
        float(JANUARY_MS),
        str(JANUARY_MS),
        f"{JANUARY_MS}.0",
        f" {JANUARY_MS} ",
        f"{JANUARY_MS}\n",
        "1.7053128e12",
    ],
)
def test_numbers_and_numeric_text_are_epoch_milliseconds(value: float | str) -> None:
    assert parse(value) == JANUARY


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15T10:00:00Z",
        "2024-01-15T10:00:00",
        "2024-01-15 10:00:00",
        "2024-01-15 10:00:00Z",
        "2024-01-15t10:00:00z",
        " 2024-01-15T10:00Z\n",
        "2024-01-15T10",
        "20240115T100000Z",
        "2024-01-15T10:00:00.000000000Z",
        "2024-01-15T10:00:00,000Z",
        "2024-01-15T11:00:00+01:00",
        "2024-01-15T15:30:00+0530",
        "2024-01-15T05:00:00-05",
    ],
)
def test_iso_text_is_converted_to_utc_and_naive_text_is_utc(text: str) -> None:
    assert parse(text) == JANUARY
    assert parse(text).tzinfo is UTC


def test_a_date_alone_is_its_midnight() -> None:
    assert parse("2024-01-15") == datetime(2024, 1, 15, tzinfo=UTC)


def test_a_compact_date_is_a_number() -> None:
    assert parse("20240115") == datetime(1970, 1, 1, 5, 37, 20, 115000, tzinfo=UTC)


def test_zero_is_1970_and_negative_is_before() -> None:
    assert parse(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert parse(-1) == datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


def test_microseconds_survive() -> None:
    assert parse("1705312800123.456") == JANUARY + timedelta(microseconds=123456)
    assert parse("2024-01-15T10:00:00.1234569Z") == JANUARY + timedelta(microseconds=123456)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        "   ",
        [],
        {},
        [JANUARY_MS],
        JANUARY,
        "soon",
        "1e999",
        "-1e999",
        "nan",
        "inf",
        float("nan"),
        float("inf"),
        float("-inf"),
        1e300,
        10**400,
        -(10**400),
        10**17,
        pytest.param("9" * 5000, id="5000 digits"),
        pytest.param(10**5000, id="an int of 5001 digits"),
        "2024-13-01",
        "2024-02-30",
        "0000-01-01",
        "2024-W03-1",
        "2024-01-15T24:00:00Z",
        "2024-01-15T10:00:60Z",
        "2024-01-15T10:00:00+25:00",
        "2024-01-15X10:00:00",
        "2024-01-15T",
        "٢٠٢٤-01-15",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\ud800",
        "\0",
    ],
)
def test_anything_else_and_out_of_range_is_null(value: Any) -> None:
    assert parse(value) is None
    assert interaction_order(value) is None


@given(ANYTHING)
def test_it_never_raises_and_answers_in_utc(value: Any) -> None:
    for moment in (parse(value), interaction_order(value)):
        assert moment is None or moment.utcoffset() == timedelta(0)


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_isoformat_writes_is_read_back(moment: datetime) -> None:
    assert parse(moment.isoformat()) == moment
    assert parse(moment.isoformat(sep=" ")) == moment
    assert parse(moment.replace(tzinfo=None).isoformat() + "Z") == moment


@given(st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999))
def test_whole_milliseconds_are_exact(milliseconds: int) -> None:
    assert (parse(milliseconds) - parse(0)) // timedelta(milliseconds=1) == milliseconds


@pytest.mark.parametrize(
    "value", [JANUARY_MS // 1000, JANUARY_MS / 1000, str(JANUARY_MS // 1000), JANUARY_MS, "2024-01-15T10:00:00Z"]
)
def test_seconds_milliseconds_and_iso_order_alike(value: float | str) -> None:
    assert interaction_order(value) == JANUARY


def test_a_later_batch_in_seconds_is_newer_than_an_earlier_one_in_milliseconds() -> None:
    assert interaction_order(JANUARY_MS // 1000 + 1) > interaction_order(JANUARY_MS)
    assert parse(JANUARY_MS // 1000 + 1) < parse(JANUARY_MS)


def test_the_limit_between_seconds_and_milliseconds_is_1e11() -> None:
    assert interaction_order(10**11) == parse(10**11)
    assert interaction_order(10**11 - 1).year == 5138
