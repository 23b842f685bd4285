"""A measure over days as a line, as the numbers of an SVG: `x` in percent, `y` in pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

HEIGHT = 96
_EDGE = 4


@dataclass(frozen=True)
class Point:
    """A day's value."""

    day: date
    value: float
    x: str
    y: str


@dataclass(frozen=True)
class Segment:
    """The line from one day to the next."""

    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True)
class LineChart:
    """A line over days; a day without a value is a gap. `scale` are the lines of the scale as (value, y)."""

    points: tuple[Point, ...]
    segments: tuple[Segment, ...]
    scale: tuple[tuple[float, str], ...]
    height: int = HEIGHT


def line_chart(figures: Mapping[date, float], top: float) -> LineChart:
    """Lay out values by day; `top` is the value at the upper edge."""
    days = sorted(figures)
    length = (days[-1] - days[0]).days if days else 0

    def point(day: date) -> Point:
        # A single day stands in the middle; at the very edge half of a mark would be cut off.
        across = 2 + 96 * (day - days[0]).days / length if length else 50.0
        return Point(day, figures[day], f"{across:.2f}%", _down(figures[day], top))

    points = tuple(map(point, days))
    segments = tuple(
        Segment(before.x, before.y, after.x, after.y)
        for before, after in pairwise(points)
        if after.day - before.day == timedelta(days=1)
    )
    return LineChart(points, segments, tuple((value, _down(value, top)) for value in (top, top / 2, 0)))


def _down(value: float, top: float) -> str:
    return f"{_EDGE + (HEIGHT - 2 * _EDGE) * (1 - min(max(value / top, 0), 1)):.1f}"
