"""Course runs and a roster: learners may not be put into cohorts whose dates overlap."""

from collections.abc import Sequence
from typing import Any

from learntrace.accounts.models import Cohort
from learntrace.accounts.roster.importing import HOOKS
from learntrace.accounts.roster.items import Problems
from learntrace.accounts.roster.plan import Plan
from learntrace.assignments.models import Task
from learntrace.progress.corrections.course_runs import (
    Course,
    begin_course_runs,
    overlap,
    overlap_sentence,
    remember_first_cohorts,
)
from learntrace.progress.step_lists import publish_manifests
from learntrace.registry.models import Asset


def register() -> None:
    """Have imports of rosters ask and tell the course runs, and publish the steps of assets."""
    HOOKS.checks.append(refuse_overlaps)
    HOOKS.before["tasks"] = remember_first_cohorts
    HOOKS.after.append(_publish)
    HOOKS.committed.append(begin_course_runs)


def refuse_overlaps(plans: Sequence[Plan[Any]], problems: Problems) -> None:
    """Note the learners whom the file would put into cohorts whose dates overlap: no course run could follow from that."""
    drafts = [draft for plan in plans for draft in plan.drafts]
    cohorts = {draft.row.pk: draft for draft in drafts if isinstance(draft.row, Cohort) and draft.row.pk}
    tasks = [(draft.row, draft.item.line) for draft in drafts if isinstance(draft.row, Task)]
    dated = [pk for pk, draft in cohorts.items() if {"starts_on", "ends_on"} & draft.changed]
    users = {task.user_id for task, _line in tasks if task.user_id}
    users |= set(Task.objects.filter(cohort__in=dated).values_list("user_id", flat=True))
    others = Task.objects.filter(user__in=users, cohort__isnull=False).exclude(
        pk__in=[task.pk for task, _line in tasks if task.pk]
    )
    for task in others.select_related("cohort", "user"):
        line = cohorts[task.cohort_id].item.line if task.cohort_id in cohorts else 0
        tasks.append((task, line))
    courses: dict[tuple[int, int], set[Course]] = {}
    lines: dict[tuple[int, int], tuple[str, int]] = {}
    for task, line in tasks:
        if task.cohort is None:
            continue
        cohort = cohorts[task.cohort.pk].row if task.cohort.pk in cohorts else task.cohort
        if cohort.starts_on is None:
            continue
        # A row that isn't stored yet has no id: a negative number, which no stored row has, stands for it.
        place = task.user.pk or -id(task.user), cohort.academy.pk or -id(cohort.academy)
        courses.setdefault(place, set()).add(Course(cohort.starts_on, cohort.name, cohort.ends_on))
        lines[place] = task.user.username, max(line, lines.get(place, ("", 0))[1])
    for place, taken in courses.items():
        if (both := overlap(taken)) is not None:
            username, line = lines[place]
            problems.add(line, overlap_sentence(username, both))


def _publish(plans: Sequence[Plan[Any]]) -> None:
    # The registry, which has the assets, doesn't know their steps.
    publish_manifests(
        [
            draft.row.pk
            for plan in plans
            for draft in plan.drafts
            if isinstance(draft.row, Asset)
            and draft.values.get("manifest")
            and (draft.is_new or "manifest" in draft.changed)
        ]
    )
