"""How much a turn takes on, by how long the turns before it took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.core.stopwatch import Pace


@pytest.mark.parametrize(("milliseconds_each", "expected"), [(0.1, 500), (1, 250), (2, 125), (10, 50)])
def test_turns_come_to_last_as_long_as_they_may(milliseconds_each: float, expected: int) -> None:
    pace = Pace(0.25, least=50, most=500)
    for _ in range(20):
        pace.note(pace.most, pace.most * milliseconds_each / 1000)
    assert abs(pace.most - expected) <= 1


def test_small_turns_say_nothing() -> None:
    pace = Pace(0.25, least=50, most=500)
    for _ in range(20):
        pace.note(1, 0.2)
    assert pace.most == 500


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 1e6))))
def test_a_turn_is_never_beyond_its_bounds(turns: list[tuple[int, float]]) -> None:
    pace = Pace(0.25, least=50, most=500)
    for units, seconds in turns:
        pace.note(units, seconds)
        assert 50 <= pace.most <= 500
