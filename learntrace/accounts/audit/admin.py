"""The audit log in the administration: read there by whoever runs the installation, and never changed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.models import AuditEntry, AuditValues
from learntrace.core.admin import ReadOnlyAdmin, TabularInline


class ValuesInline(TabularInline):
    model = AuditValues
    fields = readonly_fields = ("before", "after", "actor_name", "address")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NeverDeleted(ReadOnlyAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditValues)
class AuditValuesAdmin(NeverDeleted):
    list_display = ("entry", "actor_name", "address")
    list_select_related = ("entry",)
    search_fields = ("=actor_name", "=address")
    ordering = ("-entry",)


@admin.register(AuditEntry)
class AuditEntryAdmin(NeverDeleted):
    list_display = ("at", "action", "door", "actor_id", "who", "academy_id", "subject_id", "object_type", "object_id")
    list_filter = ("door",)
    list_select_related = ("values",)
    search_fields = ("=action", "=actor_id", "=subject_id", "=academy_id")
    ordering = ("-id",)
    inlines = (ValuesInline,)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in {"object_type", "object_id"} or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("actor name"))
    def who(self, entry: AuditEntry) -> str:
        return entry.values.actor_name or ""
