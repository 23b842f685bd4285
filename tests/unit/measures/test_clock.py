"""When something counts as having happened, whatever a client's clock says: decided without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from learntrace.measures.clock import AHEAD, BEHIND, FARTHEST, SAME_CLOCK, TOLERANCE, correction, counted_at

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY, YEAR = (timedelta(seconds=size) for size in (1, 60, 3600, 86_400, 365 * 86_400))

# How wrong a clock is, how long an event waited before it was sent, and how long its request took.
errors = st.timedeltas(-40 * YEAR, 40 * YEAR) | st.timedeltas(-10 * MINUTE, 10 * MINUTE)
waits = st.timedeltas(timedelta(), 29 * DAY)
delays = st.timedeltas(timedelta(), 20 * SECOND)


def happened(error: timedelta, wait: timedelta, delay: timedelta) -> tuple[datetime, datetime, timedelta]:
    """What a client with such a clock stamps, when it is received, and how far its clock seems to be ahead then."""
    true = NOW - delay - wait
    return true + error, NOW, (NOW - delay + error) - NOW


@pytest.mark.parametrize("error", [2 * HOUR, -2 * HOUR, YEAR, -50 * YEAR, 90 * SECOND, -2 * MINUTE])
def test_a_clock_that_is_wrong_is_corrected(error: timedelta) -> None:
    moment, received_at, measured = happened(error, 10 * MINUTE, SECOND)
    offset = correction(moment, received_at, measured)
    assert counted_at(moment, received_at, offset) == NOW - 10 * MINUTE


@given(error=errors, wait=waits, delay=delays)
@example(error=TOLERANCE, wait=timedelta(), delay=timedelta())
def test_a_told_clock_puts_an_event_within_a_minute_and_the_way_of_when_it_happened(
    error: timedelta, wait: timedelta, delay: timedelta
) -> None:
    moment, received_at, measured = happened(error, wait, delay)
    counted = counted_at(moment, received_at, correction(moment, received_at, measured))
    assert abs(counted - (NOW - delay - wait)) <= TOLERANCE + delay
    assert counted - received_at <= AHEAD


@given(moment=st.datetimes(timezones=st.just(UTC)), known=st.lists(errors, max_size=5))
def test_a_client_that_tells_no_time_is_taken_as_ever(moment: datetime, known: list[timedelta]) -> None:
    assert correction(moment, NOW, None, known) is None
    assert counted_at(moment, NOW) == (NOW if moment - NOW > AHEAD else moment)


@given(error=st.timedeltas(-TOLERANCE, TOLERANCE), wait=waits)
def test_a_clock_that_is_right_within_a_minute_is_left_alone(error: timedelta, wait: timedelta) -> None:
    assert correction(NOW - wait + error, NOW, error) is None


@given(error=errors, delays=st.lists(delays, min_size=2, max_size=20))
def test_requests_that_take_different_times_do_not_change_the_order_of_events(
    error: timedelta, delays: list[timedelta]
) -> None:
    """One event a second; each request is received as long after it as its way took."""
    known: list[timedelta] = []
    counted = []
    for number, delay in enumerate(delays):
        true = NOW + number * SECOND
        offset = correction(true + error, true + delay, error - delay, known)
        known += [offset] if offset is not None and offset not in known else []
        counted.append(counted_at(true + error, true + delay, offset))
    if abs(error) > TOLERANCE + 20 * SECOND or abs(error) <= TOLERANCE - 20 * SECOND:
        assert counted == sorted(counted)
        assert len(known) <= 1


@given(measured=errors, known=st.lists(errors, max_size=10))
def test_a_correction_is_what_is_measured_or_a_known_one_near_it(measured: timedelta, known: list[timedelta]) -> None:
    offset = correction(NOW + measured, NOW, measured, known)
    near = [one for one in known if abs(one - measured) <= SAME_CLOCK]
    if near:
        assert offset in near
    else:
        assert offset == (measured if abs(measured) > TOLERANCE else None)


def test_what_was_stamped_before_the_clock_went_wrong_keeps_its_time() -> None:
    """The battery is empty: the computer begins at 1970 with what waited since yesterday; or at 2050."""
    for measured in (-56 * YEAR, 24 * YEAR):
        assert correction(NOW - DAY, NOW, measured) is None
        assert correction(NOW + measured - HOUR, NOW, measured) == measured, "stamped since"


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("measured", [FARTHEST, -FARTHEST, timedelta.max, timedelta.min])
def test_no_clock_is_too_wrong_to_be_decided_on(moment: datetime, measured: timedelta) -> None:
    offset = correction(moment, NOW, measured)
    assert counted_at(moment, NOW, offset) <= NOW + AHEAD
    assert offset is None or abs(offset) <= FARTHEST


def test_what_waited_for_longer_than_a_month_on_a_wrong_clock_is_corrected_too() -> None:
    moment, received_at, measured = happened(2 * HOUR, BEHIND + DAY, SECOND)
    assert correction(moment, received_at, measured) == measured
