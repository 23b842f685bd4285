"""A learner's attempts one by one: all of those at an assignment, and the latest that count at all assignments."""

import uuid
from collections.abc import Mapping, Sequence

from django.db.models import Q, QuerySet

from learntrace.accounts.models import Academy, User
from learntrace.progress.counting import COUNTED
from learntrace.progress.models import Activity
from learntrace.progress.periods.period import ALL_TIMES, Period

SORTABLE: Mapping[str, str] = {"at": "at", "outcome": "outcome", "session_id": "session_id", "object_id": "object_id"}
MOST_RECENT = 1000


def attempts_of(academy: Academy, key: str, user_id: int, period: Period = ALL_TIMES) -> QuerySet[Activity]:
    """Return the attempts of a period in the learner's order, oldest first."""
    rows = Activity.objects.filter(academy=academy, assignment=key, user=user_id, outcome__isnull=False)
    return _in(rows, period).order_by("at", "arrival")


def recent_attempts(academy: Academy, user: User, period: Period = ALL_TIMES) -> Sequence[Activity]:
    """Return the latest attempts of a period that count, the oldest first."""
    rows = Activity.objects.filter(academy=academy, user=user, outcome__isnull=False, assignment__isnull=False)
    rows = _in(rows.filter(COUNTED), period)
    return list(rows.order_by("-at", "-arrival")[:MOST_RECENT])[::-1]


def _in(rows: QuerySet[Activity], period: Period) -> QuerySet[Activity]:
    if period.since is not None:
        rows = rows.filter(at__gte=period.since)
    return rows if period.until is None else rows.filter(at__lt=period.until)


def has_excluded_attempts(academy: Academy, user_id: int) -> bool:
    """Whether staff has excluded any of a learner's attempts; one query."""
    rows = Activity.objects.filter(academy=academy, user=user_id, outcome__isnull=False)
    return rows.filter(exclusion_id__isnull=False).exists()


def page_of_attempt(rows: QuerySet[Activity], attempt_id: str, per_page: int) -> int:
    """Return on which page of `attempts_of` an attempt is, from 1; 1 where it is none of them."""
    try:
        found = rows.filter(pk=uuid.UUID(attempt_id)).first()
    except ValueError:
        return 1
    if found is None:
        return 1
    before = rows.filter(Q(at__lt=found.at) | Q(at=found.at, arrival__lt=found.arrival)).count()
    return before // per_page + 1
