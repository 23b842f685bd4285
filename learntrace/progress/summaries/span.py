"""The days that a report is about, in the current time zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from learntrace.core.time_zones import day_bounds

MOST_DAYS = 366


@dataclass(frozen=True)
class Span:
    """The days from `first` to `last`, both included; `since` and `until` are their bounds in UTC.

    `before` is the beginning of the span of the same length before it, with which it is compared.
    """

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def end(self) -> date:
        """The day after the last one, on which the span has ended."""
        return self.last + timedelta(days=1)

    @property
    def since(self) -> datetime:
        return day_bounds(self.first, 0)[0]

    @property
    def until(self) -> datetime:
        return day_bounds(self.end, 0)[0]

    @property
    def before(self) -> datetime:
        return day_bounds(self.first - timedelta(days=self.days), 0)[0]


def last_days(days: int, today: date | None = None) -> Span:
    """Return the span that ends today."""
    last = today or timezone.localdate()
    return Span(last - timedelta(days=days - 1), last)


def last_week(today: date | None = None) -> Span:
    """Return the last whole week, from Monday to Sunday."""
    today = today or timezone.localdate()
    monday = today - timedelta(days=today.weekday() + 7)
    return Span(monday, monday + timedelta(days=6))


def this_week(today: date | None = None) -> Span:
    """Return the week that has begun, until today."""
    today = today or timezone.localdate()
    return Span(today - timedelta(days=today.weekday()), today)
