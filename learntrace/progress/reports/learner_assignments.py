"""The measures of each learner of a class on one assignment, those who haven't started included."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.assignments.due_dates.reading import dues_in
from learntrace.assignments.due_dates.standing import Due, Timeliness, timeliness
from learntrace.core.errors import NotFound
from learntrace.core.sql import fetch
from learntrace.measures.learner_state import NOT_STARTED, LearnerState, Standing
from learntrace.progress.evidence import standing_of
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.open_signals import open_signals
from learntrace.progress.periods.measures import progress_in
from learntrace.progress.reports.class_members import classes_of
from learntrace.progress.reports.selection import Selection, people_of

# What a learner did on an assignment in a period.
_IN_PERIOD = """
SELECT p.user_id, p.assignment, p.attempts, p.errors, p.checks, p.failed_checks, p.questions, p.active_seconds, p.last_seen_at
  FROM {progress} p
 WHERE p.academy_id = %(academy)s AND p.user_id = ANY(%(learners)s) AND p.assignment = ANY(%(keys)s)
"""


@dataclass
class LearnerAssignmentRow:
    """A learner's measures on an assignment: seconds, counts, the Error Quotient 0 to 1 or None.

    `asked_before` has [attempt, questions to the assistant before it], attempts counted from 1. `signals` are the kinds of
    open signals, `concerns` those among them that set stuck or struggling.
    """

    learner: User
    assignment: str
    standing: Standing = NOT_STARTED
    attempts: int = 0
    errors: int = 0
    checks: int = 0
    failed_checks: int = 0
    questions: int = 0
    asked_before: list[list[int]] = field(default_factory=list)
    active_time: float = 0.0
    error_quotient: float | None = None
    repeated_error_density: float | None = 0.0
    last_outcome: str | None = None
    last_seen_at: datetime | None = None
    signals: list[str] = field(default_factory=list)
    concerns: list[str] = field(default_factory=list)
    # The longest gap that counts in the active time; None for a learner who was never seen.
    gap_seconds: float | None = None
    # Until when it is to be done; None where nothing is due.
    due: Due | None = None
    explain: Mapping[str, Any] | None = None

    @property
    def state(self) -> LearnerState:
        return self.standing.state

    @property
    def since(self) -> datetime | None:
        return self.standing.since

    @property
    def done_because(self) -> str | None:
        return self.standing.done_because

    @property
    def done_by(self) -> str | None:
        return self.standing.done_by

    @property
    def done_at(self) -> datetime | None:
        return self.standing.done_at

    @property
    def trying_again(self) -> bool:
        return self.standing.trying_again

    @property
    def due_at(self) -> datetime | None:
        return self.due.at if self.due else None

    @property
    def extended(self) -> bool:
        return self.due is not None and self.due.extended

    @property
    def timeliness(self) -> Timeliness:
        return timeliness(self.due, self.done_at, timezone.now(), done=self.state == "done")


class LearnerNotFound(NotFound):
    slug = "learner-not-found"
    text = _("Learner %(learner)s not found")


def learner_assignment_of(progress: Progress) -> LearnerAssignmentRow:
    """Return the row of stored measures."""
    return LearnerAssignmentRow(
        learner=progress.user,
        assignment=progress.assignment,
        standing=standing_of(progress),
        attempts=progress.attempts,
        errors=progress.errors,
        checks=progress.checks,
        failed_checks=progress.failed_checks,
        questions=progress.questions,
        asked_before=list(progress.asked_before),
        active_time=progress.active_seconds,
        error_quotient=progress.error_quotient,
        repeated_error_density=progress.repeated_error_density,
        last_outcome=progress.last_outcome,
        last_seen_at=progress.last_seen_at,
        concerns=list(progress.concerns),
        gap_seconds=progress.gap_seconds,
    )


def progress_on(
    selection: Selection, most: int | None = None, *, not_on: Collection[str] = (), **conditions: Any
) -> list[Progress]:
    """Return the stored measures of the selection's learners, without the state that recording continues from.

    `most`: only those with the latest activity. `not_on`: assignments to leave out.
    """
    rows = Progress.objects.filter(seen(selection.academy), academy=selection.academy, **conditions)
    if not_on:
        rows = rows.exclude(assignment__in=not_on)
    if selection.learners is not None:
        rows = rows.filter(user__in=selection.learners)
    rows = rows.select_related("user").defer("state")
    return list(rows if most is None else rows.order_by("-last_seen_at", "-pk")[:most])


def count_progress(selection: Selection, learner: User) -> int:
    """Return on how many assignments the learner was seen in the academy."""
    return Progress.objects.filter(academy=selection.academy, user=learner).count()


def learner_assignments(selection: Selection, key: str, states: Collection[str] = ()) -> list[LearnerAssignmentRow]:
    """Return a row for each learner of the class, by name; if `states` are given, only learners in one of these."""
    by_id = {progress.user_id: learner_assignment_of(progress) for progress in progress_on(selection, assignment=key)}
    for user in User.objects.filter(pk__in=_class_of(selection, key) - by_id.keys()):
        by_id[user.pk] = LearnerAssignmentRow(user, key)
    rows = [row for row in by_id.values() if not states or row.state in states]
    with_period(selection, rows)
    with_signals(selection.academy, rows, key)
    with_due_dates(selection.academy, rows)
    return sorted(rows, key=lambda row: by_name(row.learner))


def _class_of(selection: Selection, key: str) -> frozenset[int]:
    if selection.learners is not None:
        return selection.learners
    asset_id = Assignment.objects.filter(academy=selection.academy, key=key).values_list("asset_id", flat=True).first()
    if asset_id is None:
        return frozenset()
    return classes_of(selection, frozenset({asset_id}))[asset_id]


def with_period(selection: Selection, rows: Collection[LearnerAssignmentRow]) -> None:
    """Have the rows' figures be those of the selection's period; one query where there is one.

    How the learner stands is as of now.
    """
    if not selection.period:
        return
    parameters = {
        "academy": selection.academy.pk,
        "learners": list({row.learner.pk for row in rows}),
        "keys": list({row.assignment for row in rows}),
        **selection.period.parameters(),
    }
    read = fetch(_IN_PERIOD.format(progress=progress_in(selection.period)), parameters)
    figures = {(user_id, key): measures for user_id, key, *measures in read}
    for row in rows:
        measures = figures.get((row.learner.pk, row.assignment), [0, 0, 0, 0, 0, 0.0, None])
        row.attempts, row.errors, row.checks, row.failed_checks, row.questions = measures[:5]
        row.active_time, row.last_seen_at = measures[5:]
        row.asked_before, row.error_quotient, row.repeated_error_density, row.last_outcome = [], None, None, None


def with_signals(academy: Academy, rows: Collection[LearnerAssignmentRow], key: str | None = None) -> None:
    """Add to each row the kinds of signals that are open on its assignment; runs one query."""
    kinds: dict[tuple[int, str | None], set[str]] = {}
    for signal in open_signals(academy.pk, {row.learner.pk for row in rows}, key):
        kinds.setdefault((signal.user_id, signal.assignment), set()).add(signal.kind)
    for row in rows:
        row.signals = sorted(kinds.get((row.learner.pk, row.assignment), ()))


def with_due_dates(academy: Academy, rows: Collection[LearnerAssignmentRow]) -> None:
    """Add to each row until when it is to be done; one query where nothing is due."""
    dues = dues_in(academy)
    if not dues:
        return
    published = Assignment.objects.filter(academy=academy, key__in={row.assignment for row in rows})
    slugs = dict(published.values_list("key", "asset__slug"))
    for row in rows:
        if row.assignment in slugs:
            row.due = dues.of(row.learner.pk, slugs[row.assignment])


def by_name(user: User) -> tuple[str, str, str, int]:
    """Return the sort key of a class list."""
    return user.last_name.casefold(), user.first_name.casefold(), user.username.casefold(), user.pk


def learner_named(academy: Academy, user_id: int) -> User:
    """Return a user who belongs to the academy or was seen in it.

    Raises LearnerNotFound.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None or not people_of(academy, [user_id]):
        raise LearnerNotFound(learner=user_id)
    return user
