"""Numbers on pages are rounded as people expect, half up."""

import pytest
from django.utils import translation

from learntrace.dashboard.components.labels import age
from learntrace.dashboard.templatetags.pages import duration, ratio


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (21.416, "21.42"), (0.1587, "0.16"), (0.125, "0.13"), (1.005, "1.01"), (0.1, "0.10"), (0.0, "0.00"), (1, "1.00"),
        (99.999, "100.00"), (-0.001, "0.00"), (None, "\u2013"),
    ],
)  # fmt: skip
def test_a_ratio_is_rounded_half_up_to_two_decimals(value: float | None, shown: str) -> None:
    assert ratio(value) == shown


def test_a_ratio_is_written_in_the_readers_language() -> None:
    with translation.override("es"):
        assert ratio(21.416) == "21,42"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "\u2013"), (4.4, "4 s"), (90, "1 min"), (5400, "1 h 30 min"), (86_400, "24 h")]
)
def test_a_duration_has_no_minutes_where_there_are_none(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"), (0.05, "0.1 s"), (8.36, "8.4 s"), (9.94, "9.9 s"), (9.95, "10 s"), (9.999, "10 s"), (10, "10 s"),
        (59.9, "59 s"), (61, "1 min"), (3 * 3600, "3 h"), (2 * 86400, "2 d"),
    ],
)  # fmt: skip
def test_a_time_span_is_told_to_the_tenth_of_a_second_below_ten_seconds(seconds: float, shown: str) -> None:
    assert age(seconds) == shown
