"""What the forms of the pages of people have sent."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.models import Academy, Cohort
from learntrace.core.errors import FieldProblem
from learntrace.core.http.filters import natural

PERSON: Final = ("username", "email", "first_name", "last_name")


def person_fields(request: HttpRequest) -> dict[str, str]:
    """Return names and address as they were typed."""
    return {name: request.POST.get(name, "") for name in PERSON}


def chosen_cohorts(request: HttpRequest, academy: Academy) -> list[Cohort]:
    """Return the cohorts that were ticked; those that the academy hasn't are left out."""
    numbers = [number for text in request.POST.getlist("cohorts") if (number := natural(text)) is not None]
    return list(cohorts_of(academy).filter(pk__in=numbers).order_by("name", "pk"))


def choices(academy: Academy) -> list[Cohort]:
    """Return the cohorts that may be chosen."""
    return list(cohorts_of(academy).filter(archived_at__isnull=True).order_by("name", "pk"))


def day_of(form: Mapping[str, str], name: str) -> date | None:
    """Return a day, None where none was given.

    Raises FieldProblem.
    """
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FieldProblem(name, _("This isn't a date: %(given)s"), given=text[:40]) from error


def moment_of(form: Mapping[str, str], name: str) -> datetime:
    """Return a moment that was typed in the page's time zone.

    Raises FieldProblem.
    """
    text = form.get(name, "").strip()
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.get_current_timezone())
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FieldProblem(name, _("Enter a date and a time.")) from error
