"""The signals of a class, of an assignment and of a learner, in the order in which staff looks at them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.core.sql import fetch
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.reports.selection import slugs_of
from learntrace.registry.models import Asset
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.models import Signal
from learntrace.signals.named_steps import named_for_class
from learntrace.signals.queries import UNRESOLVED, with_users

MOST_OF_CLASS = 30
MOST_OF_ASSIGNMENT = 10
MOST_OF_ATTEMPTS = 20

# Nobody needs help with what is done.
DONE = """
EXISTS (SELECT FROM progress_progress p
         WHERE p.user_id = s.user_id AND p.academy_id = s.academy_id AND p.assignment = s.assignment
           AND p.done_at IS NOT NULL)
"""
_TROUBLE = f"""
SELECT s.user_id, coalesce(max(s.severity) FILTER (WHERE NOT {DONE}), 0), count(*)
  FROM signals_signal s
 WHERE s.academy_id = %(academy)s AND s.state = 'open' AND s.user_id = ANY(%(learners)s)
 GROUP BY s.user_id
"""  # noqa: S608 (only texts of this module)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A learner's open signals: their number, and the highest severity of those on what is not done (0 without any)."""

    severity: int = 0
    open_signals: int = 0


@dataclass(frozen=True)
class ClassSignals:
    """The signals of a class that are not over, on what their learners have not done: the worst, how many are open, and each
    learner's trouble.

    `now` is the academy's clock, from which their ages count.
    """

    now: datetime
    worst: list[Signal] = field(default_factory=list)
    open_count: int = 0
    trouble: Mapping[int, Trouble] = field(default_factory=dict)


def class_signals(academy: Academy, learner_ids: Collection[int], asset: Asset | None = None) -> ClassSignals:
    """Read the signals of a class; `asset` limits the worst and the count, not the learners' trouble."""
    rows = not_done(Signal.objects.filter(seen(academy), academy=academy, state__in=UNRESOLVED, user__in=learner_ids))
    if asset is not None:
        keys = Assignment.objects.filter(academy=academy, asset=asset).order_by().values("key")
        rows = rows.filter(Q(assignment__in=keys) | Q(asset_slug__in=list(slugs_of(frozenset({asset.pk})))))
    worst = with_users(rows).order_by("-state", "-severity", "-last_seen_at", "-id")[:MOST_OF_CLASS]
    trouble = fetch(_TROUBLE, {"academy": academy.pk, "learners": list(learner_ids)})
    return ClassSignals(
        now_in(academy.pk),
        named_for_class(worst),
        rows.filter(state=Signal.State.OPEN).count(),
        {user_id: Trouble(severity, count) for user_id, severity, count in trouble},
    )


def not_done(signals: QuerySet[Signal]) -> QuerySet[Signal]:
    """Return the signals without those on an assignment that their learner has done."""
    done = Progress.objects.filter(
        user=OuterRef("user"), academy=OuterRef("academy"), assignment=OuterRef("assignment"), done_at__isnull=False
    )
    return signals.exclude(Exists(done))


def open_on_assignment(academy: Academy, assignment: str, learner_ids: Collection[int] | None) -> list[Signal]:
    """Return the worst open signals on an assignment of those who have not done it; of these learners, or of all where
    `learner_ids` is None."""
    rows = Signal.objects.filter(seen(academy), academy=academy, assignment=assignment, state=Signal.State.OPEN)
    rows = not_done(rows)
    if learner_ids is not None:
        rows = rows.filter(user__in=learner_ids)
    return list(with_users(rows).order_by("-severity", "-last_seen_at")[:MOST_OF_ASSIGNMENT])


def signals_at_attempts(academy: Academy, user: User, assignment: str) -> list[Signal]:
    """Return a learner's signals on an assignment, those that are over included, the newest first."""
    rows = _shown(academy, user).filter(assignment=assignment)
    return list(rows.order_by("-last_seen_at")[:MOST_OF_ATTEMPTS])


def signals_of_learner(academy: Academy, user: User, most: int | None = None) -> list[Signal]:
    """Return a learner's signals, those that are over included, those that are not over first; only the first `most`."""
    return list(_shown(academy, user).order_by(F("resolved_at").desc(nulls_first=True), "-last_seen_at")[:most])


def _shown(academy: Academy, user: User) -> QuerySet[Signal]:
    rows = Signal.objects.filter(seen(academy), academy=academy, user=user)
    return with_users(rows.exclude(state=Signal.State.WITHDRAWN))
