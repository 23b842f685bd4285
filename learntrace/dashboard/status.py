"""What has arrived and what was refused, as lines of a page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, QuerySet
from django.db.models.fields.json import KeyTextTransform

from learntrace.accounts.models import User
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.outcomes import told
from learntrace.notebooks import rejections
from learntrace.notebooks.models import ASSIGNMENT, Event, RejectedEvent

NEWEST = 10
NEWEST_EVENTS = 5


@dataclass(frozen=True)
class Refused:
    """Requests that were refused for one reason."""

    reason: str
    requests: int
    learners: int
    newest: datetime


@dataclass(frozen=True)
class Arrival:
    """One webhook, notebook event or rejected event as a line of the page."""

    id: int | str
    at: datetime
    learner: str
    event: str
    subject: str
    status: str
    sentence: str


def refused(refusals: QuerySet[Refusal], since: datetime) -> tuple[Refused, ...]:
    """Why requests were refused since then, the most frequent reason first."""
    counted = (
        refusals.filter(created_at__gt=since)
        .order_by()
        .values_list("reason")
        .annotate(requests=Count("id"), learners=Count("user_id", distinct=True), newest=Max("created_at"))
        .order_by("-requests", "reason")
    )
    return tuple(Refused(*row) for row in counted)


def newest_first(webhooks: QuerySet[Webhook]) -> QuerySet[Webhook]:
    """The rows with what an arrival tells of them."""
    # Never the payloads: they may have hundreds of KB each.
    return (
        webhooks.select_related("student", "asset")
        .only(
            "event", "package_slug", "status", "status_text", "reason", "reason_values", "created_at", "asset__slug",
            "student__username", "student__first_name", "student__last_name",
        )
        .order_by("-created_at", "-id")
    )  # fmt: skip


def arrivals(webhooks: Iterable[Webhook]) -> tuple[Arrival, ...]:
    """Webhooks as lines of a page."""
    return tuple(
        Arrival(
            id=row.pk,
            at=row.created_at,
            learner=name_of(row.student) if row.student else "",
            event=row.event,
            subject=row.asset.slug if row.asset else row.package_slug or "",
            status=row.status.lower(),
            sentence=told(row) or "",
        )
        for row in webhooks
    )


# What became of an execution, in the words for what became of a webhook.
_OUTCOMES: Mapping[str | None, str] = {"ok": "done", "error": "error", "aborted": "ignored"}


def newest_events(events: QuerySet[Event], rejected: QuerySet[RejectedEvent]) -> tuple[Arrival, ...]:
    """The newest executions and rejected events: what tells a learner's work, and what goes wrong."""
    executed = (
        events.filter(verb="executed")
        .annotate(assignment=ASSIGNMENT, notebook=KeyTextTransform("notebook", "object"))
        .select_related("user")
        .only("actor", "result", "created_at", "user__username", "user__first_name", "user__last_name")
        .order_by("-created_at", "-arrival")[:NEWEST_EVENTS]
    )
    refused = (
        rejected.select_related("user")
        .only(
            "code", "reason_values", "detail", "updated_at", "user__username", "user__first_name", "user__last_name"
        )
        .order_by("-updated_at", "-id")[:NEWEST_EVENTS]
    )  # fmt: skip
    arrivals = [
        Arrival(
            id=str(row.pk),
            at=row.created_at,
            learner=name_of(row.user) if row.user else row.actor,
            event="executed",
            subject=row.assignment or row.notebook or "",
            status=_OUTCOMES.get(row.result.get("outcome"), "done"),
            sentence=str(row.result.get("error_name") or ""),
        )
        for row in executed
    ]
    arrivals += [
        Arrival(
            id=f"rejected-{row.pk}",
            at=row.updated_at,
            learner=name_of(row.user) if row.user else "",
            event=row.code,
            subject="",
            status="rejected",
            sentence=rejections.told(row.code, row.reason_values, row.detail),
        )
        for row in refused
    ]
    return tuple(sorted(arrivals, key=lambda row: row.at, reverse=True)[:NEWEST_EVENTS])


def name_of(user: User) -> str:
    """How pages call somebody: by full name, else by user name."""
    return user.get_full_name() or user.username
