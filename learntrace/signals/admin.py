"""The admin's pages of signals, of what detectors remember, and of who is told."""

from django.contrib import admin

from learntrace.core.admin import ReadOnlyAdmin
from learntrace.signals.models import Lesson, Signal, Watch
from learntrace.signals.notifications import admin as notifications_admin


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    list_display = ("last_seen_at", "kind", "severity", "state", "user", "assignment", "asset_slug", "count", "academy")
    list_filter = ("kind", "severity", "state")
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment", "=asset_slug")
    ordering = ("-last_seen_at", "-id")


@admin.register(Watch)
class WatchAdmin(ReadOnlyAdmin):
    """What a detector stumbled over stands in `fault`; deleting the row has it begin again."""

    list_display = ("kind", "user", "academy", "last_at", "due_at", "fault")
    list_filter = ("kind",)
    list_select_related = ("user", "academy")
    search_fields = ("=user__username",)
    ordering = ("-id",)


@admin.register(Lesson)
class LessonAdmin(ReadOnlyAdmin):
    list_display = ("asset", "academy", "looked_at", "looked_to", "seconds", "fault")
    list_select_related = ("asset", "academy")
    search_fields = ("=asset__slug", "=academy__slug")
    ordering = ("-looked_at",)


# Django looks for pages in this module alone.
__all__ = ["LessonAdmin", "SignalAdmin", "WatchAdmin", "notifications_admin"]
