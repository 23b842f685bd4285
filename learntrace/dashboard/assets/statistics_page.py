"""An asset's telemetry_stats by day, beside the values that would be computed now."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from learntrace.dashboard.components.charts.line import LineChart, line_chart
from learntrace.dashboard.health.volume_chart import scale_top
from learntrace.registry.models import Asset

# How many days a chart shows at most; the CSV table has all of them.
MOST_DAYS = 366

# Each figure's name in telemetry_stats (contract, section 9), its title and the name of its explanation.
FIGURES: Mapping[str, tuple[str | Promise, str]] = {
    "engagement_avg": (_("Engagement"), "mean_engagement"),
    "frustration_avg": (_("Frustration"), "mean_frustration"),
    "completion_avg": (_("Completed (%)"), "mean_completion"),
    "total_sessions": (_("Learners"), "total_sessions"),
}


@dataclass(frozen=True)
class Day:
    """The values computed last on a day of the reader's, one for each of FIGURES; None for a value that is missing."""

    day: date
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Figure:
    """A figure over the days: its value `now`, the value computed last, and the chart."""

    name: str
    title: str | Promise
    explain: str
    now: float | None
    last: float | None
    chart: LineChart

    @property
    def whole(self) -> bool:
        """Whether the figure is a count."""
        return self.name == "total_sessions"


def days_of(asset: Asset) -> list[Day]:
    """Return the days of an asset's telemetry_stats in the current time zone, the oldest first.

    They are stored by days in UTC. The moment of a computation says on which day of the reader it was; what an earlier
    version computed has none, and stays on its day in UTC. Entries that can't be read are left out.
    """
    stats = asset.telemetry_stats
    stored = stats.get("days") if isinstance(stats, Mapping) else None
    days: dict[date, Day] = {}
    for text, figures in sorted(stored.items()) if isinstance(stored, Mapping) else ():
        day = _day_of(text, asset.stats_times.get(text))
        if day is not None and isinstance(figures, Mapping):
            days[day] = Day(day, tuple(_number(figures.get(name)) for name in FIGURES))
    return sorted(days.values(), key=lambda entry: entry.day)


def _day_of(text: str, computed_at: str | None) -> date | None:
    try:
        return localtime(datetime.fromisoformat(computed_at)).date() if computed_at else date.fromisoformat(text)
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def figures_of(days: list[Day], now: Mapping[str, float] | None) -> list[Figure]:
    """Return a chart of each figure over the latest days; `now` holds the values that would be computed now."""
    shown = days[-MOST_DAYS:]

    def figure(place: int, name: str) -> Figure:
        values = {entry.day: value for entry in shown if (value := entry.values[place]) is not None}
        top = 100.0 if name != "total_sessions" else float(scale_top(math.ceil(max(values.values(), default=1))))
        title, explain = FIGURES[name]
        last = shown[-1].values[place] if shown else None
        return Figure(name, title, explain, now.get(name) if now else None, last, line_chart(values, top))

    return [figure(place, name) for place, name in enumerate(FIGURES)]
