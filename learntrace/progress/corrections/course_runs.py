"""Course runs: a learner who takes a course again begins it at not started.

A cohort has dates, and its learners are those who have a task of it. A learner whose newest cohort begins after the one
before it has ended begins another course run, on the assets of that cohort's tasks. Where the two overlap, the learner was
moved from one cohort to another, or was put into both by mistake: nothing begins. Tasks are often moved from cohort to
cohort, so what a learner has taken is remembered (`CourseRun`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import partial
from itertools import groupby, pairwise

import structlog
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from learntrace.accounts.models import Cohort
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.core.sql import fetch
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.corrections import floors
from learntrace.progress.corrections.floors import Learner
from learntrace.progress.models import Assignment, CourseRun, Floor
from learntrace.progress.recording.recording import lock_learners
from learntrace.registry.resolution import load_registry

log = structlog.get_logger(__name__)

# Each learner's cohorts that have begun, and the slugs of the tasks there.
_TAKEN = """
SELECT t.user_id, min(u.username), c.academy_id, c.id, c.name, c.starts_on, c.ends_on,
       array_agg(DISTINCT t.associated_slug)
  FROM assignments_task t JOIN accounts_cohort c ON c.id = t.cohort_id JOIN accounts_user u ON u.id = t.user_id
 WHERE c.starts_on <= %(today)s AND (%(academy)s::bigint IS NULL OR c.academy_id = %(academy)s)
 GROUP BY t.user_id, c.academy_id, c.id
 ORDER BY t.user_id, c.academy_id, c.starts_on, c.id
"""


@dataclass(frozen=True, order=True)
class Course:
    """A cohort's first and last day (None: open), and its name."""

    starts_on: date
    name: str
    ends_on: date | None = None


@dataclass(frozen=True)
class _Taken:
    """A learner's cohort, with the slugs of the learner's tasks there."""

    learner: Learner
    username: str
    cohort_id: int
    course: Course
    slugs: Sequence[str]


@dataclass
class Begun:
    """What a look at the cohorts found: the learners whose course runs changed, and sentences about overlaps."""

    learners: int = 0
    overlaps: list[str] = field(default_factory=list)


def overlap(courses: Iterable[Course]) -> tuple[Course, Course] | None:
    """Return the first two courses that overlap, None if none do. A course without a last day ends when the next begins."""
    for earlier, later in pairwise(sorted(courses, key=lambda course: course.starts_on)):
        if not follows(later, earlier):
            return earlier, later
    return None


def follows(later: Course, earlier: Course) -> bool:
    """Whether a course begins after another one is over."""
    if earlier.ends_on is None:
        return later.starts_on > earlier.starts_on
    return later.starts_on > earlier.ends_on


def overlap_sentence(learner: str, both: tuple[Course, Course]) -> str:
    """Return the sentence that says which cohorts of a learner overlap."""
    earlier, later = both
    return _(
        "%(learner)s is in %(earlier)s (from %(earlier_start)s to %(earlier_end)s) and in %(later)s (from %(later_start)s), "
        "whose dates overlap. Correct the dates, or move the learner's tasks to one of the cohorts"
    ) % {
        "learner": learner,
        "earlier": earlier.name,
        "earlier_start": earlier.starts_on,
        "earlier_end": earlier.ends_on or "…",
        "later": later.name,
        "later_start": later.starts_on,
    }


def begin_course_runs(academy_id: int | None = None, *, dry_run: bool = False) -> Begun:
    """Begin the course runs that follow from the cohorts that have begun by now; a second call changes nothing.

    A learner whose cohorts overlap is left as is.
    """
    begun = Begun()
    known = _known_runs(academy_id)
    for learner, cohorts in _cohorts_of_learners(academy_id):
        if len(cohorts) == 1 and known.get(learner) == [(cohorts[0].cohort_id, cohorts[0].course)]:
            # Most learners: nothing has changed, and there is no earlier run to set a floor for.
            continue
        if (both := overlap(cohort.course for cohort in cohorts)) is not None:
            begun.overlaps.append(overlap_sentence(cohorts[0].username, both))
            continue
        with transaction.atomic():
            lock_learners([learner.user_id])
            begun.learners += _bring_in_step(learner, cohorts)
            if dry_run:
                transaction.set_rollback(True)
    if begun.learners or begun.overlaps:
        log.info("course runs", begun=begun.learners, overlaps=len(begun.overlaps), dry_run=dry_run)
    return begun


def remember_first_cohorts(academy_id: int | None = None) -> None:
    """Store the cohorts of learners who have no course run yet, in the open transaction.

    Call it when cohorts have got their dates, before tasks are moved: afterwards nobody knows where the tasks have been.
    """
    known = _known_runs(academy_id)
    runs = [
        _new_run(learner, taken)
        for learner, cohorts in _cohorts_of_learners(academy_id)
        if learner not in known and overlap(taken.course for taken in cohorts) is None
        for taken in cohorts
    ]
    CourseRun.objects.bulk_create(runs, batch_size=1000, ignore_conflicts=True)


