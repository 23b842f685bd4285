"""What the status page tells: whether telemetry arrives in an academy, or what is known of a learner."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Count, Max, Min, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncHour
from django.utils import timezone

from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import learners_of, seen_in
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.outcomes import told
from learntrace.notebooks import rejections
from learntrace.notebooks.models import ASSIGNMENT, Event, RejectedEvent
from learntrace.registry.resolution import load_registry

LATELY = timedelta(minutes=10)
HOURS = 24
NEWEST = 10
NEWEST_EVENTS = 5
MOST_TASKS = 200


class Health(Protocol):
    """What this page asks of the installation's health; learntrace/config/health.py finds it out."""

    @property
    def migrations(self) -> bool: ...
    @property
    def worker_seen_seconds(self) -> float | None: ...
    @property
    def ready(self) -> bool: ...


@dataclass(frozen=True)
class Hour:
    """How many webhooks came in the hour from `start`, by what became of them so far."""

    start: datetime
    done: int = 0
    ignored: int = 0
    pending: int = 0
    error: int = 0

    @property
    def total(self) -> int:
        return self.done + self.ignored + self.pending + self.error


@dataclass(frozen=True)
class Refused:
    """Requests of one day that were refused for one reason."""

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


@dataclass(frozen=True)
class AcademyStatus:
    """Whether telemetry arrives in an academy; `waiting_since` tells of the oldest webhook that is not processed yet.

    `lately` and `last_at` tell of webhooks and notebook events, rejected ones included; `events` are the newest
    executions and rejected events.
    """

    lately: int
    last_at: datetime | None
    waiting_since: datetime | None
    hours: tuple[Hour, ...]
    refusals: tuple[Refused, ...]
    newest: tuple[Arrival, ...]
    events: tuple[Arrival, ...]

    @property
    def ever(self) -> bool:
        return self.last_at is not None


@dataclass(frozen=True)
class OwnTask:
    """A task of one's own and how far one is; `completion` in percent, None where it isn't measured."""

    title: str
    slug: str
    state: str
    completion: float | None
    heard_at: datetime | None


@dataclass(frozen=True)
class OwnStatus:
    """What is known of a learner; `belongs` says whether any academy counts the learner among its own."""

    belongs: bool
    tasks: tuple[OwnTask, ...]
    refusals: tuple[Refused, ...]
    newest: tuple[Arrival, ...]
    events: tuple[Arrival, ...]


def academy_status(academy: Academy) -> AcademyStatus:
    """Ask how an academy's telemetry does; ten queries."""
    now = timezone.now()
    webhooks = Webhook.objects.filter(seen_in(academy, learner="student_id", asset_academy="asset__academy_id"))
    events = Event.objects.filter(academy=academy)
    rejected = RejectedEvent.objects.filter(academy=academy)
    newest, newest_events = _newest(webhooks), _newest_events(events, rejected)
    # Events of whatever verb: who only opens a notebook sends telemetry too.
    last = events.order_by("-created_at").values_list("created_at", flat=True)[:1]
    return AcademyStatus(
        lately=(
            webhooks.filter(created_at__gt=now - LATELY).count()
            + events.filter(created_at__gt=now - LATELY).count()
            + rejected.filter(updated_at__gt=now - LATELY).count()
        ),
        last_at=max((*last, *(row.at for row in newest[:1] + newest_events[:1])), default=None),
        waiting_since=webhooks.filter(status=Webhook.Status.PENDING).aggregate(since=Min("created_at"))["since"],
        hours=_by_hour(webhooks, now),
        refusals=_by_reason(Refusal.objects.filter(user__in=learners_of(academy)), now),
        newest=newest,
        events=newest_events,
    )


def own_status(user: User) -> OwnStatus:
    """Ask what is known of a learner: nothing but rows of one's own."""
    return OwnStatus(
        belongs=user.memberships.exists(),
        tasks=_own_tasks(user),
        refusals=_by_reason(Refusal.objects.filter(user=user), timezone.now()),
        newest=_newest(Webhook.objects.filter(student=user)),
        events=_newest_events(Event.objects.filter(user=user), RejectedEvent.objects.filter(user=user)),
    )


def _by_hour(webhooks: QuerySet[Webhook], now: datetime) -> tuple[Hour, ...]:
    """The last 24 hours of the clock, the running one included, oldest first."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    counted = (
        webhooks.filter(created_at__gte=first)
        .annotate(hour=TruncHour("created_at"))
        .order_by()
        .values_list("hour", "status")
        .annotate(rows=Count("id"))
    )
    counts: dict[datetime, dict[str, int]] = {}
    for hour, status, rows in counted:
        counts.setdefault(hour, {})[status.lower()] = rows
    starts = [first + timedelta(hours=index) for index in range(HOURS)]
    return tuple(Hour(start, **counts.get(start, {})) for start in starts)


def _by_reason(refusals: QuerySet[Refusal], now: datetime) -> tuple[Refused, ...]:
    counted = (
        refusals.filter(created_at__gt=now - timedelta(hours=HOURS))
        .order_by()
        .values_list("reason")
        .annotate(requests=Count("id"), learners=Count("user_id", distinct=True), newest=Max("created_at"))
        .order_by("-requests", "reason")
    )
    return tuple(Refused(*row) for row in counted)


def _newest(webhooks: QuerySet[Webhook]) -> tuple[Arrival, ...]:
    # Never the payloads: they may have hundreds of KB each.
    rows = (
        webhooks.select_related("student", "asset")
        .only(
            "event", "package_slug", "status", "status_text", "reason", "reason_values", "created_at", "asset__slug",
            "student__username", "student__first_name", "student__last_name",
        )
        .order_by("-created_at", "-id")[:NEWEST]
    )  # fmt: skip
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
        for row in rows
    )


# What became of an execution, in the words for what became of a webhook.
_OUTCOMES: Mapping[str | None, str] = {"ok": "done", "error": "error", "aborted": "ignored"}


def _newest_events(events: QuerySet[Event], rejected: QuerySet[RejectedEvent]) -> tuple[Arrival, ...]:
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


def _own_tasks(user: User) -> tuple[OwnTask, ...]:
    tasks = list(
        Task.objects.filter(user=user)
        .only("title", "associated_slug", "task_status")
        .order_by("-task_status", "-id")[:MOST_TASKS]
    )
    registry = load_registry(slugs={task.associated_slug for task in tasks})
    rows = AssignmentTelemetry.objects.filter(user=user).values_list("asset_slug", "completion_rate", "updated_at")
    heard = {slug: (completion, at) for slug, completion, at in rows}

    def own(task: Task) -> OwnTask:
        asset = registry.by_slug(task.associated_slug)
        completion, at = heard.get(registry.canonical(asset).slug if asset else task.associated_slug, (None, None))
        state = "done" if task.task_status == Task.Status.DONE else "working" if at else "open"
        return OwnTask(task.title, task.associated_slug, state, completion, at)

    return tuple(map(own, tasks))
