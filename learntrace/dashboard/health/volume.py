"""The periods that Telemetry health looks at, and the webhooks of a period by hour or day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.core.time_zones import day_and_time, day_bounds
from learntrace.learnpack.webhook_log.volume import DAY, Slot, daily_volume, hourly_volume


@dataclass(frozen=True)
class Period:
    """A period that ends now: `count` hours or days of the current time zone, the running one included.

    One of the reader's own begins `since` a time, and ends before `until`, None for now.
    """

    name: str
    title: str | Promise
    length: timedelta
    count: int
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_own(self) -> bool:
        return self.since is not None

    @property
    def days(self) -> bool:
        return self.length == DAY

    def starts(self, now: datetime) -> list[datetime]:
        """Return the beginnings of its hours or days, in UTC, oldest first."""
        if self.since is not None:
            return self._own_starts(self.since, self.until or now)
        local = timezone.localtime(now)
        if self.days:
            return day_bounds(local.date() - timedelta(days=self.count - 1), self.count)[:-1]
        running = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        return [running - index * self.length for index in reversed(range(self.count))]

    def _own_starts(self, since: datetime, end: datetime) -> list[datetime]:
        """Return when it begins, and the beginnings of the full hours or days in it."""
        if self.days:
            first, last = timezone.localdate(since), timezone.localdate(end)
            marks = day_bounds(first, (last - first).days + 1)
        else:
            hour = timezone.localtime(since).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
            marks = [hour + index * self.length for index in range(int((end - hour) / self.length) + 1)]
        return [since.astimezone(UTC), *(mark for mark in marks if since < mark < end)]

    def start(self, now: datetime) -> datetime:
        return self.starts(now)[0]


PERIODS: Final = (
    Period("24h", _("24 hours"), timedelta(hours=1), 24),
    Period("7d", _("7 days"), DAY, 7),
    Period("30d", _("30 days"), DAY, 30),
)
# What an own period without a beginning looks back, the longest one, and up to which length hours are told.
_OPEN: Final = timedelta(days=30)
_LONGEST: Final = timedelta(days=366)
# Nothing was received before; a year before the first one there is can't be told.
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_BY_HOURS: Final = timedelta(days=2)


def period_named(name: str) -> Period:
    """Return the period with a name, the shortest one for any other name."""
    return next((period for period in PERIODS if period.name == name), PERIODS[0])


def own_period(since: datetime | None, until: datetime | None, now: datetime) -> Period:
    """Return a period between two times: by hours up to two days, by days beyond that, and a year at most."""
    end = now if until is None else max(min(until, now), _EARLIEST)
    begin = min(max(since or end - _OPEN, end - _LONGEST), end)
    told = {"since": day_and_time(timezone.localtime(begin)), "until": day_and_time(timezone.localtime(end))}
    title = _("since %(since)s") % told if end == now else _("%(since)s to %(until)s") % told
    length = timedelta(hours=1) if end - begin <= _BY_HOURS else DAY
    return Period("custom", title, length, 0, begin, None if end == now else end)


def slots_of(academy: Academy, period: Period, now: datetime) -> tuple[Slot, ...]:
    """Return the academy's webhooks in the hours or days of a period, oldest first; one query."""
    starts = period.starts(now)
    volume = daily_volume if period.days else hourly_volume
    return volume(academy, starts, period.until)
