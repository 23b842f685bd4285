"""The bars of a learner's active time, day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from learntrace.accounts.models import User
from learntrace.progress.reports.active_days import active_seconds

DAYS = 30
HEIGHT = 96
_LABEL_EVERY = 10
_LEAST = 2.0
# Minutes that a scale may end at: the half of each is a round number too.
_TOPS = (10, 20, 30, 60, 120, 240, 480, 720, 1440)


@dataclass(frozen=True)
class Day:
    """A day's bar; `x`, `middle` and `width` in percent, `y` and `height` in pixels."""

    day: date
    seconds: float
    x: str
    middle: str
    width: str
    y: str
    height: str
    labelled: bool


@dataclass(frozen=True)
class Days:
    """The last days, oldest first; `lines` of the scale are (minutes, y)."""

    days: tuple[Day, ...]
    lines: tuple[tuple[int, str], ...]
    height: int = HEIGHT

    @property
    def seconds(self) -> float:
        return sum(day.seconds for day in self.days)

    @property
    def active(self) -> int:
        """The number of days with activity."""
        return sum(day.seconds > 0 for day in self.days)


def active_days(user: User, academy_ids: set[int | None], now: datetime) -> Days:
    """Return the user's active time on each of the last days of the current time zone, today last; two queries."""
    today = timezone.localtime(now).date()
    return days_of(active_seconds(user, academy_ids, today - timedelta(days=DAYS - 1), DAYS), today)


def days_of(seconds: Mapping[date, float], today: date) -> Days:
    """Lay the days out."""
    most = max(seconds.values(), default=0) / 60
    top = next((minutes for minutes in _TOPS if minutes >= most), _TOPS[-1])
    days = (today - timedelta(days=DAYS - 1 - index) for index in range(DAYS))
    bars = tuple(_bar(index, day, seconds.get(day, 0.0), top) for index, day in enumerate(days))
    lines = tuple((minutes, f"{HEIGHT - HEIGHT * minutes / top:.1f}") for minutes in (top, top // 2))
    return Days(bars, lines)


def _bar(index: int, day: date, seconds: float, top: int) -> Day:
    width = 100 / DAYS
    height = min(max(HEIGHT * seconds / 60 / top, _LEAST), HEIGHT) if seconds else 0.0
    return Day(
        day,
        seconds,
        x=f"{index * width + width * 0.12:.3f}%",
        middle=f"{index * width + width / 2:.3f}%",
        width=f"{width * 0.76:.3f}%",
        y=f"{HEIGHT - height:.1f}",
        height=f"{height:.1f}",
        labelled=(DAYS - 1 - index) % _LABEL_EVERY == 0,
    )
