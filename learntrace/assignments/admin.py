"""The admin's pages of tasks and telemetry."""

from django.contrib import admin

from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.core.admin import BigTableAdmin


@admin.register(Task)
class TaskAdmin(BigTableAdmin):
    list_display = ("id", "title", "user", "associated_slug", "task_type", "task_status", "revision_status", "cohort")
    list_filter = ("task_type", "task_status", "revision_status")
    list_select_related = ("user", "cohort")
    search_fields = ("title", "=associated_slug", "=user__username", "=user__email", "=cohort__slug")
    raw_id_fields = ("user", "cohort")


@admin.register(AssignmentTelemetry)
class AssignmentTelemetryAdmin(BigTableAdmin):
    list_display = (
        "id",
        "user",
        "asset_slug",
        "completion_rate",
        "engagement_score",
        "frustration_score",
        "updated_at",
    )
    list_select_related = ("user",)
    search_fields = ("=asset_slug", "=user__username", "=user__email")
    raw_id_fields = ("user",)
    readonly_fields = ("last_interaction_at", "receipt")
