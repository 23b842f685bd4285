"""The personal data that progress stores: activities, and the measures that follow (`core.personal_data`)."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from learntrace.core.deletion import delete_by
from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.progress.models import (
    Activity,
    CodeUse,
    CourseRun,
    EarlierRun,
    ErrorCount,
    Exclusion,
    Floor,
    Progress,
    StepList,
    SummarySubscription,
)
from learntrace.progress.recording.code_texts import forget_code
from learntrace.progress.recording.recording import lock_learners
from learntrace.progress.step_lists import forget_lists

# Not through Django, which would read every row to find referring ones: the error counts are deleted before.
_DELETE_PROGRESS = "DELETE FROM progress_progress WHERE user_id = %s"
# Of every source. A row that a worker has claimed goes with that worker's transaction, which waits for our lock and then
# finds nothing.
_FORGET_STALE = """
DELETE FROM progress_stale WHERE id IN (SELECT id FROM progress_stale WHERE user_id = %s FOR UPDATE SKIP LOCKED)
"""
_FORGET_RECOMPUTATIONS = """
DELETE FROM progress_recomputation
 WHERE id IN (SELECT id FROM progress_recomputation WHERE user_id = %s FOR UPDATE SKIP LOCKED)
"""


_ACTIVITY = (
    "id",
    "at",
    "source",
    "verb",
    "assignment",
    "outcome",
    "failures",
    "session_id",
    "object_id",
    "code_hash",
    "part",
    "academy_id",
    "exclusion_id",
)
_PROGRESS = (
    "assignment",
    "attempts",
    "errors",
    "aborted",
    "checks",
    "failed_checks",
    "last_outcome",
    "done_at",
    "done_because",
    "done_by",
    "failed_again_at",
    "questions",
    "asked_before",
    "first_seen_at",
    "last_seen_at",
    "active_seconds",
    "error_quotient",
    "repeated_error_density",
    "concerns",
    "stuck_since",
    "trouble_since",
    "academy_id",
)
_EXCLUSION = (
    "activity_id",
    "session_id",
    "assignment",
    "since",
    "until",
    "reason",
    "excluded_at",
    "lifted_at",
    "academy_id",
)
_ERROR = ("name", "message", "kind", "pattern", "count", "first_at", "last_at", "solved_at")


def _activities(user_id: int) -> Rows:
    rows: Rows = Activity.objects.filter(user=user_id).order_by("at", "arrival").values(*_ACTIVITY)
    return rows


def _progress(user_id: int) -> Rows:
    rows: Rows = Progress.objects.filter(user=user_id).order_by("id").values(*_PROGRESS)
    return rows


def _errors(user_id: int) -> Rows:
    errors = ErrorCount.objects.filter(progress__user=user_id).order_by("id")
    rows: Rows = errors.values(*_ERROR, assignment=F("progress__assignment"))
    return rows


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


def _step_lists(user_id: int) -> Rows:
    lists = StepList.objects.filter(user=user_id).order_by("id")
    rows: Rows = lists.values("steps", "told_at", "academy_id", asset_slug=F("asset__slug"))
    return rows


def _erase_step_lists(user_id: int) -> int:
    lock_learners([user_id])
    return forget_lists(user_id)


def _code(user_id: int) -> Rows:
    uses = CodeUse.objects.filter(user=user_id).order_by("id")
    rows: Rows = uses.values(hash=F("code__hash"), text=F("code__text"), academy_id=F("code__academy"))
    return rows


def _erase_code(user_id: int) -> int:
    lock_learners([user_id])
    return forget_code(user_id)


def _exclusions(user_id: int) -> Rows:
    rows = Exclusion.objects.filter(user=user_id).order_by("id")
    exclusions: Rows = rows.values(*_EXCLUSION)
    return exclusions


def _course_runs(user_id: int) -> Rows:
    rows = CourseRun.objects.filter(user=user_id).order_by("starts_on")
    runs: Rows = rows.values("name", "starts_on", "ends_on", "academy_id")
    return runs


def _earlier_runs(user_id: int) -> Rows:
    rows = EarlierRun.objects.filter(user=user_id).order_by("until", "assignment")
    runs: Rows = rows.values("assignment", "until", "cause", "course", "measures", "academy_id")
    return runs


def _erase_earlier_runs(user_id: int) -> int:
    lock_learners([user_id])
    return EarlierRun.objects.filter(user=user_id).delete()[0]


def _floors(user_id: int) -> Rows:
    rows = Floor.objects.filter(user=user_id).order_by("id")
    floors: Rows = rows.values("scope", "at", "cause", "academy_id")
    return floors


def _erase_floors(user_id: int) -> int:
    lock_learners([user_id])
    # The erasure is a floor for everything.
    return Floor.objects.filter(user=user_id).delete()[0]


def _erase_exclusions(user_id: int) -> int:
    lock_learners([user_id])
    return Exclusion.objects.filter(user=user_id).delete()[0]


def _summaries(user_id: int) -> Rows:
    subscriptions = SummarySubscription.objects.filter(user=user_id).order_by("id")
    rows: Rows = subscriptions.values("academy_id", "cohort_id", "created_at", "sent_for")
    return rows


def register() -> None:
    register_datasets(
        PersonalDataset(
            "step-lists", _("Steps of each package, as your client listed them"), _step_lists, _erase_step_lists
        ),
        PersonalDataset(
            "course-runs",
            _("The cohorts in which you took courses"),
            _course_runs,
            table=True,
            stays=_("They say which cohorts you were in, like your tasks."),
        ),
        PersonalDataset("floors", _("Since when your attempts count"), _floors, _erase_floors, table=True),
        PersonalDataset(
            "weekly-summaries",
            _("Weekly summaries that you get by e-mail"),
            _summaries,
            table=True,
            stays=_("They are settings of those who teach."),
        ),
        PersonalDataset("earlier-runs", _("Measures of earlier course runs"), _earlier_runs, _erase_earlier_runs),
        PersonalDataset(
            "exclusions",
            _("Attempts that staff has excluded, and why"),
            _exclusions,
            _erase_exclusions,
            table=True,
        ),
        PersonalDataset("activities", _("Your activities, including attempts"), _activities, _erase_activities),
        PersonalDataset("code", _("Code that you ran, each version once"), _code, _erase_code, chunk=50),
        PersonalDataset("progress", _("Measures of each assignment"), _progress, _erase_progress),
        PersonalDataset("errors", _("Errors that you got, and how often"), _errors, _erase_counts, table=True),
    )
