"""Whether an academy's telemetry arrives, and what failed, was refused or was rejected."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.utils import timezone

from learntrace.accounts.models import Academy
from learntrace.assignments.learner_records import learners_with_missing_attempts
from learntrace.dashboard.components.arrivals import NEWEST, NEWEST_EVENTS, Arrival, arrivals
from learntrace.dashboard.components.newest_events import event_lines
from learntrace.dashboard.health.volume import Period, slots_of
from learntrace.intake.refusal_counts import RefusalCount, refusals_in
from learntrace.learnpack.webhook_log import newest as webhook_queries
from learntrace.learnpack.webhook_log.newest import Waiting
from learntrace.learnpack.webhook_log.search import newest_of
from learntrace.learnpack.webhook_log.volume import Slot
from learntrace.notebooks import newest_events as event_queries
from learntrace.notebooks.rejected.counts import RejectedCount, count_by_code

RECENT = timedelta(minutes=10)


class Health(Protocol):
    """The installation's health as pages use it; learntrace/config/operations/health.py determines it."""

    @property
    def migrations(self) -> bool: ...
    @property
    def worker_seen_seconds(self) -> float | None: ...
    @property
    def ready(self) -> bool: ...


@dataclass(frozen=True)
class AcademyHealth:
    """The telemetry of an academy.

    `learners_with_missing_attempts` counts those whose latest message tells fewer attempts than earlier ones.
    `events_lately` counts rejected events too; `events` are the newest executions and rejected events.
    """

    webhooks_lately: int
    events_lately: int
    last_at: datetime | None
    waiting: Waiting
    learners_with_missing_attempts: int
    slots: tuple[Slot, ...]
    refusals: tuple[RefusalCount, ...]
    rejected: tuple[RejectedCount, ...]
    newest: tuple[Arrival, ...]
    events: tuple[Arrival, ...]

    @property
    def ever(self) -> bool:
        return self.last_at is not None

    @property
    def lately(self) -> int:
        return self.webhooks_lately + self.events_lately


def health_of(academy: Academy, period: Period, now: datetime | None = None) -> AcademyHealth:
    """Return the health of an academy's telemetry over a period; thirteen queries."""
    now = now or timezone.now()
    newest = arrivals(newest_of(academy, NEWEST))
    events = event_lines(event_queries.newest_events_in(academy, NEWEST_EVENTS))
    # Events of any verb count: who only opens a notebook sends telemetry too.
    moments = (event_queries.last_event_at(academy), *(line.at for line in newest[:1] + events[:1]))
    return AcademyHealth(
        webhooks_lately=webhook_queries.count_since(academy, now - RECENT),
        events_lately=event_queries.count_since(academy, now - RECENT),
        last_at=max((moment for moment in moments if moment is not None), default=None),
        waiting=webhook_queries.waiting_in(academy),
        learners_with_missing_attempts=learners_with_missing_attempts(academy),
        slots=slots_of(academy, period, now),
        refusals=refusals_in(academy, period.start(now)),
        rejected=count_by_code(academy, period.start(now)),
        newest=newest,
        events=events,
    )
