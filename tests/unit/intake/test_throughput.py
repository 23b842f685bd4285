"""Who is refused while requests come faster than they can be stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.intake.saturation import Overloaded, Throughput

PATIENT, IMPATIENT = 5.0, 0.25


def crowd(throughput: Throughput, per_second: float, seconds: float, *, start: float = 100.0) -> None:
    """Have requests answered at a steady rate in commits of ten, with as many waiting."""
    apart = 10 / per_second
    for number in range(int(seconds / apart)):
        throughput.answered(10, 100, start + number * apart)


def refused(throughput: Throughput, waiting: int, patience: float) -> bool:
    try:
        throughput.check(waiting, patience)
    except Overloaded:
        return True
    return False


def test_a_class_that_begins_at_once_is_not_refused() -> None:
    assert not refused(Throughput(), 90, IMPATIENT)
    assert not refused(Throughput(), 1_500, PATIENT)


def test_the_impatient_are_refused_when_more_wait_than_can_be_stored_in_time_and_the_patient_much_later() -> None:
    throughput = Throughput()
    crowd(throughput, 1_000, 5.0)
    assert not refused(throughput, 200, IMPATIENT)
    assert refused(throughput, 300, IMPATIENT)
    assert not refused(throughput, 4_000, PATIENT)
    assert refused(throughput, 6_000, PATIENT)


def test_a_slower_machine_refuses_earlier() -> None:
    slow = Throughput()
    crowd(slow, 100, 10.0)
    assert refused(slow, 50, IMPATIENT)


def test_a_quiet_time_tells_nothing_about_throughput() -> None:
    throughput = Throughput()
    crowd(throughput, 1_000, 5.0)
    for second in range(100):
        throughput.answered(1, 0, 200.0 + second)
    assert not refused(throughput, 200, IMPATIENT)


def test_it_says_when_to_try_again() -> None:
    throughput = Throughput()
    crowd(throughput, 1_000, 5.0)
    with pytest.raises(Overloaded) as refusal:
        throughput.check(9_500, PATIENT)
    assert refusal.value.status_code == 503
    assert int(refusal.value.headers()["Retry-After"]) in (9, 10)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 5_000), st.floats(0, 10))),
    st.integers(0, 15),
    st.floats(0, 10),
)
def test_few_waiting_requests_are_never_refused(
    commits: list[tuple[int, int, float]], waiting: int, patience: float
) -> None:
    throughput, now = Throughput(), 0.0
    for requests, left, seconds in commits:
        now += seconds
        throughput.answered(requests, left, now)
    assert not refused(throughput, waiting, patience)
