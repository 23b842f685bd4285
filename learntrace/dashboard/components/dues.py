"""Due dates in words: until when, and how many are late or have more time."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.assignments.due_dates.models import DueDate
from learntrace.dashboard.templatetags.pages import day_time


def due_text(rows: Sequence[DueDate]) -> str:
    """Return until when an asset is due; where several cohorts have different dates, each with its name."""
    dates = sorted({row.due_at for row in rows})
    if len(dates) == 1:
        return _("due %(date)s") % {"date": day_time(dates[0])}
    of_cohorts = sorted(rows, key=lambda row: (row.due_at, row.cohort.name))
    told = (f"{row.cohort.name}: {day_time(row.due_at)}" for row in of_cohorts)
    return _("due %(date)s") % {"date": "; ".join(told)}


def late_text(late: int, extended: int) -> str:
    """Return how many are late and how many have an extension; empty where nobody is or has."""
    parts = []
    if late:
        parts.append(ngettext("%(number)s late", "%(number)s late", late) % {"number": late})
    if extended:
        parts.append(ngettext("%(number)s extended", "%(number)s extended", extended) % {"number": extended})
    return ", ".join(parts)
