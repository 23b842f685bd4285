"""The admin's pages of tasks and telemetry."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.assignments.telemetry_documents import keep_unread_records
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
    readonly_fields = ("last_interaction_at", "receipt", "by_staff")

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: AssignmentTelemetry, form: Any, change: bool) -> None:
        """Note that staff wrote the document."""
        if "telemetry" in form.changed_data:
            keep_unread_records([(obj.user_id, obj.asset_slug)])
            obj.by_staff = True
        super().save_model(request, obj, form, change)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: AssignmentTelemetry) -> None:
        """Delete a record; what it tells and nobody has read yet is kept."""
        keep_unread_records([(obj.user_id, obj.asset_slug)])
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AssignmentTelemetry]) -> None:
        """Delete records; what they tell and nobody has read yet is kept."""
        keep_unread_records(list(queryset.values_list("user_id", "asset_slug")))
        super().delete_queryset(request, queryset)


@admin.register(DueDate)
class DueDateAdmin(BigTableAdmin):
    list_display = ("id", "cohort", "asset", "due_at")
    list_select_related = ("cohort", "asset")
    search_fields = ("=cohort__slug", "=asset__slug")
    raw_id_fields = ("cohort", "asset")


@admin.register(Extension)
class ExtensionAdmin(BigTableAdmin):
    list_display = ("id", "due_date", "user", "due_at", "reason")
    list_select_related = ("due_date", "user")
    search_fields = ("=user__username", "=user__email", "=due_date__cohort__slug")
    raw_id_fields = ("due_date", "user")
