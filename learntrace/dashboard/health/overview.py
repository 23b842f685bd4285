"""Whether an academy's telemetry arrives, and what failed, was refused or was rejected."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.utils import timezone

from learntrace.accounts.models import Academy, User
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
from learntrace.notebooks.consent import learners_opted_out
from learntrace.notebooks.rejected.counts import RejectedCount, count_by_code
from learntrace.progress.catalogue import titles_of
from learntrace.progress.unscored import Unscored, finished_without_scores
from learntrace.registry.visibility import academy_assets

RECENT = timedelta(minutes=10)
# How long a clock is told of that has been wrong: until the next lesson.
CLOCKS = timedelta(days=1)


class Health(Protocol):
    """The installation's health as pages use it; learntrace/config/operations/health.py determines it."""

    @property
    def migrations(self) -> bool: ...
    @property
    def worker_seen_seconds(self) -> float | None: ...
    @property
    def ready(self) -> bool: ...


@dataclass(frozen=True)
class SourceHealth:
    """What one source has delivered: `failed` are LearnPack's failed webhooks, or the notebooks' rejected events.

    What a learner's code did is no matter of delivery: an exception in a cell is an event that arrived.
    """

    name: str
    last_at: datetime | None
    lately: int
    received: int
    failed: int
    waiting: int


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
    unscored: tuple[Unscored, ...]
    opted_out: tuple[User, ...]
    wrong_clocks: tuple[event_queries.WrongClock, ...]
    sources: tuple[SourceHealth, ...]
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
    """Return the health of an academy's telemetry over a period; twenty queries at most."""
    now = now or timezone.now()
    newest = arrivals(newest_of(academy, NEWEST), academy_assets(academy))
    happened = event_queries.newest_events_in(academy, NEWEST_EVENTS)
    events = event_lines(happened, titles_of(academy.pk, [event.subject for event in happened]))
    # Events of any verb count: who only opens a notebook sends telemetry too.
    last_event = event_queries.last_event_at(academy)
    moments = (last_event, *(line.at for line in newest[:1] + events[:1]))
    slots, waiting = slots_of(academy, period, now), webhook_queries.waiting_in(academy)
    rejected = count_by_code(academy, period.start(now), period.until)
    webhooks = SourceHealth(
        "LearnPack",
        newest[0].at if newest else None,
        webhook_queries.count_since(academy, now - RECENT),
        sum(slot.total for slot in slots),
        sum(slot.error for slot in slots),
        sum(slot.pending for slot in slots),
    )
    notebooks = SourceHealth(
        "Jupyter",
        last_event,
        event_queries.count_since(academy, now - RECENT),
        event_queries.count_since(academy, period.start(now), period.until),
        sum(count.events for count in rejected),
        event_queries.count_waiting(academy),
    )
    return AcademyHealth(
        webhooks_lately=webhooks.lately,
        events_lately=notebooks.lately,
        last_at=max((moment for moment in moments if moment is not None), default=None),
        waiting=waiting,
        learners_with_missing_attempts=learners_with_missing_attempts(academy),
        unscored=tuple(finished_without_scores(academy)),
        opted_out=tuple(learners_opted_out(academy)),
        wrong_clocks=tuple(event_queries.wrong_clocks(academy, now - CLOCKS)),
        sources=(webhooks, notebooks),
        slots=slots,
        refusals=refusals_in(academy, period.start(now), until=period.until),
        rejected=rejected,
        newest=newest,
        events=events,
    )
