"""What this room holds about users: what they did, and the measures that follow (`core.personal`)."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from learntrace.core.deletion import delete_by
from learntrace.core.personal import Holding, Rows, hold
from learntrace.progress.models import Activity, ErrorCount, Progress
from learntrace.progress.recording import lock_learners

# Without Django, which would read each row to look for what hangs on it: their counts are gone before.
_DELETE_PROGRESS = "DELETE FROM progress_progress WHERE user_id = %s"
# Whatever source has noted them. One that a worker has in hand is gone with that worker's transaction, which waits for
# our lock and then finds nothing.
_FORGET_STALE = """
DELETE FROM progress_stale WHERE id IN (SELECT id FROM progress_stale WHERE user_id = %s FOR UPDATE SKIP LOCKED)
"""
_FORGET_RECOMPUTATIONS = """
DELETE FROM progress_recomputation
 WHERE id IN (SELECT id FROM progress_recomputation WHERE user_id = %s FOR UPDATE SKIP LOCKED)
"""


def _activities(user_id: int) -> Rows:
    return Activity.objects.filter(user=user_id).order_by("at", "arrival").values(
        "id", "at", "source", "verb", "assignment", "outcome", "failures", "session_id", "object_id", "code_hash",
        "academy_id",
    )  # fmt: skip


def _progress(user_id: int) -> Rows:
    return Progress.objects.filter(user=user_id).order_by("id").values(
        "assignment", "attempts", "errors", "aborted", "last_outcome", "done_at", "first_seen_at", "last_seen_at",
        "active_seconds", "error_quotient", "repeated_error_density", "concerns", "academy_id",
    )  # fmt: skip


def _errors(user_id: int) -> Rows:
    return ErrorCount.objects.filter(progress__user=user_id).order_by("id").values(
        "name", "message", "count", "first_at", "last_at", assignment=F("progress__assignment")
    )  # fmt: skip


def _erase_activities(user_id: int) -> int:
    lock_learners([user_id])
    delete_by(_FORGET_STALE, user_id)
    delete_by(_FORGET_RECOMPUTATIONS, user_id)
    return Activity.objects.filter(user=user_id).delete()[0]


def _erase_counts(user_id: int) -> int:
    lock_learners([user_id])
    return ErrorCount.objects.filter(progress__user=user_id).delete()[0]


def _erase_progress(user_id: int) -> int:
    lock_learners([user_id])
    return delete_by(_DELETE_PROGRESS, user_id)


def register() -> None:
    hold(
        Holding("activities", _("What you did, attempts among it"), _activities, _erase_activities),
        Holding("progress", _("Measures of each assignment"), _progress, _erase_progress),
        Holding("errors", _("Errors that you met, and how often"), _errors, _erase_counts, table=True),
    )
