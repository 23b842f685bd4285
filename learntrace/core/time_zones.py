"""The time zone in which a page tells times: the reader's, which the browser names in a cookie; else UTC.

Charts, tables, filters, sentences and CSV files of a page ask Django for the current time zone, and so tell the same one.
The API answers in UTC whatever the cookie says (contract, section 1).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import formats, timezone
from django.utils.translation import pgettext

COOKIE: Final = "learntrace_zone"
_API: Final = "/v1/"
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone of that name, None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


class TimeZoneMiddleware:
    """Activates the reader's time zone for pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        named = unquote(request.COOKIES.get(COOKIE, ""))
        zone = zone_of(named) if named and not request.path.startswith(_API) else None
        with timezone.override(zone or UTC):
            return self.get_response(request)


def day_bounds(first_day: date, days: int) -> list[datetime]:
    """Return the beginnings of days in the current time zone, in UTC, and the end of the last: `days` + 1 moments."""
    zone = timezone.get_current_timezone()
    midnights = (datetime.combine(first_day + timedelta(days=index), time(), zone) for index in range(days + 1))
    return [midnight.astimezone(UTC) for midnight in midnights]


def day_with_year(day: date) -> str:
    """Return a day for sentences and messages, as the active language writes it: 28 Nov 2026."""
    return formats.date_format(day, pgettext("date format", "j M Y"))


def day_and_time(at: datetime) -> str:
    """Return a local time for sentences and messages, as the active language writes it: 28 Nov 2026, 09:30."""
    return formats.date_format(at, pgettext("date format", "j M Y, H:i"))


def largest_unit(span: timedelta) -> str:
    """Return a span for sentences, rounded to its largest unit, which both languages write alike: 2 h; 1 min at least."""
    seconds = max(60, round(span.total_seconds()))
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    return f"{round(seconds / size)} {unit}"
