"""The newest notebook events of an academy or a learner, rejected ones included."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.measures.activity import EXECUTED
from learntrace.notebooks.documents.activities import SOURCE
from learntrace.notebooks.models import ASSIGNMENT, CORRECTED, Arrival, Event, RejectedEvent
from learntrace.notebooks.validation import rejections
from learntrace.progress.models import Activity

REJECTED: Final = "rejected"
_PEOPLE = ("user__username", "user__first_name", "user__last_name")
_REJECTED_COLUMNS = ("code", "reason_values", "detail", "updated_at")


@dataclass(frozen=True)
class NewestEvent:
    """An execution or a rejected event.

    `event` is the verb, or the code of a rejection; `outcome` is "ok", "error", "aborted", None or REJECTED; `sentence`
    is the name of the error, or the reason of the rejection in the active language.
    """

    id: str
    at: datetime
    learner: str
    event: str
    subject: str
    outcome: str | None
    sentence: str


@dataclass(frozen=True)
class LastEvent:
    """When an event came, and its front end; texts are empty where the event doesn't name them."""

    at: datetime
    front_end: str
    version: str


def count_since(academy: Academy, since: datetime, until: datetime | None = None) -> int:
    """Count the academy's events that came after a time, and before another one; rejected ones by when they were sent last.

    Two queries.
    """
    accepted, rejected = Event.objects.filter(created_at__gt=since), RejectedEvent.objects.filter(updated_at__gt=since)
    if until is not None:
        accepted, rejected = accepted.filter(created_at__lt=until), rejected.filter(updated_at__lt=until)
    return sum(rows.filter(seen(academy), academy=academy).count() for rows in (accepted, rejected))


def count_waiting(academy: Academy) -> int:
    """Count the academy's events that wait to be recorded."""
    rows = Arrival.objects.filter(seen(academy, "turn_learner"), turn_academy=academy.pk)
    return sum(map(len, rows.values_list("events", flat=True)))


def last_event_at(academy: Academy) -> datetime | None:
    """Return when the academy's last event of any verb came, None where none has come."""
    rows = Event.objects.filter(seen(academy), academy=academy).order_by("-created_at")
    return rows.values_list("created_at", flat=True).first()


def last_event_of(learner: User) -> LastEvent | None:
    """Return a learner's last event by the learner's clock, None where none has come."""
    # From activities, which have an index by learner and time; the table of events has none.
    latest = Activity.objects.filter(user=learner, source=SOURCE).order_by("-at", "-arrival").values("pk")[:1]
    row = Event.objects.filter(pk__in=latest).values_list("created_at", "context").first()
    if row is None:
        return None
    at, context = row
    context = context if isinstance(context, dict) else {}
    front_end, version = (context.get(name) for name in ("frontend", "version"))
    return LastEvent(at, *(text if isinstance(text, str) else "" for text in (front_end, version)))


@dataclass(frozen=True)
class WrongClock:
    """A learner whose machine's clock was wrong when it sent last: by how much it was ahead, or behind, and when that was."""

    learner: User
    off: timedelta
    is_ahead: bool
    at: datetime


def wrong_clocks(academy: Academy, since: datetime) -> list[WrongClock]:
    """Return the learners whose events after a time got a correction, the newest of each, by name; one query."""
    rows = (
        Event.objects.filter(CORRECTED, seen(academy), academy=academy, created_at__gt=since, user__isnull=False)
        .order_by("user_id", "-created_at", "-arrival")
        .distinct("user_id")
        .select_related("user")
        .only("clock_offset_ms", "created_at", *_PEOPLE)
    )
    clocks = [
        WrongClock(row.user, timedelta(milliseconds=abs(row.clock_offset_ms)), row.clock_offset_ms > 0, row.created_at)
        for row in rows
        if row.user and row.clock_offset_ms
    ]
    return sorted(clocks, key=lambda clock: (clock.learner.display_name, clock.learner.pk))


def newest_events_in(academy: Academy, most: int) -> list[NewestEvent]:
    """Return an academy's newest executions and rejected events, the latest first; two queries."""
    rows = (
        Event.objects.filter(seen(academy), academy=academy, verb=EXECUTED)
        .annotate(assignment=ASSIGNMENT, notebook=KeyTextTransform("notebook", "object"))
        .select_related("user")
        .only("actor", "result", "created_at", *_PEOPLE)
        .order_by("-created_at", "-arrival")[:most]
    )
    executed = [
        NewestEvent(
            id=str(row.pk),
            at=row.created_at,
            learner=row.user.display_name if row.user else row.actor,
            event=EXECUTED,
            subject=row.assignment or row.notebook or "",
            outcome=row.result.get("outcome"),
            sentence=str(row.result.get("error_name") or ""),
        )
        for row in rows
    ]
    rejected = RejectedEvent.objects.filter(seen(academy), academy=academy)
    rejected = rejected.select_related("user").only(*_REJECTED_COLUMNS, *_PEOPLE)
    return _latest([*executed, *_rejected(rejected, most, named=True)], most)


def newest_events_of(learner: User, most: int) -> list[NewestEvent]:
    """Return a learner's newest executions and rejected events without the name, the latest first; two queries."""
    activities = Activity.objects.filter(user=learner, source=SOURCE, outcome__isnull=False)
    executed = [
        NewestEvent(
            id=str(activity.pk),
            at=activity.at,
            learner="",
            event=activity.verb,
            subject=activity.assignment or "",
            outcome=activity.outcome,
            sentence=str(activity.failures[0][0]) if activity.failures else "",
        )
        for activity in activities.order_by("-at", "-arrival")[:most]
    ]
    rejected = RejectedEvent.objects.filter(user=learner).only(*_REJECTED_COLUMNS)
    return _latest([*executed, *_rejected(rejected, most, named=False)], most)


def _rejected(rows: QuerySet[RejectedEvent], most: int, *, named: bool) -> list[NewestEvent]:
    return [
        NewestEvent(
            id=f"rejected-{row.pk}",
            at=row.updated_at,
            learner=row.user.display_name if named and row.user else "",
            event=row.code,
            subject="",
            outcome=REJECTED,
            sentence=rejections.sentence_for(row.code, row.reason_values, row.detail),
        )
        for row in rows.order_by("-updated_at", "-id")[:most]
    ]


def _latest(events: list[NewestEvent], most: int) -> list[NewestEvent]:
    return sorted(events, key=lambda event: event.at, reverse=True)[:most]
