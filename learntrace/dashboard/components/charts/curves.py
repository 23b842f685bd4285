"""Several measures over the same days as curves, as the numbers of an SVG: `x` in percent, `y` in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

HEIGHT: Final = 180
_EDGE: Final = 6
# Lines of a curve at most: a long one is drawn with fewer days.
_MOST_LINES: Final = 60
# Patterns of dashes, so that curves are told apart without colours. Their CSS classes are `curve0`, `curve1` and so on.
PATTERNS: Final = 6


@dataclass(frozen=True)
class Line:
    """A part of a curve."""

    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True)
class Curve:
    """A named curve with its pattern, the number of days, and the value of the last one."""

    name: str
    pattern: int
    lines: tuple[Line, ...]
    days: int
    last: float


@dataclass(frozen=True)
class Curves:
    """Curves with a common axis of `days` days from 0 on; `scale` are the values with their `y`, from 0 to 1."""

    curves: tuple[Curve, ...]
    days: int
    ticks: tuple[tuple[int, str], ...]
    scale: tuple[tuple[float, str], ...]
    height: int = HEIGHT


def curves(named: Sequence[tuple[str, Sequence[float]]]) -> Curves:
    """Lay out shares from 0 to 1 by day, each named; those without a value are left out."""
    shown = [(name, values) for name, values in named if values]
    days = max((len(values) for _name, values in shown), default=0)
    span = max(days - 1, 1)

    def curve(number: int, name: str, values: Sequence[float]) -> Curve:
        step = max(1, -(-len(values) // _MOST_LINES))
        chosen = sorted({*range(0, len(values), step), len(values) - 1})
        points = [(_across(day, span), _down(values[day])) for day in chosen]
        # A single day is a short line.
        points = points if len(points) > 1 else [points[0], (_across(span / 50, span), points[0][1])]
        lines = tuple(Line(*before, *after) for before, after in pairwise(points))
        return Curve(name, number % PATTERNS, lines, len(values), values[-1])

    laid_out = tuple(curve(number, name, values) for number, (name, values) in enumerate(shown))
    middle = span // 2
    ticks = tuple((day, _across(day, span)) for day in sorted({0, middle, span}))
    return Curves(laid_out, days, ticks, tuple((value, _down(value)) for value in (1.0, 0.5, 0.0)))


def _across(day: float, span: int) -> str:
    return f"{100 * day / span:.2f}%"


def _down(value: float) -> str:
    return f"{_EDGE + (HEIGHT - 2 * _EDGE) * (1 - min(max(value, 0), 1)):.1f}"
