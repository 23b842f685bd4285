"""The bar chart of the last hours or days, as values for an SVG.

Widths are in percent and heights in pixels, so that the bars follow the page's width while text and patterns keep their
size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from learntrace.learnpack.webhook_log.volume import Slot

HEIGHT = 144
# From the bottom up: the states that need attention are on top.
STATES = ("done", "ignored", "pending", "error")
_LABELS = 4
_LEAST = 1.5


@dataclass(frozen=True)
class Part:
    """A state's share of a bar; `y` and `height` in pixels, ready to be written into an attribute."""

    state: str
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """The bar of an hour or a day; `x`, `middle` and `width` in percent."""

    slot: Slot
    x: str
    middle: str
    width: str
    labelled: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Line:
    """A horizontal line of the scale."""

    value: int
    y: str


@dataclass(frozen=True)
class Chart:
    """The chart, with the sums for its legend."""

    height: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    sums: tuple[tuple[str, int], ...]

    @property
    def start(self) -> datetime:
        return self.bars[0].slot.start

    @property
    def total(self) -> int:
        return sum(count for _state, count in self.sums)


def chart_of(slots: Sequence[Slot]) -> Chart:
    """Lay out hours or days, which come oldest first."""
    top = scale_top(max(slot.total for slot in slots))
    width = 100 / len(slots)
    every = max(1, round(len(slots) / _LABELS))
    bars = [
        Bar(
            slot=slot,
            x=f"{index * width + width * 0.1:.3f}%",
            middle=f"{index * width + width / 2:.3f}%",
            width=f"{width * 0.8:.3f}%",
            labelled=(len(slots) - 1 - index) % every == 0 and index > 0,
            parts=_parts(slot, top),
        )
        for index, slot in enumerate(slots)
    ]
    lines = [Line(value, f"{HEIGHT - HEIGHT * value / top:.1f}") for value in (top, top // 2)]
    sums = tuple((state, sum(getattr(slot, state) for slot in slots)) for state in STATES)
    return Chart(HEIGHT, tuple(bars), tuple(lines), sums)


def scale_top(most: int) -> int:
    """Return the first of 2, 4, 10, 20, 40, 100, ... that is not below `most`: the half of each is a whole number."""
    power = 1
    while True:
        for base in (2, 4, 10):
            if base * power >= most:
                return base * power
        power *= 10


def _parts(slot: Slot, top: int) -> tuple[Part, ...]:
    parts, y = [], float(HEIGHT)
    for state in STATES:
        if count := getattr(slot, state):
            # One error among thousands must stay visible.
            height = max(HEIGHT * count / top, _LEAST)
            y -= height
            parts.append(Part(state, f"{max(y, 0):.1f}", f"{height:.1f}"))
    return tuple(parts)
