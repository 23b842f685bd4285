"""An asset's telemetry_stats by day, beside what the telemetry says at this moment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.dashboard.chart import scale_top
from learntrace.dashboard.line_chart import LineChart, line_chart

# What a chart shows at most; the table as CSV has all.
MOST_DAYS = 366

# Each figure's name in telemetry_stats (contract, section 9), what it is called, and what explains it.
FIGURES: Mapping[str, tuple[str | Promise, str]] = {
    "engagement_avg": (_("Engagement"), "mean_engagement"),
    "frustration_avg": (_("Frustration"), "mean_frustration"),
    "completion_avg": (_("Completed (%)"), "mean_completion"),
    "total_sessions": (_("Learners"), "total_sessions"),
}


@dataclass(frozen=True)
class Day:
    """What was computed on a day (UTC): a value for each of FIGURES, None for one that isn't there."""

    day: date
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Figure:
    """A figure over the days: as it is `now`, as it was computed last, and the chart."""

    name: str
    title: str | Promise
    explain: str
    now: float | None
    last: float | None
    chart: LineChart

    @property
    def whole(self) -> bool:
        """Whether it counts."""
        return self.name == "total_sessions"


def days_of(stats: Any) -> list[Day]:
    """The days of an asset's telemetry_stats, the oldest first; what can't be read is left out."""
    stored = stats.get("days") if isinstance(stats, Mapping) else None
    found = []
    for text, figures in stored.items() if isinstance(stored, Mapping) else ():
        try:
            day = date.fromisoformat(text)
        except ValueError:
            continue
        if isinstance(figures, Mapping):
            found.append(Day(day, tuple(_number(figures.get(name)) for name in FIGURES)))
    return sorted(found, key=lambda one: one.day)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def figures_of(days: list[Day], now: Mapping[str, float] | None) -> list[Figure]:
    """A chart of each figure over the latest days; `now` is what would be computed at this moment."""
    shown = days[-MOST_DAYS:]

    def figure(place: int, name: str) -> Figure:
        values = {one.day: value for one in shown if (value := one.values[place]) is not None}
        top = 100.0 if name != "total_sessions" else float(scale_top(math.ceil(max(values.values(), default=1))))
        title, explain = FIGURES[name]
        last = shown[-1].values[place] if shown else None
        return Figure(name, title, explain, now.get(name) if now else None, last, line_chart(values, top))

    return [figure(place, name) for place, name in enumerate(FIGURES)]
