"""How many webhooks came in each hour or day, by what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncDay, TruncHour
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.learnpack.log import rows_of

# A month of a million webhooks takes a second to count. What is over hardly changes any more.
_KEPT_SECONDS: Final = 600


@dataclass(frozen=True)
class Period:
    """What a page looks back on: `count` hours or days, the running one included, by UTC."""

    name: str
    title: str | Promise
    length: timedelta
    count: int

    @property
    def days(self) -> bool:
        return self.length == timedelta(days=1)

    @property
    def form(self) -> str:
        """How a template's `date` tells the time of an hour or a day."""
        return "j M" if self.days else "H:i"

    def start(self, now: datetime) -> datetime:
        running = now.replace(minute=0, second=0, microsecond=0)
        return (running.replace(hour=0) if self.days else running) - (self.count - 1) * self.length


PERIODS: Final = (
    Period("24h", _("24 hours"), timedelta(hours=1), 24),
    Period("7d", _("7 days"), timedelta(days=1), 7),
    Period("30d", _("30 days"), timedelta(days=1), 30),
)


def period_named(name: str) -> Period:
    """The period of that name; the shortest one for any other."""
    return next((one for one in PERIODS if one.name == name), PERIODS[0])


@dataclass(frozen=True)
class Slot:
    """How many webhooks came in the hour or day from `start`, by what became of them so far."""

    start: datetime
    done: int = 0
    ignored: int = 0
    pending: int = 0
    error: int = 0

    @property
    def total(self) -> int:
        return self.done + self.ignored + self.pending + self.error


def slots_of(academy: Academy, period: Period, now: datetime) -> tuple[Slot, ...]:
    """The hours or days of a period, oldest first. Days that are over are counted anew every ten minutes; one query."""
    starts = [period.start(now) + index * period.length for index in range(period.count)]
    if not period.days:
        return _slots(_counted(academy, period, starts[0]), starts)
    keys = {start: f"webhooks-of-day:{academy.pk}:{start:%Y-%m-%d}" for start in starts[:-1]}
    kept = cache.get_many(keys.values())
    known = {start: kept[key] for start, key in keys.items() if key in kept}
    counts = _counted(academy, period, next(start for start in starts if start not in known))
    cache.set_many({keys[start]: counts.get(start, {}) for start in keys if start not in known}, _KEPT_SECONDS)
    return _slots({**counts, **known}, starts)


_Counts = Mapping[datetime, Mapping[str, int]]


def _slots(counts: _Counts, starts: list[datetime]) -> tuple[Slot, ...]:
    return tuple(Slot(start, **counts.get(start, {})) for start in starts)


def _counted(academy: Academy, period: Period, since: datetime) -> _Counts:
    counts: dict[datetime, dict[str, int]] = {}
    counted = (
        rows_of(academy)
        .filter(created_at__gte=since)
        .annotate(start=(TruncDay if period.days else TruncHour)("created_at"))
        .order_by()
        .values_list("start", "status")
        .annotate(rows=Count("id"))
    )
    for start, status, rows in counted:
        counts.setdefault(start, {})[status.lower()] = rows
    return counts
