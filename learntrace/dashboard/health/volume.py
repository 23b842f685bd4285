"""The periods that Telemetry health looks back on, and the webhooks of a period by hour or day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.core.time_zones import day_bounds
from learntrace.learnpack.webhook_log.volume import DAY, Slot, daily_volume, hourly_volume


@dataclass(frozen=True)
class Period:
    """A period that ends now: `count` hours or days of the current time zone, the running one included."""

    name: str
    title: str | Promise
    length: timedelta
    count: int

    @property
    def days(self) -> bool:
        return self.length == DAY

    def starts(self, now: datetime) -> list[datetime]:
        """Return the beginnings of its hours or days, in UTC, oldest first."""
        local = timezone.localtime(now)
        if self.days:
            return day_bounds(local.date() - timedelta(days=self.count - 1), self.count)[:-1]
        running = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        return [running - index * self.length for index in reversed(range(self.count))]

    def start(self, now: datetime) -> datetime:
        return self.starts(now)[0]


PERIODS: Final = (
    Period("24h", _("24 hours"), timedelta(hours=1), 24),
    Period("7d", _("7 days"), DAY, 7),
    Period("30d", _("30 days"), DAY, 30),
)


def period_named(name: str) -> Period:
    """Return the period with a name, the shortest one for any other name."""
    return next((period for period in PERIODS if period.name == name), PERIODS[0])


def slots_of(academy: Academy, period: Period, now: datetime) -> tuple[Slot, ...]:
    """Return the academy's webhooks in the hours or days of a period, oldest first; one query."""
    starts = period.starts(now)
    return daily_volume(academy, starts) if period.days else hourly_volume(academy, starts)
