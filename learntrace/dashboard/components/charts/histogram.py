"""Histograms as the numbers of an SVG: `x` and widths in percent, `y` and heights in pixels."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEIGHT = 80
_LEAST = 2.0


@dataclass(frozen=True)
class Bar:
    """The number of values from `start` up to below `end`, which is None without a limit."""

    start: float
    end: float | None
    count: int
    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True)
class Histogram:
    """The bars from left to right, with the number of all values and their median (None without any)."""

    bars: tuple[Bar, ...]
    count: int
    median: float | None
    most: int
    height: int = HEIGHT


def histogram(values: Iterable[float | None], edges: Sequence[float], last: float | None) -> Histogram:
    """Count values between the edges; the last bar ends with `last`, that value included. None is no value.

    Values below the first edge count in the first bar, values above the last edge in the last.
    """
    known = sorted(value for value in values if value is not None)
    counts = [0] * len(edges)
    for value in known:
        counts[max(bisect_right(edges, value) - 1, 0)] += 1
    most = max(counts, default=0)
    width = 100 / len(edges)
    ends = [*edges[1:], last]
    bars = []
    for index, count in enumerate(counts):
        # One among thousands must still be visible.
        height = max(HEIGHT * count / most, _LEAST) if count else 0.0
        bars.append(
            Bar(
                edges[index],
                ends[index],
                count,
                x=f"{index * width + width * 0.06:.3f}%",
                width=f"{width * 0.88:.3f}%",
                y=f"{HEIGHT - height:.1f}",
                height=f"{height:.1f}",
            )
        )
    return Histogram(tuple(bars), len(known), known[(len(known) - 1) // 2] if known else None, most)
