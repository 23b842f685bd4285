"""The bars of the last 24 hours, as numbers that an SVG takes.

Widths are percentages and heights pixels, so that the bars follow the page's width while text and patterns keep theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from learntrace.dashboard.status import Hour

HEIGHT = 144
# From the ground up: what went well carries what needs attention.
STATES = ("done", "ignored", "pending", "error")
_LABEL_EVERY = 6
_LEAST = 1.5


@dataclass(frozen=True)
class Part:
    """A state's share of a bar; `y` and `height` in pixels, ready to be written into an attribute."""

    state: str
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """An hour's bar; `x`, `middle` and `width` in percent."""

    hour: Hour
    x: str
    middle: str
    width: str
    labelled: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Line:
    """A line of the scale."""

    value: int
    y: str


@dataclass(frozen=True)
class Chart:
    """The chart, and the sums of its legend."""

    height: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    sums: tuple[tuple[str, int], ...]

    @property
    def start(self) -> datetime:
        return self.bars[0].hour.start

    @property
    def total(self) -> int:
        return sum(count for _state, count in self.sums)


def chart_of(hours: Sequence[Hour]) -> Chart:
    """Lay out the hours, oldest first."""
    top = scale_top(max(hour.total for hour in hours))
    width = 100 / len(hours)
    bars = [
        Bar(
            hour=hour,
            x=f"{index * width + width * 0.1:.3f}%",
            middle=f"{index * width + width / 2:.3f}%",
            width=f"{width * 0.8:.3f}%",
            labelled=(len(hours) - 1 - index) % _LABEL_EVERY == 0 and index > 0,
            parts=_parts(hour, top),
        )
        for index, hour in enumerate(hours)
    ]
    lines = [Line(value, f"{HEIGHT - HEIGHT * value / top:.1f}") for value in (top, top // 2)]
    sums = tuple((state, sum(getattr(hour, state) for hour in hours)) for state in STATES)
    return Chart(HEIGHT, tuple(bars), tuple(lines), sums)


def scale_top(most: int) -> int:
    """The first of 2, 4, 10, 20, 40, 100, ... that is not below: all of them have a half."""
    power = 1
    while True:
        for base in (2, 4, 10):
            if base * power >= most:
                return base * power
        power *= 10


def _parts(hour: Hour, top: int) -> tuple[Part, ...]:
    parts, y = [], float(HEIGHT)
    for state in STATES:
        if count := getattr(hour, state):
            # One error among thousands must still be seen.
            height = max(HEIGHT * count / top, _LEAST)
            y -= height
            parts.append(Part(state, f"{max(y, 0):.1f}", f"{height:.1f}"))
    return tuple(parts)
