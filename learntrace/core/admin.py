"""Base classes of the admin's pages, and the pages of this room."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.core.models import Heartbeat, LiveEvent, ScheduledRun

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:  # Django's classes aren't generic at run time
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


admin.site.site_header = admin.site.site_title = "Learntrace"
admin.site.index_title = _("Administration")


class BigTableAdmin(ModelAdmin):
    """A table that may have millions of rows: no page counts or lists all of them."""

    show_full_result_count = False
    list_per_page = 50


class ReadOnlyAdmin(BigTableAdmin):
    """A table that only the product writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "seen_at")
    search_fields = ("name",)
    ordering = ("-seen_at",)


@admin.register(ScheduledRun)
class ScheduledRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "last_run_at")
    search_fields = ("name",)
    ordering = ("-last_run_at",)


@admin.register(LiveEvent)
class LiveEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "kind", "academy_id", "data")
    list_filter = ("kind",)
    ordering = ("-id",)
