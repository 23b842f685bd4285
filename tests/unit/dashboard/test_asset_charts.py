"""Histograms and lines over days: every value has its place, and none is drawn where there is none."""

from datetime import date

import pytest

from learntrace.dashboard.components.charts.histogram import histogram
from learntrace.dashboard.components.charts.line import line_chart


def test_each_value_counts_in_one_bar_and_unknown_ones_in_none() -> None:
    found = histogram([-5, 0, 9.99, 10, 100, 250, None], range(0, 100, 10), 100)
    assert [bar.count for bar in found.bars] == [3, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (found.count, found.median, found.most) == (6, 9.99, 3)
    assert [(bar.start, bar.end) for bar in found.bars[-2:]] == [(80, 90), (90, 100)]


def test_one_among_thousands_is_still_seen() -> None:
    found = histogram([1.0] * 5000 + [15.0], (0, 10), None)
    assert [float(bar.height) for bar in found.bars] == [80.0, 2.0]
    assert found.bars[1].end is None


def test_without_values_there_are_no_bars_to_see() -> None:
    found = histogram([None], (0, 10), 20)
    assert (found.count, found.median, [bar.height for bar in found.bars]) == (0, None, ["0.0", "0.0"])


@pytest.mark.parametrize(("value", "y"), [(0, "92.0"), (50, "48.0"), (100, "4.0"), (-3, "92.0"), (1e9, "4.0")])
def test_a_day_stands_where_its_value_is_and_never_outside(value: float, y: str) -> None:
    chart = line_chart({date(2026, 11, 22): value}, 100)
    assert [(point.x, point.y) for point in chart.points] == [("50.00%", y)]
    assert chart.segments == ()
