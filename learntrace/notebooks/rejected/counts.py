"""Counts of an academy's rejected events by their code."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy
from learntrace.notebooks.models import RejectedEvent


@dataclass(frozen=True)
class RejectedCount:
    """The events that were rejected with one code."""

    code: str
    events: int
    learners: int
    newest: datetime


def count_by_code(academy: Academy, since: datetime, until: datetime | None = None) -> tuple[RejectedCount, ...]:
    """Count the academy's rejected events that were sent since a time, and before another one, the most frequent code first.

    One query.
    """
    times = {"updated_at__gte": since} | ({} if until is None else {"updated_at__lt": until})
    rows = (
        RejectedEvent.objects.filter(seen(academy), academy=academy, **times)
        .order_by()
        .values_list("code")
        .annotate(events=Count("id"), learners=Count("user_id", distinct=True), newest=Max("updated_at"))
        .order_by("-events", "code")
    )
    return tuple(RejectedCount(*row) for row in rows)
