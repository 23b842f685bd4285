"""How many webhooks of an academy came in each hour or day, by their status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.core.cache import cache
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Value

from learntrace.accounts.cohort_limits.limit import cache_name
from learntrace.accounts.models import Academy
from learntrace.learnpack.webhook_log.queries import rows_of

DAY: Final = timedelta(days=1)
# It takes a second to count a month of a million webhooks, and the counts of past days hardly change any more.
_KEPT_SECONDS: Final = 600


@dataclass(frozen=True)
class Slot:
    """How many webhooks came in the hour or day from `start`, by their status now."""

    start: datetime
    done: int = 0
    ignored: int = 0
    pending: int = 0
    error: int = 0

    @property
    def total(self) -> int:
        return self.done + self.ignored + self.pending + self.error


_Counts = Mapping[datetime, Mapping[str, int]]


def hourly_volume(academy: Academy, hours: Sequence[datetime], until: datetime | None = None) -> tuple[Slot, ...]:
    """Count the webhooks of hours, given by their starts, oldest first and without a gap; one query.

    `until`: when the last one ends, if it isn't the running one.
    """
    return _slots(_count(academy, hours, until), hours)


def daily_volume(academy: Academy, days: Sequence[datetime], until: datetime | None = None) -> tuple[Slot, ...]:
    """Count the webhooks of days, given by their starts, oldest first and without a gap; one query.

    The last day is always counted, the days before it again every ten minutes.
    """
    # The first day of somebody's own times may begin at any hour: a day is told by its end, too.
    keys = {
        day: f"webhooks-of-day:{cache_name(academy)}:{day:%Y-%m-%dT%H:%M:%S}:{end:%Y-%m-%dT%H:%M:%S}"
        for day, end in pairwise(days)
    }
    kept = cache.get_many(keys.values())
    known = {day: kept[key] for day, key in keys.items() if key in kept}
    unknown = next(index for index, day in enumerate(days) if day not in known)
    counts = _count(academy, days[unknown:], until)
    cache.set_many({keys[day]: counts.get(day, {}) for day in keys if day not in known}, _KEPT_SECONDS)
    return _slots({**counts, **known}, days)


def _slots(counts: _Counts, starts: Sequence[datetime]) -> tuple[Slot, ...]:
    return tuple(Slot(start, **counts.get(start, {})) for start in starts)


def _count(academy: Academy, starts: Sequence[datetime], until: datetime | None) -> _Counts:
    counts: dict[datetime, dict[str, int]] = {}
    # By their numbers: PostgreSQL may not know a time zone that Python knows.
    bounds = Value(list(starts), output_field=ArrayField(DateTimeField()))
    rows = (
        rows_of(academy)
        .filter(created_at__gte=starts[0], **({} if until is None else {"created_at__lt": until}))
        .annotate(place=Func(F("created_at"), bounds, function="width_bucket", output_field=IntegerField()))
        .order_by()
        .values_list("place", "status")
        .annotate(rows=Count("id"))
    )
    for place, status, count in rows:
        counts.setdefault(starts[place - 1], {})[status.lower()] = count
    return counts
