"""The dates that a page looks at: back from now, the dates of a cohort, or from one time to another in the reader's zone.

Pages read `?range=` with `?since=` and `?until=`, and show components/date_range.html in their form of filters. Logs look back
some hours (`LOG_PRESETS`); pages of figures look at whole days, those before today included (`figures_range`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.filters import moment
from learntrace.accounts.models import Academy, Cohort
from learntrace.core.errors import Problem
from learntrace.core.time_zones import day_bounds
from learntrace.progress.periods.period import Period
from learntrace.progress.reports.selection import EndsBeforeItBegins

CUSTOM: Final = "custom"
COHORT: Final = "cohort"


@dataclass(frozen=True)
class Preset:
    """A range with a name: the last `length` until now, the last `days` with today, or else the dates of a cohort."""

    name: str
    title: str | Promise
    length: timedelta | None = None
    days: int = 0
    ends: tuple[datetime | None, datetime | None] = (None, None)

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Return when the range begins and ends, None where it is open."""
        if self.length is not None:
            return timezone.now() - self.length, None
        if self.days:
            return day_bounds(timezone.localdate() - timedelta(days=self.days - 1), 0)[0], None
        return self.ends


LOG_PRESETS: Final[Sequence[Preset]] = (
    Preset("1h", _("the last hour"), timedelta(hours=1)),
    Preset("24h", _("the last 24 hours"), timedelta(hours=24)),
    Preset("7d", _("the last 7 days"), timedelta(days=7)),
)
_DAYS: Final[Sequence[Preset]] = (
    Preset("today", _("today"), days=1),
    Preset("7-days", _("the last 7 days"), days=7),
    Preset("30-days", _("the last 30 days"), days=30),
)


@dataclass(frozen=True)
class DateRange:
    """A range of dates; None is open. `chosen`: the name of a preset, CUSTOM, or empty for any time.

    `problem` says what is wrong with the times that were given; then it is any time. `may_be_open`: any time may be chosen.
    """

    chosen: str = ""
    since: datetime | None = None
    until: datetime | None = None
    presets: Sequence[Preset] = LOG_PRESETS
    problem: str = ""
    may_be_open: bool = True

    @property
    def since_field(self) -> str:
        """The beginning as the value of a form field, where it was chosen and isn't a preset's."""
        return _field(self.since) if self.chosen == CUSTOM else ""

    @property
    def until_field(self) -> str:
        return _field(self.until) if self.chosen == CUSTOM else ""

    @property
    def period(self) -> Period:
        """The period of the figures."""
        return Period(self.since, self.until)


ANY_TIME: Final = DateRange()


def date_range_of(request: HttpRequest, presets: Sequence[Preset] = LOG_PRESETS, default: str = "") -> DateRange:
    """Return the range that the query string names. Times without one are a custom range; a preset is stronger than times.

    `default` is the name of the preset where nothing is named. Raises Problem (400, invalid-filter).
    """
    named = request.GET.get("range", "").strip()
    asked = Request(request)
    since, until = moment(asked, "since"), moment(asked, "until")
    if not named and since is None and until is None:
        # Somebody who chose "any time" has sent the field empty.
        named = default if "range" not in request.GET else ""
    preset = next((one for one in presets if one.name == named), None)
    if preset is not None:
        return DateRange(preset.name, *preset.bounds(), presets)
    if since is None and until is None:
        return DateRange("", presets=presets)
    if since is not None and until is not None and until < since:
        raise EndsBeforeItBegins
    return DateRange(CUSTOM, since, until, presets)


def figures_range(request: HttpRequest, academy: Academy, cohort: Cohort | None = None) -> DateRange:
    """Return the range of a page of figures: whole days, the dates of the cohort where one is chosen, or times.

    Without a `cohort`, that of `?cohort=` where the range is a cohort's, so that links to other pages keep it.
    """
    if cohort is None and request.GET.get("range") == COHORT:
        cohort = cohorts_of(academy).filter(slug=request.GET.get("cohort", "")[:200]).first()
    presets = [*_DAYS, *_dates_of(cohort)]
    try:
        return date_range_of(request, presets)
    except Problem as problem:
        return replace(ANY_TIME, presets=presets, problem=problem.told())


def _dates_of(cohort: Cohort | None) -> list[Preset]:
    if cohort is None or cohort.starts_on is None:
        return []
    since = day_bounds(cohort.starts_on, 0)[0]
    until = None if cohort.ends_on is None else day_bounds(cohort.ends_on + timedelta(days=1), 0)[0]
    return [Preset(COHORT, _("the cohort's dates"), ends=(since, until))]


def kept_in_links(request: HttpRequest) -> dict[str, str]:
    """Return the part of the query string that links between pages of figures keep."""
    named = request.GET.get("range", "").strip()
    names = {CUSTOM: ("since", "until"), "": ("since", "until"), COHORT: ("range", "cohort")}.get(named, ("range",))
    return {name: value for name in names if (value := request.GET.get(name, "").strip())}


def with_times(request: HttpRequest, dates: DateRange) -> None:
    """Have the request name the times of a range, for what reads `?since=` and `?until=` itself."""
    query = request.GET.copy()
    for name, at in (("since", dates.since), ("until", dates.until)):
        if at is None:
            query.pop(name, None)
        else:
            query[name] = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    request.GET = query  # type: ignore[assignment]


def _field(at: datetime | None) -> str:
    return "" if at is None else timezone.localtime(at).strftime("%Y-%m-%dT%H:%M:%S")
