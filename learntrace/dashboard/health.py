"""Whether telemetry arrives in an academy, and what stands in its way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from learntrace.accounts.models import Academy
from learntrace.accounts.scope import learners_of
from learntrace.dashboard.arriving import Period, Slot, slots_of
from learntrace.dashboard.status import NEWEST, Arrival, Refused, arrivals, newest_events, refused
from learntrace.intake.models import Refusal
from learntrace.learnpack.log import rows_of
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.search import newest_of
from learntrace.notebooks.models import Event, RejectedEvent

LATELY = timedelta(minutes=10)


class Health(Protocol):
    """What pages ask of the installation's health; learntrace/config/health.py finds it out."""

    @property
    def migrations(self) -> bool: ...
    @property
    def worker_seen_seconds(self) -> float | None: ...
    @property
    def ready(self) -> bool: ...


@dataclass(frozen=True)
class Rejected:
    """Events of notebooks that were rejected with one code."""

    code: str
    events: int
    learners: int
    newest: datetime


@dataclass(frozen=True)
class AcademyHealth:
    """Whether telemetry arrives; `waiting_since` tells of the oldest webhook that is not processed yet.

    `events_lately` counts rejected ones too; `events` are the newest executions and rejected events.
    """

    webhooks_lately: int
    events_lately: int
    last_at: datetime | None
    waiting_since: datetime | None
    slots: tuple[Slot, ...]
    refusals: tuple[Refused, ...]
    rejected: tuple[Rejected, ...]
    newest: tuple[Arrival, ...]
    events: tuple[Arrival, ...]

    @property
    def ever(self) -> bool:
        return self.last_at is not None

    @property
    def lately(self) -> int:
        return self.webhooks_lately + self.events_lately


def health_of(academy: Academy, period: Period, now: datetime | None = None) -> AcademyHealth:
    """Ask how an academy's telemetry does, looking back on a period; twelve queries."""
    now = now or timezone.now()
    webhooks = rows_of(academy)
    events = Event.objects.filter(academy=academy)
    rejected = RejectedEvent.objects.filter(academy=academy)
    newest = arrivals(newest_of(academy, NEWEST))
    newest_of_notebooks = newest_events(events, rejected)
    # Events of whatever verb: who only opens a notebook sends telemetry too.
    last = events.order_by("-created_at").values_list("created_at", flat=True)[:1]
    waiting = webhooks.filter(status=Webhook.Status.PENDING)
    return AcademyHealth(
        webhooks_lately=webhooks.filter(created_at__gt=now - LATELY).count(),
        events_lately=events.filter(created_at__gt=now - LATELY).count()
        + rejected.filter(updated_at__gt=now - LATELY).count(),
        last_at=max((*last, *(row.at for row in newest[:1] + newest_of_notebooks[:1])), default=None),
        waiting_since=waiting.aggregate(since=Min("created_at"))["since"],
        slots=slots_of(academy, period, now),
        refusals=refused(Refusal.objects.filter(user__in=learners_of(academy)), period.start(now)),
        rejected=_by_code(rejected, period.start(now)),
        newest=newest,
        events=newest_of_notebooks,
    )


def _by_code(rejected: QuerySet[RejectedEvent], since: datetime) -> tuple[Rejected, ...]:
    counted = (
        rejected.filter(updated_at__gte=since)
        .order_by()
        .values_list("code")
        .annotate(events=Count("id"), learners=Count("user_id", distinct=True), newest=Max("updated_at"))
        .order_by("-events", "code")
    )
    return tuple(Rejected(*row) for row in counted)
