"""Quiet hours on a teacher's clock, over midnight and where the clock is changed, and digests."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.core.time_zones import zone_of
from learntrace.signals.notifications.quiet import Timing

MADRID = "Europe/Madrid"
NIGHT = Timing(time(22), time(7, 30), MADRID)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "goes_out"),
    [
        ("2026-11-25 20:59", "2026-11-25 20:59"),  # 21:59 there
        ("2026-11-25 21:00", "2026-11-26 06:30"),
        ("2026-11-25 23:30", "2026-11-26 06:30"),  # past midnight there
        ("2026-11-26 06:29:59", "2026-11-26 06:30"),
        ("2026-11-26 06:30", "2026-11-26 06:30"),
        ("2026-07-25 20:00", "2026-07-26 05:30"),  # summer time
        ("2026-10-24 23:00", "2026-10-25 06:30"),  # the night with an hour more
        ("2026-03-28 22:00", "2026-03-29 05:30"),  # the night with an hour less
    ],
)
def test_a_night_over_midnight_ends_in_the_morning(at: str, goes_out: str) -> None:
    assert NIGHT.after_quiet(utc(at)) == utc(goes_out)


def test_hours_within_a_day() -> None:
    lunch = Timing(time(12), time(14), MADRID)
    assert lunch.after_quiet(utc("2026-11-25 11:30")) == utc("2026-11-25 13:00")
    assert lunch.after_quiet(utc("2026-11-25 23:30")) == utc("2026-11-25 23:30")


def test_an_end_in_the_hour_that_comes_twice_is_never_before_now() -> None:
    timing = Timing(time(22), time(2, 30), MADRID)
    # 02:10 for the first time, and for the second time.
    assert timing.after_quiet(utc("2026-10-25 00:10")) == utc("2026-10-25 00:30")
    assert timing.after_quiet(utc("2026-10-25 01:10")) == utc("2026-10-25 01:30")


def test_an_end_in_the_hour_that_is_left_out_is_just_after_it() -> None:
    timing = Timing(time(22), time(2, 30), MADRID)
    assert timing.after_quiet(utc("2026-03-29 00:30")) == utc("2026-03-29 01:30")


def test_without_both_ends_no_hour_is_quiet() -> None:
    at = utc("2026-11-25 23:30")
    assert Timing().after_quiet(at) == Timing(time(22), None).after_quiet(at) == at
    assert Timing(time(7), time(7)).after_quiet(at) == at


def test_a_digest_goes_out_some_time_after_the_first_that_waits() -> None:
    timing = Timing(digest_minutes=60)
    now = utc("2026-11-25 10:00")
    assert timing.due(now, None) == utc("2026-11-25 11:00")
    assert timing.due(now, utc("2026-11-25 10:20")) == utc("2026-11-25 10:20")


def test_a_digest_that_would_go_out_at_night_waits_for_the_morning() -> None:
    timing = Timing(time(22), time(7, 30), MADRID, digest_minutes=120)
    assert timing.due(utc("2026-11-25 20:00"), None) == utc("2026-11-26 06:30")


@given(
    minutes=st.integers(0, 4 * 366 * 24 * 60),
    begin=st.times(),
    end=st.times(),
    zone=st.sampled_from([MADRID, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_it_is_never_early_and_never_more_than_two_days_late(minutes: int, begin: time, end: time, zone: str) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    out = Timing(begin, end, zone).after_quiet(at)
    assert timedelta(0) <= out - at <= timedelta(days=2)


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "America", "x" * 300, "\0"])
def test_what_is_no_time_zone_is_told_from_one(name: str) -> None:
    assert zone_of(name) is None
    assert zone_of(MADRID) is not None
