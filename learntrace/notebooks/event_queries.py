"""Queries of the events that an academy sees, and of its rejected events."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.filters import LEARNERS, learners, moment
from learntrace.accounts.models import Academy
from learntrace.core.errors import NotFound
from learntrace.core.http.filters import natural, words
from learntrace.notebooks.models import ASSIGNMENT, FLAGGED, HAS_OUTCOME, OUTCOME, Event, Notebook, RejectedEvent
from learntrace.notebooks.validation.event import with_prefix

SORTABLE: Mapping[str, str] = {
    "id": "id",
    "actor": "actor",
    "verb": "verb",
    "session_id": "session_id",
    "object_id": "object_id",
    "occurred_at": "occurred_at",
    "created_at": "created_at",
}
FILTERS: Mapping[str, str] = {
    "learner": LEARNERS,
    "assignment": "one or more assignments, with or without their prefix, comma-separated",
    "notebook": "one or more paths of notebooks, comma-separated",
    "asset": "one or more published notebooks by id or slug, comma-separated",
    "session": "one or more session ids, comma-separated",
    "verb": "one or more verbs, comma-separated",
    "outcome": "one or more of ok, error, aborted, comma-separated",
    "flag": "one or more flags, comma-separated",
    "since": "events that happened at this time or later, by the learner's clock",
    "until": "events that happened before this time",
}

REJECTED_SORTABLE: Mapping[str, str] = {
    "id": "id",
    "code": "code",
    "learner": "user_id",
    "times": "times",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
REJECTED_FILTERS: Mapping[str, str] = {
    "code": "one or more codes, comma-separated",
    "learner": LEARNERS,
}


class RejectedNotFound(NotFound):
    slug = "rejected-event-not-found"
    text = _("Rejected event not found")


def events_of(academy: Academy, request: Request) -> QuerySet[Event]:
    """Return the academy's events that match the query string's filters, newest first.

    Raises Problem (400, invalid-filter).
    """
    rows = Event.objects.filter(seen(academy), academy=academy)
    for name, column in {"session": "session_id", "verb": "verb"}.items():
        if wanted := words(request, name):
            rows = rows.filter(**{f"{column}__in": wanted})
    if wanted := words(request, "outcome"):
        # The index holds only events with an outcome.
        rows = rows.alias(outcome=OUTCOME).filter(HAS_OUTCOME, outcome__in=wanted)
    if wanted := words(request, "flag"):
        rows = rows.filter(FLAGGED, flags__has_any_keys=wanted)
    rows = rows.alias(assignment=ASSIGNMENT, notebook=KeyTextTransform("notebook", "object"))
    if wanted := words(request, "assignment"):
        rows = rows.filter(assignment__in=[with_prefix(tag) for tag in wanted])
    if wanted := words(request, "notebook"):
        rows = rows.filter(notebook__in=wanted)
    if wanted := words(request, "asset"):
        rows = rows.filter(_on_notebooks(academy, wanted))
    if words(request, "learner"):
        rows = rows.filter(user_id__in=learners(request, academy))
    rows = _in_time(rows, request)
    return rows.select_related("user").order_by("-created_at", "-arrival")


def _on_notebooks(academy: Academy, names: list[str]) -> Q:
    """Return the condition on events of published notebooks: by one of their assignments, else by their path."""
    numbers = [number for name in names if (number := natural(name)) is not None]
    notebooks = Notebook.objects.filter(Q(asset__slug__in=names) | Q(pk__in=numbers), academy=academy)
    tags = notebooks.values_list("assignments__tag", flat=True)
    return Q(assignment__in=[tag for tag in tags if tag]) | Q(
        assignment__isnull=True, notebook__in=list(notebooks.values_list("path", flat=True))
    )


def _in_time(rows: QuerySet[Event], request: Request) -> QuerySet[Event]:
    for name, lookup in {"since": "occurred_at__gte", "until": "occurred_at__lt"}.items():
        if (at := moment(request, name)) is not None:
            rows = rows.filter(**{lookup: at})
    return rows


def rejected_of(
    academy: Academy, request: Request, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[RejectedEvent]:
    """Return the academy's rejected events that match the query string's filters, the latest sent first.

    `since` and `until` are about when they were sent last.
    """
    rows = RejectedEvent.objects.filter(seen(academy), academy=academy)
    if wanted := words(request, "code"):
        rows = rows.filter(code__in=wanted)
    if words(request, "learner"):
        rows = rows.filter(user_id__in=learners(request, academy))
    if since is not None:
        rows = rows.filter(updated_at__gte=since)
    if until is not None:
        rows = rows.filter(updated_at__lt=until)
    return rows.select_related("user").order_by("-updated_at", "-id")


def rejected_event(academy: Academy, rejected_id: int) -> RejectedEvent:
    """Return one of the academy's rejected events.

    Raises RejectedNotFound.
    """
    rows = RejectedEvent.objects.filter(seen(academy), academy=academy, pk=rejected_id)
    row = rows.select_related("sender", "user").first()
    if row is None:
        raise RejectedNotFound
    return row
