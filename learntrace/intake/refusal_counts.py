"""Counts of refused requests by their reason, and what the reasons are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import learners_of
from learntrace.intake.models import Refusal

_A_ROW = timedelta(hours=1)  # what a row counts at most
# When the last of a row's requests came; rows from before the counting have no such time.
NEWEST = Coalesce(F("last_at"), F("created_at"))

# The reasons for which the front door refuses a request: all that learntrace/intake and its sources give.
REASONS: Mapping[str, str | Promise] = {
    "no-credentials": _("no key was sent"),
    "invalid-token": _("unknown key"),
    "inactive-user": _("the account is not active"),
    "expired-token": _("expired key"),
    "missing-permission": _("no permission to send telemetry"),
    "telemetry-of-another-user": _("telemetry of another user"),
    "body-too-large": _("request too large"),
    "invalid-encoding": _("announced as gzip, but isn't"),
    "unsupported-encoding": _("compressed in a way that is not supported"),
    "invalid-json": _("unreadable JSON"),
    "invalid-body": _("JSON, but not an object"),
    "empty-payload": _("empty request"),
    "invalid-field": _("invalid field"),
    "invalid-batch": _("not a list of 1 to 500 events"),
    "invalid-academy-id": _("the academy isn't a number"),
    "not-a-member": _("the sender isn't a member of the academy"),
    "opted-out": _("the learner has opted out"),
    "invalid-query": _("invalid address"),
    "invalid-request": _("invalid request"),
    "unstorable": _("text that the database can't store"),
    "unavailable": _("the server was temporarily unavailable"),
}


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
