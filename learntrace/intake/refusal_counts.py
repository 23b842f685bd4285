"""Counts of refused requests by their reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, QuerySet, Sum
from django.db.models.functions import Coalesce

from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import learners_of
from learntrace.intake.models import Refusal

_A_ROW = timedelta(hours=1)  # what a row counts at most
# When the last of a row's requests came; rows from before the counting have no such time.
NEWEST = Coalesce(F("last_at"), F("created_at"))


@dataclass(frozen=True)
class RefusalCount:
    """The requests that were refused for one reason."""

    reason: str
    requests: int
    learners: int
    newest: datetime


def refusals_in(
    academy: Academy, since: datetime, path: str = "", *, until: datetime | None = None
) -> tuple[RefusalCount, ...]:
    """Count the refused requests of an academy's users since a time, the most frequent reason first; one query.

    With `path`, those that a source's path has refused. With `until`, those that began before: a row counts the requests of
    an hour at most.
    """
    refusals = Refusal.objects.filter(user__in=learners_of(academy))
    if until is not None:
        refusals = refusals.filter(created_at__lt=until)
    return _by_reason(refusals.filter(path=path) if path else refusals, since)


def refusals_of_nobody(since: datetime, path: str) -> tuple[RefusalCount, ...]:
    """Count the requests that a source's path has refused because nobody has their key; of no academy, and one query."""
    return _by_reason(Refusal.objects.filter(user=None, path=path), since)


def refusals_of(user: User, since: datetime) -> tuple[RefusalCount, ...]:
    """Count the refused requests of a user since a time, the most frequent reason first; one query."""
    return _by_reason(Refusal.objects.filter(user=user), since)


def _by_reason(refusals: QuerySet[Refusal], since: datetime) -> tuple[RefusalCount, ...]:
    rows = (
        refusals.alias(newest_of_row=NEWEST)
        .filter(created_at__gt=since - _A_ROW, newest_of_row__gt=since)
        .order_by()
        .values_list("reason")
        .annotate(requests=Sum("times"), learners=Count("user_id", distinct=True), newest=Max(NEWEST))
        .order_by("-requests", "reason")
    )
    return tuple(RefusalCount(*row) for row in rows)
