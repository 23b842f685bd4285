"""Queries of an academy's signals: the list with its filters, a single one, and the open ones of learners."""

from collections.abc import Collection, Mapping

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.filters import LEARNERS, cohorts, learners, moment, one_of
from learntrace.accounts.models import Academy
from learntrace.core.errors import NotFound
from learntrace.core.http.filters import words
from learntrace.progress.assignment_keys import spellings
from learntrace.progress.models import Assignment
from learntrace.progress.open_signals import OpenSignal
from learntrace.progress.reports.selection import assets_named, learners_of_cohorts, slugs_of
from learntrace.signals.documents import SEVERITIES
from learntrace.signals.models import Signal

UNRESOLVED = (Signal.State.OPEN, Signal.State.ACKNOWLEDGED)

SORTABLE: Mapping[str, str] = {
    "id": "id",
    "kind": "kind",
    "severity": "severity",
    "state": "state",
    "learner": "user__username",
    "assignment": "assignment",
    "asset": "asset_slug",
    "count": "count",
    "opened_at": "opened_at",
    "last_seen_at": "last_seen_at",
    "resolved_at": "resolved_at",
    "acknowledged_at": "acknowledged_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
FILTERS: Mapping[str, str] = {
    "state": "one or more of open, acknowledged, resolved, withdrawn, comma-separated; by default all except withdrawn",
    "kind": "one or more kinds, comma-separated",
    "severity": "one or more of low, medium, high, comma-separated",
    "learner": LEARNERS,
    "assignment": "one or more assignments, with or without their prefix, comma-separated",
    "asset": "one or more assets by id, slug or alias, comma-separated; a translation stands for its asset",
    "cohort": "one or more ids or slugs of cohorts, comma-separated: the learners who have a task of them",
    "since": "signals that were last seen at this time or later, by the learner's clock",
}


class SignalNotFound(NotFound):
    slug = "signal-not-found"
    text = _("Signal not found")


def signals_of(academy: Academy, request: Request) -> QuerySet[Signal]:
    """Return the academy's signals that match the query string, the last seen first.

    Raises Problem (400, invalid-filter).
    """
    rows = Signal.objects.filter(seen(academy), academy=academy)
    states = one_of(request, "state", tuple(Signal.State.values))
    rows = rows.filter(state__in=states) if states else rows.exclude(state=Signal.State.WITHDRAWN)
    if kinds := words(request, "kind"):
        rows = rows.filter(kind__in=kinds)
    if severities := one_of(request, "severity", tuple(SEVERITIES.values())):
        rows = rows.filter(severity__in=[number for number, word in SEVERITIES.items() if word in severities])
    if words(request, "learner"):
        rows = rows.filter(user__in=learners(request, academy))
    if words(request, "cohort"):
        rows = rows.filter(user__in=learners_of_cohorts(academy, frozenset(cohorts(request, academy))))
    if (since := moment(request, "since")) is not None:
        rows = rows.filter(last_seen_at__gte=since)
    return with_users(_of_assignments(academy, rows, request)).order_by("-last_seen_at", "-id")


def _of_assignments(academy: Academy, rows: QuerySet[Signal], request: Request) -> QuerySet[Signal]:
    if assignments := words(request, "assignment"):
        rows = rows.filter(assignment__in=spellings(assignments))
    if names := words(request, "asset"):
        assets = assets_named(academy, names)
        keys = Assignment.objects.filter(academy=academy, asset__in=assets).order_by().values("key")
        rows = rows.filter(Q(assignment__in=keys) | Q(asset_slug__in=list(slugs_of(assets))))
    return rows


def with_users(rows: QuerySet[Signal]) -> QuerySet[Signal]:
    """Have the rows select their learner, and who has acknowledged them."""
    return rows.select_related("user", "acknowledged_by")


def signal_of(academy: Academy, signal_id: int) -> Signal:
    """Return one of the academy's signals, a withdrawn one too.

    Raises SignalNotFound.
    """
    row = with_users(Signal.objects.filter(seen(academy), academy=academy, pk=signal_id)).first()
    if row is None:
        raise SignalNotFound
    return row


def open_signals_of(academy_id: int, user_ids: Collection[int], assignment: str | None) -> list[OpenSignal]:
    """Return the standing signals of learners: the callback that `progress.open_signals` reads them with."""
    rows = Signal.objects.filter(academy=academy_id, state__in=UNRESOLVED, user__in=user_ids)
    if assignment is not None:
        rows = rows.filter(assignment=assignment)
    return [OpenSignal(*row) for row in rows.order_by("pk").values_list("user_id", "assignment", "kind")]


def count_open_of_kind(academy: Academy, kind: str) -> int:
    """Return how many open or acknowledged signals of a kind the academy has."""
    shown = (Signal.State.OPEN, Signal.State.ACKNOWLEDGED)
    return Signal.objects.filter(academy=academy, kind=kind, state__in=shown).count()
