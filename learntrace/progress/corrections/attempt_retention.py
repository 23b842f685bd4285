"""The attempts that an academy keeps: for ever, or for a number of days after the last one on an assignment.

The measures until then are kept as an earlier run; the attempts themselves are deleted, and not stored when a client tells
them again. What other rooms keep of them goes with them (`when_deleted`).
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import SIGNAL, declare_feature
from learntrace.accounts.models import Academy, AcademySettings
from learntrace.core.command_arguments import MOST_DAYS
from learntrace.core.errors import FieldProblem
from learntrace.core.sql import execute
from learntrace.core.words import counted
from learntrace.progress.corrections import floors
from learntrace.progress.corrections.floors import Learner
from learntrace.progress.models import Floor, Progress
from learntrace.progress.recording.recording import lock_learners

FEATURE = "keep_attempts_days"
_LEAST = 30
# Learners' assignments that one run takes; the others wait for the next day.
MOST = 20_000

_DELETE = """
DELETE FROM progress_activity a
 WHERE a.user_id = %s AND a.academy_id = %s AND a.before_floor AND a.assignment = ANY(%s) AND a.at < %s
"""


# Called in the transaction that deletes attempts, with the learner, the assignments and the time before which they were.
_Listener = Callable[[Learner, Collection[str], datetime], None]
_LISTENERS: list[_Listener] = []


def when_deleted(listener: _Listener) -> None:
    """Have a room delete what it keeps of attempts that are deleted."""
    _LISTENERS.append(listener)


def _days(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not _LEAST <= value <= MOST_DAYS:
        raise FieldProblem(
            SIGNAL,
            _("`%(name)s` must be a whole number from %(least)s to %(most)s, or empty (null): then all are kept"),
            name=FEATURE,
            least=_LEAST,
            most=counted.number(MOST_DAYS),
        )
    return value


def register() -> None:
    """Declare the setting: attempts are kept unless an academy sets it."""
    declare_feature(SIGNAL, FEATURE, None, _days)


def _days_in(features: Any) -> int | None:
    try:
        return _days(features.get(FEATURE)) if isinstance(features, dict) else None
    except FieldProblem:
        # A writer that bypasses the API may have stored anything; nothing is deleted for that.
        return None


def delete_old_attempts(now: datetime | None = None) -> int:
    """Delete what academies don't keep; return how many assignments of learners were left behind."""
    now = now or timezone.now()
    count = 0
    for academy_id, features in AcademySettings.objects.values_list("academy_id", "signal_features"):
        if (days := _days_in(features)) is None:
            continue
        until = now - timedelta(days=days)
        old = Progress.objects.filter(academy=academy_id, last_seen_at__lt=until).order_by("user_id")
        places: dict[int, list[str]] = {}
        for user_id, assignment in old.values_list("user_id", "assignment")[:MOST]:
            places.setdefault(user_id, []).append(assignment)
        for user_id, assignments in places.items():
            count += _leave_behind(Learner(user_id, academy_id), assignments, until)
    return count


def _leave_behind(learner: Learner, assignments: list[str], until: datetime) -> int:
    with transaction.atomic():
        lock_learners([learner.user_id])
        # Under the lock: something may have come since.
        rows = Progress.objects.filter(
            user=learner.user_id, academy=learner.academy_id, assignment__in=assignments, last_seen_at__lt=until
        )
        old = list(rows.values_list("assignment", flat=True))
        if old:
            floors.set_floor(learner, old, until, Floor.Cause.RETENTION, "")
            execute(_DELETE, [learner.user_id, learner.academy_id, old, until])
            for listener in _LISTENERS:
                listener(learner, old, until)
    return len(old)


def count_old_attempts(academy: Academy, days: int) -> tuple[int, int]:
    """Return how many learners, and how many of their assignments, a retention of these days would leave behind tonight."""
    until = timezone.now() - timedelta(days=days)
    old = Progress.objects.filter(academy=academy, last_seen_at__lt=until)
    return old.values("user_id").distinct().count(), old.count()
