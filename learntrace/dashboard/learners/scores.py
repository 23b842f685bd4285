"""A learner's scores on assets over time, beside the class's: a dot for each asset, where it was worked on last.

Only the last telemetry of an asset is kept, so that no line joins the dots: they are of different assets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from learntrace.assignments.score_bands import Band

HEIGHT = 96
_EDGE = 6
# Dots keep so far from the edges, in percent.
_MARGIN = 4
_LABELS = 4


@dataclass(frozen=True)
class Score:
    """A score on an asset, None where there is none, and when the asset was worked on last."""

    slug: str
    title: str
    value: float | None
    at: datetime


@dataclass(frozen=True)
class Point:
    """A score as drawn: `x` in percent, the rest in pixels; the band is empty where there is no class."""

    title: str
    score: float
    at: datetime
    x: str
    y: str
    band: Band | None
    band_top: str = ""
    band_bottom: str = ""


@dataclass(frozen=True)
class ScoreChart:
    """Scores on an axis of true time; `ticks` are its labels as (x, time), with the time of day where it is short."""

    points: tuple[Point, ...]
    ticks: tuple[tuple[str, datetime], ...]
    by_day: bool = True
    height: int = HEIGHT

    @property
    def banded(self) -> bool:
        """Whether any point has the class's band."""
        return any(point.band for point in self.points)


def score_chart(scores: Sequence[Score], bands: Mapping[str, Band]) -> ScoreChart:
    """Lay out scores, the oldest first; those without a value leave no mark, and none stretches the axis."""
    known = [score for score in scores if score.value is not None]
    if not known:
        return ScoreChart((), ())
    first, span = known[0].at, known[-1].at - known[0].at
    points = tuple(
        _point(score, score.value, _across(score.at, first, span), bands.get(score.slug))
        for score in known
        if score.value is not None
    )
    by_day = span >= timedelta(days=_LABELS - 1)
    if not span:
        return ScoreChart(points, (("50.00%", first),), by_day)
    # Labels are of different days, or minutes.
    labels = min(_LABELS, 1 + int(span / timedelta(minutes=1)))
    ticks = [first + span * part / max(labels - 1, 1) for part in range(labels)]
    return ScoreChart(points, tuple((_across(at, first, span), at) for at in ticks), by_day)


def _across(at: datetime, first: datetime, span: timedelta) -> str:
    return f"{_MARGIN + (100 - 2 * _MARGIN) * ((at - first) / span):.2f}%" if span else "50.00%"


def _point(score: Score, value: float, x: str, band: Band | None) -> Point:
    point = Point(score.title, value, score.at, x, _down(value), band)
    return replace(point, band_top=_down(band.high), band_bottom=_down(band.low)) if band else point


def _down(score: float) -> str:
    return f"{_EDGE + (HEIGHT - 2 * _EDGE) * (1 - min(max(score / 100, 0), 1)):.1f}"
