"""Admin pages of activities, assignments and the measures that follow from them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from learntrace.core.admin import ReadOnlyAdmin
from learntrace.progress.models import (
    Activity,
    Assignment,
    CheckedAssignment,
    Code,
    CodeUse,
    CourseRun,
    EarlierRun,
    ErrorCount,
    Exclusion,
    Floor,
    FormerStep,
    Progress,
    ProgressState,
    Recomputation,
    Stale,
    StepList,
    StepRename,
    SummarySubscription,
)


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "verb", "assignment", "outcome", "source", "academy")
    list_filter = ("verb", "outcome", "source")
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment", "=session_id")
    ordering = ("-at", "-arrival")


@admin.register(Code)
class CodeAdmin(ReadOnlyAdmin):
    list_display = ("hash", "academy")
    list_select_related = ("academy",)
    search_fields = ("=hash",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Only the page of one code reads its text.
        return super().get_queryset(request).defer("text")


@admin.register(CodeUse)
class CodeUseAdmin(ReadOnlyAdmin):
    list_display = ("user", "code")
    list_select_related = ("user", "code")
    search_fields = ("=user__username", "=code__hash")
    ordering = ("-id",)


@admin.register(CourseRun)
class CourseRunAdmin(ReadOnlyAdmin):
    list_display = ("user", "name", "starts_on", "ends_on", "academy")
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "name")
    ordering = ("-id",)


@admin.register(Floor)
class FloorAdmin(ReadOnlyAdmin):
    list_display = ("user", "scope", "at", "cause", "academy", "set_at")
    list_filter = ("cause",)
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=scope")
    ordering = ("-id",)


@admin.register(EarlierRun)
class EarlierRunAdmin(ReadOnlyAdmin):
    list_display = ("user", "assignment", "until", "course", "cause", "academy")
    list_filter = ("cause",)
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment")
    ordering = ("-id",)


@admin.register(SummarySubscription)
class SummarySubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("user", "academy", "cohort", "sent_for")
    list_select_related = ("user", "academy", "cohort")
    search_fields = ("=user__username",)
    ordering = ("-id",)


@admin.register(FormerStep)
class FormerStepAdmin(ReadOnlyAdmin):
    list_display = ("key", "title", "asset", "academy", "left_at")
    list_select_related = ("asset", "academy")
    search_fields = ("key", "title", "asset__slug")


@admin.register(StepRename)
class StepRenameAdmin(ReadOnlyAdmin):
    list_display = ("old_key", "new_key", "made_by", "made_at", "undone_at", "academy")
    list_select_related = ("made_by", "academy")
    search_fields = ("old_key", "new_key")
    ordering = ("-id",)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    list_display = ("excluded_at", "user", "assignment", "session_id", "reason", "excluded_by", "lifted_at", "academy")
    list_select_related = ("user", "excluded_by", "academy")
    search_fields = ("=user__username", "reason")
    ordering = ("-id",)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("key", "title", "asset", "academy", "position")
    list_select_related = ("asset", "academy")
    search_fields = ("key", "title", "asset__slug")


@admin.register(Progress)
class ProgressAdmin(ReadOnlyAdmin):
    list_display = (
        "user",
        "assignment",
        "attempts",
        "errors",
        "done_at",
        "done_because",
        "concerns",
        "academy",
        "last_seen_at",
    )
    list_filter = ("done_because",)
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment")
    ordering = ("-last_seen_at",)


@admin.register(ProgressState)
class ProgressStateAdmin(ReadOnlyAdmin):
    list_display = ("progress",)
    list_select_related = ("progress",)
    search_fields = ("=progress__user__username",)
    ordering = ("-progress_id",)


@admin.register(ErrorCount)
class ErrorCountAdmin(ReadOnlyAdmin):
    list_display = ("name", "message", "count", "progress", "last_at", "solved_at")
    list_select_related = ("progress",)
    search_fields = ("=name", "=progress__user__username")
    ordering = ("-id",)


@admin.register(CheckedAssignment)
class CheckedAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("key", "part", "academy")
    list_select_related = ("academy",)
    list_filter = ("part",)
    search_fields = ("key",)
    ordering = ("-id",)


@admin.register(StepList)
class StepListAdmin(ReadOnlyAdmin):
    list_display = ("asset", "academy", "user", "steps", "told_at")
    list_select_related = ("asset", "academy", "user")
    search_fields = ("=user__username", "=asset__slug")
    ordering = ("-id",)


@admin.register(Stale)
class StaleAdmin(ReadOnlyAdmin):
    list_display = ("since", "user", "asset_slug", "source")
    list_filter = ("source",)
    list_select_related = ("user",)
    search_fields = ("=user__username", "=asset_slug")
    ordering = ("since",)


@admin.register(Recomputation)
class RecomputationAdmin(ReadOnlyAdmin):
    list_display = ("run", "user", "done_at", "changed", "fault")
    list_select_related = ("user",)
    search_fields = ("=run", "=user__username")
    ordering = ("-id",)