def register() -> None:
    """Have cohorts remembered when the admin gives them dates."""
    post_save.connect(_remember_after_save, sender=Cohort, dispatch_uid="learntrace course runs")


def _remember_after_save(instance: Cohort, **_arguments: object) -> None:
    if instance.starts_on is not None:
        transaction.on_commit(partial(remember_first_cohorts, instance.academy_id), robust=True)


def _cohorts_of_learners(academy_id: int | None) -> Iterator[tuple[Learner, list[_Taken]]]:
    """Yield each learner with the cohorts that have begun, the oldest first; one query."""
    rows = fetch(_TAKEN, {"today": timezone.now().astimezone(UTC).date(), "academy": academy_id})
    taken = (
        _Taken(Learner(user, academy), username, cohort, Course(starts_on, name, ends_on), slugs)
        for user, username, academy, cohort, name, starts_on, ends_on, slugs in rows
    )
    for learner, group in groupby(taken, key=lambda cohort: cohort.learner):
        yield learner, list(group)


def _known_runs(academy_id: int | None) -> dict[Learner, list[tuple[int | None, Course]]]:
    """Return all course runs that are stored, with their cohorts; one query."""
    runs: dict[Learner, list[tuple[int | None, Course]]] = {}
    rows = CourseRun.objects.all() if academy_id is None else CourseRun.objects.filter(academy=academy_id)
    for run in rows:
        runs.setdefault(Learner(run.user_id, run.academy_id), []).append((run.cohort_id, _course(run)))
    return runs


def _bring_in_step(learner: Learner, cohorts: Sequence[_Taken]) -> bool:
    """Bring a learner's course runs and floors in step with the cohorts, oldest first; whether that changed anything."""
    newest = cohorts[-1]
    runs = list(CourseRun.objects.filter(user=learner.user_id, academy=learner.academy_id).order_by("starts_on"))
    changed = False
    # Taken back: the learner is only in earlier cohorts again, or the newest one's first day was moved.
    while runs and runs[-1].starts_on > newest.course.starts_on:
        changed = _take_back(learner, runs.pop()) or changed
    if runs and runs[-1].cohort_id == newest.cohort_id and runs[-1].starts_on != newest.course.starts_on:
        changed = _take_back(learner, runs.pop()) or changed
    for taken in cohorts:
        last = runs[-1] if runs else None
        if last is None or follows(taken.course, _course(last)):
            runs.append(_begin(learner, taken))
        elif taken.course.starts_on >= last.starts_on and taken.cohort_id != last.cohort_id:
            # Moved to a cohort at the same time: the course goes on there.
            last.cohort_id, last.name, last.ends_on = taken.cohort_id, taken.course.name, taken.course.ends_on
            last.save(update_fields=["cohort", "name", "ends_on"])
        elif taken.cohort_id == last.cohort_id and last.ends_on != taken.course.ends_on:
            last.ends_on = taken.course.ends_on
            last.save(update_fields=["ends_on"])
    if len(runs) > 1 and runs[-1].cohort_id == newest.cohort_id:
        scopes = _scopes(learner, newest.slugs)
        at, cause = _midnight(runs[-1].starts_on), Floor.Cause.COURSE_RUN
        changed = floors.set_floor(learner, scopes, at, cause, runs[-2].name) or changed
    return changed


def _course(run: CourseRun) -> Course:
    return Course(run.starts_on, run.name, run.ends_on)


def _begin(learner: Learner, taken: _Taken) -> CourseRun:
    run = _new_run(learner, taken)
    run.save()
    return run


def _new_run(learner: Learner, taken: _Taken) -> CourseRun:
    return CourseRun(
        user_id=learner.user_id,
        academy_id=learner.academy_id,
        cohort_id=taken.cohort_id,
        name=taken.course.name,
        starts_on=taken.course.starts_on,
        ends_on=taken.course.ends_on,
    )


def _take_back(learner: Learner, run: CourseRun) -> bool:
    floors.take_back(learner, _midnight(run.starts_on), Floor.Cause.COURSE_RUN)
    run.delete()
    return True


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _scopes(learner: Learner, slugs: Collection[str]) -> set[str]:
    """Return the scopes of floors that stand for the assets of tasks: packages by their slug, notebooks by their tags."""
    registry = load_registry(slugs=slugs)
    assets = [asset for slug in slugs if (asset := registry.by_slug(slug)) is not None]
    groups = frozenset(member.id for asset in assets for member in registry.translations(asset))
    keys = Assignment.objects.filter(academy=learner.academy_id, asset__in=groups, key__startswith=PREFIX)
    packages = {f"{slug}/" for slug in slugs} | {f"{registry.canonical(asset).slug}/" for asset in assets}
    return packages | set(keys.values_list("key", flat=True))
