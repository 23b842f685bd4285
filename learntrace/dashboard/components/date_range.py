"""The dates that a page looks at: an hour, a day, a week back from now, or from one time to another in the reader's zone.

Pages read `?range=` with `?since=` and `?until=`, and show components/date_range.html in their form of filters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.filters import moment
from learntrace.progress.reports.selection import EndsBeforeItBegins

CUSTOM: Final = "custom"


@dataclass(frozen=True)
class Preset:
    """A range that ends now."""

    name: str
    title: str | Promise
    length: timedelta


PRESETS: Final[Sequence[Preset]] = (
    Preset("1h", _("the last hour"), timedelta(hours=1)),
    Preset("24h", _("the last 24 hours"), timedelta(hours=24)),
    Preset("7d", _("the last 7 days"), timedelta(days=7)),
)


@dataclass(frozen=True)
class DateRange:
    """A range of dates; None is open. `chosen`: the name of a preset, CUSTOM, or empty for any time."""

    chosen: str = ""
    since: datetime | None = None
    until: datetime | None = None
    presets: Sequence[Preset] = PRESETS

    @property
    def since_field(self) -> str:
        """The beginning as the value of a form field, where it was chosen and isn't a preset's."""
        return _field(self.since) if self.chosen == CUSTOM else ""

    @property
    def until_field(self) -> str:
        return _field(self.until) if self.chosen == CUSTOM else ""


ANY_TIME: Final = DateRange()


def date_range_of(request: HttpRequest, presets: Sequence[Preset] = PRESETS, default: str = "") -> DateRange:
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
        return DateRange(preset.name, timezone.now() - preset.length, None, presets)
    if since is None and until is None:
        return DateRange("", presets=presets)
    if since is not None and until is not None and until < since:
        raise EndsBeforeItBegins
    return DateRange(CUSTOM, since, until, presets)


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
