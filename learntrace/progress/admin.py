"""The admin's pages of what learners did and what follows from it."""

from django.contrib import admin

from learntrace.core.admin import ReadOnlyAdmin
from learntrace.progress.models import Activity, Assignment, ErrorCount, Progress, Recomputation, Stale


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "verb", "assignment", "outcome", "source", "academy")
    list_filter = ("verb", "outcome", "source")
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment", "=session_id")
    ordering = ("-at", "-arrival")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("key", "title", "asset", "academy", "position")
    list_select_related = ("asset", "academy")
    search_fields = ("key", "title", "asset__slug")


@admin.register(Progress)
class ProgressAdmin(ReadOnlyAdmin):
    list_display = ("user", "assignment", "attempts", "errors", "last_outcome", "concerns", "academy", "last_seen_at")
    list_filter = ("last_outcome",)
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment")
    ordering = ("-last_seen_at",)


@admin.register(ErrorCount)
class ErrorCountAdmin(ReadOnlyAdmin):
    list_display = ("name", "message", "count", "progress", "last_at")
    list_select_related = ("progress",)
    search_fields = ("=name", "=progress__user__username")
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
