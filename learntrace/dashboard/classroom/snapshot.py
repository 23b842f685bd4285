"""The class as the page shows it: columns, learners in the order of need, and the concerns that are not over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.utils import timezone

from learntrace.accounts.models import Cohort
from learntrace.assignments.due_dates.reading import Dues, dues_in
from learntrace.assignments.due_dates.standing import timeliness
from learntrace.dashboard.classroom.grid import Column, Learner, by_need, columns_of
from learntrace.dashboard.components.dues import due_text, late_text
from learntrace.progress.reports.activity_rate import ActivityRate, activity_rate_of, last_half_hour
from learntrace.progress.reports.class_filter import ClassFilter
from learntrace.progress.reports.class_now import ClassLearner, read_class
from learntrace.progress.reports.errors import ErrorRow, recent_errors
from learntrace.signals.class_signals import Trouble
from learntrace.signals.concerns.of_class import ClassConcerns, concerns_of_class

MOST_ERRORS = 5


@dataclass(frozen=True)
class ClassSnapshot:
    """A class at one moment; `narrowed` says whether more assets have assignments than are shown."""

    columns: list[Column]
    learners: list[Learner]
    narrowed: bool
    concerns: ClassConcerns


@dataclass(frozen=True)
class ClassActivity:
    """What the class did in the last half hour."""

    rate: ActivityRate
    errors: Sequence[ErrorRow]


def snapshot_of(chosen: ClassFilter, kept: Collection[int] = ()) -> ClassSnapshot:
    """Read the class that the filter names; the number of queries does not depend on its size.

    `kept` are the ids of the concerns that are shown already.
    """
    now = read_class(chosen)
    learner_ids = [learner.id for learner in now.learners]
    everybody = chosen.cohort is None and chosen.asset is None
    keys = [assignment.key for assignment in now.assignments] if chosen.asset else []
    concerns = concerns_of_class(chosen.academy, learner_ids, chosen.asset, everybody=everybody, keys=keys, kept=kept)
    columns = columns_of(now.assignments, now.unpublished)
    dues = dues_in(chosen.academy)
    told = timeliness_of(dues, now.learners, columns)
    learners = [
        Learner.of(learner, concerns.trouble.get(learner.id, Trouble()), told.get(learner.id))
        for learner in now.learners
    ]
    columns = with_dues(columns, dues, chosen.cohort, learners)
    return ClassSnapshot(columns, by_need(learners, [column.key for column in columns]), now.narrowed, concerns)


def timeliness_of(
    dues: Dues, learners: Collection[ClassLearner], columns: Collection[Column]
) -> dict[int, dict[str, str]]:
    """Return what is late, was done late or is extended, by learner and assignment."""
    now = timezone.now()
    due_columns = [column for column in columns if column.asset_slug in dues.by_cohort]
    found: dict[int, dict[str, str]] = {}
    for learner in learners:
        for column in due_columns:
            cell = learner.cells.get(column.key)
            due = dues.of(learner.id, column.asset_slug)
            done_at = cell.standing.done_at if cell else None
            told = timeliness(due, done_at, now, done=cell is not None and cell.state == "done")
            if told and told != "due":
                found.setdefault(learner.id, {})[column.key] = told
    return found


def with_dues(
    columns: Sequence[Column], dues: Dues, cohort: Cohort | None, learners: Sequence[Learner]
) -> list[Column]:
    """Return the columns with what their headings tell of due dates: those of the cohort, else of each that has one."""
    texts: dict[str, tuple[str, str]] = {}
    for slug in {column.asset_slug for column in columns} & dues.by_cohort.keys():
        rows = [row for row in dues.by_cohort[slug].values() if cohort is None or row.cohort_id == cohort.pk]
        if rows:
            keys = [column.key for column in columns if column.asset_slug == slug]
            texts[slug] = due_text(rows), _how_many(keys, learners)
    return [
        replace(column, due=texts[column.asset_slug][0], late_text=texts[column.asset_slug][1])
        if column.asset_slug in texts
        else column
        for column in columns
    ]


def _how_many(keys: Sequence[str], learners: Sequence[Learner]) -> str:
    """Return how many learners are late on one of the assignments, and how many others have an extension."""
    words = [{learner.timeliness.get(key, "") for key in keys} for learner in learners]
    late = sum("late" in own for own in words)
    extended = sum("extended" in own and "late" not in own for own in words)
    return late_text(late, extended)


def activity_of(chosen: ClassFilter, snapshot: ClassSnapshot) -> ClassActivity:
    """Read the activity of the class that the snapshot shows; four queries."""
    window = last_half_hour(
        chosen.academy.pk,
        snapshot.concerns.now,
        # Those with a row: staff who try out a connection are neither here nor in the rate.
        learners=[learner.id for learner in snapshot.learners],
        keys=[column.key for column in snapshot.columns] if chosen.asset else None,
    )
    return ClassActivity(activity_rate_of(window), recent_errors(window, MOST_ERRORS))
