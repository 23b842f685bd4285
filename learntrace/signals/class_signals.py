"""The signals of a learner in the order in which staff looks at them, and the trouble of a class."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.core.sql import fetch
from learntrace.progress.models import Progress
from learntrace.progress.periods.period import ALL_TIMES, Period
from learntrace.signals.models import Signal
from learntrace.signals.queries import with_users

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


def troubles_of(academy: Academy, learner_ids: Collection[int]) -> dict[int, Trouble]:
    """Return the trouble of each of these learners with open signals."""
    rows = fetch(_TROUBLE, {"academy": academy.pk, "learners": list(learner_ids)})
    return {user_id: Trouble(severity, count) for user_id, severity, count in rows}


def not_done(signals: QuerySet[Signal]) -> QuerySet[Signal]:
    """Return the signals without those on an assignment that their learner has done."""
    done = Progress.objects.filter(
        user=OuterRef("user"), academy=OuterRef("academy"), assignment=OuterRef("assignment"), done_at__isnull=False
    )
    return signals.exclude(Exists(done))


def signals_at_attempts(academy: Academy, user: User, assignment: str) -> list[Signal]:
    """Return a learner's signals on an assignment, those that are over included, the newest first."""
    rows = _shown(academy, user).filter(assignment=assignment)
    return list(rows.order_by("-last_seen_at")[:MOST_OF_ATTEMPTS])


def signals_of_learner(
    academy: Academy, user: User, most: int | None = None, period: Period = ALL_TIMES
) -> list[Signal]:
    """Return a learner's signals, those that are over included, those that are not over first; only the first `most`.

    Over a period those that stood at some time of it.
    """
    rows = _shown(academy, user)
    if period.since is not None:
        rows = rows.filter(Q(resolved_at__isnull=True) | Q(resolved_at__gte=period.since))
    if period.until is not None:
        rows = rows.filter(opened_at__lt=period.until)
    return list(rows.order_by(F("resolved_at").desc(nulls_first=True), "-last_seen_at")[:most])


def _shown(academy: Academy, user: User) -> QuerySet[Signal]:
    rows = Signal.objects.filter(seen(academy), academy=academy, user=user)
    return with_users(rows.exclude(state=Signal.State.WITHDRAWN))
