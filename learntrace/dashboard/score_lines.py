"""A learner's scores over assets, in the order in which each was worked on last, beside what the class has there.

Of an asset only the last telemetry is kept, so this is how it ended on each, not how it went there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db.models import Aggregate, Count, FloatField

from learntrace.accounts.models import Academy
from learntrace.assignments.reading import telemetry_seen_in

HEIGHT = 96
_EDGE = 6
# Fewer learners are no class to compare with, and their quartiles would be somebody's own scores.
LEAST_LEARNERS = 4
SCORES: Mapping[str, str] = {"engagement": "engagement_score", "frustration": "frustration_score"}


class Quartile(Aggregate):
    """The first (0.25) or third (0.75) quartile of a column; rows without a value are left out."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True)
class Band:
    """The middle half of a class's scores on an asset, 0 to 100."""

    low: float
    high: float


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
        return any(point.band for point in self.points)


def class_bands(academy: Academy, slugs: Collection[str]) -> dict[str, dict[str, Band]]:
    """The middle half of each score of the academy's learners, by score and asset; one query."""
    quartiles: dict[str, Any] = {
        f"{name}_{place}": Quartile(column, fraction=fraction)
        for name, column in SCORES.items() for place, fraction in (("low", "0.25"), ("high", "0.75"))
    }  # fmt: skip
    counts: dict[str, Any] = {f"{name}_count": Count(column) for name, column in SCORES.items()}
    rows: Any = telemetry_seen_in(academy).filter(asset_slug__in=slugs).order_by().values("asset_slug")
    found: dict[str, dict[str, Band]] = {name: {} for name in SCORES}
    for row in rows.annotate(**quartiles, **counts):
        for name in SCORES:
            if row[f"{name}_count"] >= LEAST_LEARNERS:
                found[name][row["asset_slug"]] = Band(row[f"{name}_low"], row[f"{name}_high"])
    return found


def score_line(scores: Sequence[tuple[str, str, float | None]], bands: Mapping[str, Band]) -> ScoreLine:
    """Lay out (slug, title, score) in their order; an asset without a score keeps its place and leaves a gap."""
    step = 92 / max(len(scores) - 1, 1)
    drawn: list[Point | None] = []
    for index, (slug, title, score) in enumerate(scores):
        x = f"{4 + index * step if len(scores) > 1 else 50:.2f}%"
        band = bands.get(slug)
        drawn.append(
            None if score is None else Point(
                title, score, x, _down(score), band,
                _down(band.high) if band else "", _down(band.low) if band else "",
            )
        )  # fmt: skip
    segments = tuple(
        (before.x, before.y, after.x, after.y)
        for before, after in pairwise(drawn)
        if before is not None and after is not None
    )
    return ScoreLine(tuple(point for point in drawn if point is not None), segments)


def _down(score: float) -> str:
    return f"{_EDGE + (HEIGHT - 2 * _EDGE) * (1 - min(max(score / 100, 0), 1)):.1f}"
