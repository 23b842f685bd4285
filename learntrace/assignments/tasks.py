"""Tasks: which ones a user may read, and the telemetry of each (contract, section 8)."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.models import Academy, User
from learntrace.accounts.scope import seen_in
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.core.errors import NotFound
from learntrace.core.http.filters import natural, words
from learntrace.registry.models import Asset
from learntrace.registry.resolution import load_registry

SORTABLE = (
    "id", "title", "task_status", "associated_slug", "revision_status", "task_type", "opened_at", "read_at",
    "reviewed_at", "delivered_at", "cohort", "created_at", "updated_at",
)  # fmt: skip

FILTERS: Mapping[str, str] = {
    "task_type": "one or more of PROJECT, QUIZ, LESSON, EXERCISE, comma-separated",
    "task_status": "one or more of PENDING, DONE, comma-separated",
    "revision_status": "one or more of PENDING, APPROVED, REJECTED, IGNORED, comma-separated",
    "cohort": "one or more ids or slugs of cohorts, comma-separated; `null` for tasks without one",
    "associated_slug": "one or more slugs, comma-separated",
}


class TaskNotFound(NotFound):
    slug = "task-not-found"
    text = _("Task not found")

    def told(self) -> str:
        return gettext("There is no task with this id here. Check the id, or choose a learner and an asset.")


def tasks_of(user: User) -> QuerySet[Task]:
    """Return the user's own tasks."""
    return Task.objects.filter(user=user).select_related("user", "cohort")


def tasks_seen_in(academy: Academy) -> QuerySet[Task]:
    """Return the tasks of an academy's members.

    A task of another academy's cohort, or without a cohort on another academy's asset, is visible only there if the
    learner belongs to that academy too.
    """
    by_alias = Asset.objects.filter(aliases__slug=OuterRef("associated_slug")).values("academy_id")
    by_slug = Asset.objects.filter(slug=OuterRef("associated_slug")).values("academy_id")
    asset_academy = (Subquery(by_alias[:1]), Subquery(by_slug[:1]))
    home = Coalesce("cohort__academy_id", *asset_academy, output_field=BigIntegerField())
    rows = Task.objects.select_related("user", "cohort").alias(home=home)
    return rows.filter(seen_in(academy, learner="user_id", asset_academy="home"))


def narrowed(tasks: QuerySet[Task], request: Request) -> QuerySet[Task]:
    """Apply the filters of the query string; a value that no task has gives no tasks."""
    for field in ("task_type", "task_status", "revision_status", "associated_slug"):
        if wanted := words(request, field):
            tasks = tasks.filter(**{f"{field}__in": wanted})
    if cohorts := words(request, "cohort"):
        ids = [number for number in map(natural, cohorts) if number is not None]
        condition = Q(cohort_id__in=ids) | Q(cohort__slug__in=cohorts)
        tasks = tasks.filter(condition | Q(cohort=None) if "null" in cohorts else condition)
    return tasks


def telemetry_of(tasks: Collection[Task]) -> dict[int, Any]:
    """Return the telemetry documents of tasks as stored JSON, by the tasks' ids; four queries, however many tasks there are.

    A task's telemetry is the row of its user and its canonical slug.
    """
    registry = load_registry(slugs={task.associated_slug for task in tasks})
    keys: dict[int, tuple[int, str]] = {}
    for task in tasks:
        asset = registry.by_slug(task.associated_slug)
        keys[task.pk] = (task.user_id, registry.canonical(asset).slug if asset else task.associated_slug)
    rows = AssignmentTelemetry.objects.filter(
        user_id__in={user for user, _slug in keys.values()}, asset_slug__in={slug for _user, slug in keys.values()}
    )
    columns = rows.values_list("user_id", "asset_slug", Cast("telemetry", TextField()))
    documents = {(user, slug): None if text is None else msgspec.Raw(text.encode()) for user, slug, text in columns}
    return {task_id: documents[key] for task_id, key in keys.items() if key in documents}
