"""How each learner of a class stands on one assignment, those who haven't started included."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.core.errors import NotFound
from learntrace.metrics.completion import LearnerState, state_of
from learntrace.progress.classes import classes_of
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.open_signals import open_signals
from learntrace.progress.selection import Selection, people_of

# In the order in which a teacher looks at them.
STATES: tuple[LearnerState, ...] = ("struggling", "working", "not_started", "done")


@dataclass
class Standing:
    """A learner's measures on an assignment: seconds, counts, the Error Quotient 0 to 1 or None.

    `signals` are the kinds that are open, `concerns` those of them that tell of trouble.
    """

    learner: User
    assignment: str
    state: LearnerState = "not_started"
    attempts: int = 0
    errors: int = 0
    active_time: float = 0.0
    error_quotient: float | None = None
    repeated_error_density: float = 0.0
    last_outcome: str | None = None
    last_seen_at: datetime | None = None
    signals: list[str] = field(default_factory=list)
    concerns: list[str] = field(default_factory=list)
    # The longest gap that the active time counts; None of who was never seen.
    gap_seconds: float | None = None
    explain: Mapping[str, Any] | None = None


class LearnerNotFound(NotFound):
    slug = "learner-not-found"
    text = _("Learner %(learner)s not found")


def standing_of(progress: Progress) -> Standing:
    """What is stored, as it is shown."""
    return Standing(
        learner=progress.user,
        assignment=progress.assignment,
        state=state_of(progress.last_outcome, progress.attempts, progress.concerns, seen=True),
        attempts=progress.attempts,
        errors=progress.errors,
        active_time=progress.active_seconds,
        error_quotient=progress.error_quotient,
        repeated_error_density=progress.repeated_error_density,
        last_outcome=progress.last_outcome,
        last_seen_at=progress.last_seen_at,
        concerns=list(progress.concerns),
        gap_seconds=progress.gap_seconds,
    )


def progress_on(selection: Selection, **conditions: Any) -> list[Progress]:
    """The stored measures of the selection's learners; the fold's state stays where it is."""
    rows = Progress.objects.filter(academy=selection.academy, **conditions)
    if selection.learners is not None:
        rows = rows.filter(user__in=selection.learners)
    return list(rows.select_related("user").defer("state"))


def standings(selection: Selection, key: str, states: Collection[str] = ()) -> list[Standing]:
    """Each learner of the class on the assignment, by name; only those in one of `states`, where any are given."""
    found = {row.user_id: standing_of(row) for row in progress_on(selection, assignment=key)}
    for user in User.objects.filter(pk__in=_class_of(selection, key) - found.keys()):
        found[user.pk] = Standing(user, key)
    rows = [row for row in found.values() if not states or row.state in states]
    with_signals(selection.academy, rows, key)
    return sorted(rows, key=lambda row: by_name(row.learner))


def _class_of(selection: Selection, key: str) -> frozenset[int]:
    if selection.learners is not None:
        return selection.learners
    asset_id = Assignment.objects.filter(academy=selection.academy, key=key).values_list("asset_id", flat=True).first()
    if asset_id is None:
        return frozenset()
    return classes_of(selection, frozenset({asset_id}))[asset_id]


def with_signals(academy: Academy, rows: Collection[Standing], key: str | None = None) -> None:
    """Have the rows bring the kinds of signals that are open on their assignments; one query."""
    kinds: dict[tuple[int, str | None], set[str]] = {}
    for one in open_signals(academy.pk, {row.learner.pk for row in rows}, key):
        kinds.setdefault((one.user_id, one.assignment), set()).add(one.kind)
    for row in rows:
        row.signals = sorted(kinds.get((row.learner.pk, row.assignment), ()))


def by_name(user: User) -> tuple[str, str, str, int]:
    """The order of a class list."""
    return user.last_name.casefold(), user.first_name.casefold(), user.username.casefold(), user.pk


def learner_named(academy: Academy, user_id: int) -> User:
    """Somebody who belongs to the academy or was seen in it.

    Raises LearnerNotFound.
    """
    user = User.objects.filter(pk=user_id).first()
    if user is None or not people_of(academy, [user_id]):
        raise LearnerNotFound(learner=user_id)
    return user
