"""The admin pages of signals, detectors' states, comparisons and notifications."""

from django.contrib import admin

from learntrace.core.admin import ReadOnlyAdmin
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import AssetComparison, Concern, ConcernAct, Signal, Watch
from learntrace.signals.notifications import admin as notifications_admin


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    list_display = ("last_seen_at", "kind", "severity", "state", "user", "assignment", "asset_slug", "count", "academy")
    list_filter = ("kind", "severity", "state")
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment", "=asset_slug")
    ordering = ("-last_seen_at", "-id")


@admin.register(Concern)
class ConcernAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "assignment", "asset_slug", "version", "academy")
    list_select_related = ("user", "academy")
    search_fields = ("=user__username", "=assignment", "=asset_slug")
    ordering = ("-id",)


@admin.register(ConcernAct)
class ConcernActAdmin(ReadOnlyAdmin):
    list_display = ("at", "what", "by", "concern", "until", "assignee", "undone_at", "undone_by")
    list_filter = ("what",)
    list_select_related = ("by", "concern", "assignee", "undone_by")
    search_fields = ("=by__username", "=concern__user__username")
    ordering = ("-id",)


@admin.register(HelpRequest)
class HelpRequestAdmin(ReadOnlyAdmin):
    list_display = (
        "raised_at",
        "user",
        "assignment",
        "asset_slug",
        "helped_by",
        "help_began_at",
        "ended_at",
        "academy",
    )
    list_select_related = ("user", "academy", "helped_by")
    search_fields = ("=user__username", "=assignment", "=asset_slug")
    ordering = ("-id",)


@admin.register(Watch)
class DetectorStateAdmin(ReadOnlyAdmin):
    """A detector's state, with the error that stopped it in `fault`; after the row is deleted it begins again."""

    list_display = ("kind", "user", "academy", "last_at", "due_at", "fault")
    list_filter = ("kind",)
    list_select_related = ("user", "academy")
    search_fields = ("=user__username",)
    ordering = ("-id",)


@admin.register(AssetComparison)
class AssetComparisonAdmin(ReadOnlyAdmin):
    list_display = ("asset", "academy", "looked_at", "looked_to", "seconds", "fault")
    list_select_related = ("asset", "academy")
    search_fields = ("=asset__slug", "=academy__slug")
    ordering = ("-looked_at",)


# Django imports this module alone.
__all__ = [
    "AssetComparisonAdmin",
    "ConcernActAdmin",
    "ConcernAdmin",
    "DetectorStateAdmin",
    "HelpRequestAdmin",
    "SignalAdmin",
    "notifications_admin",
]
