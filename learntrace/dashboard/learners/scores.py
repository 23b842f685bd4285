"""A learner's scores over assets in the order in which each was worked on last, beside the class's.

Only the last telemetry of an asset is kept: the line shows how work ended on each asset, not how it went.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from learntrace.assignments.score_bands import Band

HEIGHT = 96
_EDGE = 6


@dataclass(frozen=True)
class Point:
    """A score on an asset as drawn: `x` in percent, the rest in pixels; the band is empty where there is no class."""

    title: str
    score: float
    x: str
    y: str
    band: Band | None
    band_top: str = ""
    band_bottom: str = ""


@dataclass(frozen=True)
class ScoreLine:
    """A score's points from the asset worked on first to the last, and the segments between them."""

    points: tuple[Point, ...]
    segments: tuple[tuple[str, str, str, str], ...]
    height: int = HEIGHT

    @property
    def banded(self) -> bool:
        """Whether any point has the class's band."""
        return any(point.band for point in self.points)


def score_line(scores: Sequence[tuple[str, str, float | None]], bands: Mapping[str, Band]) -> ScoreLine:
    """Lay out (slug, title, score) in their order; an asset without a score keeps its place and leaves a gap."""
    step = 92 / max(len(scores) - 1, 1)
    points = [
        None if score is None else _point(title, score, 4 + index * step if len(scores) > 1 else 50, bands.get(slug))
        for index, (slug, title, score) in enumerate(scores)
    ]
    segments = tuple(
        (before.x, before.y, after.x, after.y)
        for before, after in pairwise(points)
        if before is not None and after is not None
    )
    return ScoreLine(tuple(point for point in points if point is not None), segments)


def _point(title: str, score: float, x: float, band: Band | None) -> Point:
    point = Point(title, score, f"{x:.2f}%", _down(score), band)
    return replace(point, band_top=_down(band.high), band_bottom=_down(band.low)) if band else point


def _down(score: float) -> str:
    return f"{_EDGE + (HEIGHT - 2 * _EDGE) * (1 - min(max(score / 100, 0), 1)):.1f}"
