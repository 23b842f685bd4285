"""List filters by users, cohorts and times, parsed from the query string."""

import re
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q
from django.utils.timezone import get_current_timezone
from rest_framework.request import Request

from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.models import Academy
from learntrace.accounts.people.naming import learners_named
from learntrace.core.errors import InvalidFilter
from learntrace.core.http.filters import natural, words
from learntrace.measures import timestamps

LEARNERS: Final = "one or more users, comma-separated: `id:101`, `name:101`, or a bare id or user name, an id first"


def learners(request: Request, academy: Academy, name: str = "learner") -> list[int]:
    """Return the ids of the users that the filter names (`people.naming`); whoever uses them keeps to the academy's rows."""
    return learners_named(words(request, name), academy)


def cohorts(request: Request, academy: Academy, name: str = "cohort") -> list[int]:
    """Return the ids of the academy's cohorts that the filter names, by id or slug."""
    named = words(request, name)
    cohorts = cohorts_of(academy).filter(Q(slug__in=named) | Q(pk__in=_numbers(named)))
    return list(cohorts.values_list("pk", flat=True))


def _numbers(named: list[str]) -> list[int]:
    return [number for name in named if (number := natural(name)) is not None]


# At the end of a time in ISO 8601; the blank stands for a + that isn't percent-encoded.
_OFFSET = re.compile(r"(?:Z|[-+ ]\d\d(?::?\d\d)?)$", re.IGNORECASE)


def moment(request: Request, name: str) -> datetime | None:
    """Return the filter's time, given in ISO 8601, on a page without an offset in the reader's time zone; None without one.

    Raises Problem (400, invalid-filter).
    """
    given = request.query_params.get(name, "").strip()
    if not given:
        return None
    parsed = None
    # A year or seconds would be parsed as milliseconds, and so as a day in 1970.
    if given[4:5] == "-":
        # A + that isn't percent-encoded arrives as a blank.
        parsed = timestamps.parse(given) or timestamps.parse(given.replace(" ", "+"))
    if parsed is None:
        raise InvalidFilter(name, given)
    return parsed if parsed is None or _has_offset(given) else _in_current_zone(parsed)


def _has_offset(given: str) -> bool:
    # After the date, whose last part would look like an offset.
    return _OFFSET.search(given, 10) is not None


def _in_current_zone(parsed: datetime) -> datetime:
    return parsed.replace(tzinfo=get_current_timezone()).astimezone(UTC)


def one_of(request: Request, name: str, allowed: tuple[str, ...]) -> list[str]:
    """Return the values of a filter that accepts certain values only.

    Raises Problem (400, invalid-filter) that lists the other values.
    """
    wanted = words(request, name)
    if bad := [word for word in wanted if word not in allowed]:
        raise InvalidFilter(name, ",".join(bad))
    return wanted


def flag(request: Request, name: str) -> bool:
    """Whether a parameter of the query string is true; anything unknown is false."""
    return request.query_params.get(name, "").strip().lower() in ("1", "true", "yes")


def strict_flag(request: Request, name: str) -> bool:
    """Whether a parameter is true, where it must not be guessed, as for a dry run; a name without a value is true.

    Raises Problem for a value that is neither true nor false.
    """
    if name not in request.query_params:
        return False
    given = request.query_params[name].strip().lower()
    if given in ("", "1", "true", "yes", "on", "t", "y"):
        return True
    if given in ("0", "false", "no", "off", "f", "n"):
        return False
    raise InvalidFilter(name, given)
