"""Filters of lists that name people and moments, read from the query string."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.models import Academy, Cohort, User
from learntrace.core.errors import Problem
from learntrace.core.filters import natural, words
from learntrace.metrics import timestamps


def learners(request: Request, name: str = "learner") -> list[int]:
    """The ids of the users that the filter names, by id or by name."""
    named = words(request, name)
    found = User.objects.filter(Q(username__in=named) | Q(pk__in=_numbers(named)))
    return list(found.values_list("pk", flat=True))


def cohorts(request: Request, academy: Academy, name: str = "cohort") -> list[int]:
    """The ids of the academy's cohorts that the filter names, by id or by slug."""
    named = words(request, name)
    found = Cohort.objects.filter(Q(slug__in=named) | Q(pk__in=_numbers(named)), academy=academy)
    return list(found.values_list("pk", flat=True))


def _numbers(named: list[str]) -> list[int]:
    return [number for name in named if (number := natural(name)) is not None]


def moment(request: Request, name: str) -> datetime | None:
    """The time that the filter gives, in ISO 8601; None without one.

    Raises Problem (400, invalid-filter).
    """
    given = request.query_params.get(name, "").strip()
    if not given:
        return None
    found = None
    # A year or seconds would be read as milliseconds, and so as a day in 1970.
    if given[4:5] == "-":
        # A + that wasn't encoded arrives as a blank.
        found = timestamps.parse(given) or timestamps.parse(given.replace(" ", "+"))
    if found is None:
        raise Problem(_("Invalid `%(field)s` value(s): %(values)s"), slug="invalid-filter", field=name, values=given)
    return found


def one_of(request: Request, name: str, allowed: tuple[str, ...]) -> list[str]:
    """The words of a filter that knows all that it takes.

    Raises Problem (400, invalid-filter) that lists the others.
    """
    wanted = words(request, name)
    if bad := [word for word in wanted if word not in allowed]:
        raise Problem(
            _("Invalid `%(field)s` value(s): %(values)s"), slug="invalid-filter", field=name, values=",".join(bad)
        )
    return wanted


def flag(request: Request, name: str) -> bool:
    """Whether the query string turns something on."""
    return request.query_params.get(name, "").strip().lower() in ("1", "true", "yes")


def certain_flag(request: Request, name: str) -> bool:
    """The same where it must not be guessed, as of a dry run: a name without a value turns it on.

    Raises Problem for what is neither yes nor no.
    """
    if name not in request.query_params:
        return False
    given = request.query_params[name].strip().lower()
    if given in ("", "1", "true", "yes", "on", "t", "y"):
        return True
    if given in ("0", "false", "no", "off", "f", "n"):
        return False
    raise Problem(_("Invalid `%(field)s` value(s): %(values)s"), slug="invalid-filter", field=name, values=given)
