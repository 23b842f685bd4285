"""Admin pages of erasures."""

from django.contrib import admin

from learntrace.core.admin import ReadOnlyAdmin
from learntrace.personal.models import Erasure, PendingErasure


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "erased_at", "by_operator")
    list_select_related = ("user",)
    search_fields = ("=user__username", "=user__email")
    ordering = ("-erased_at",)


@admin.register(PendingErasure)
class PendingErasureAdmin(ReadOnlyAdmin):
    """Erasures to come; who deletes one undoes it."""

    list_display = ("user", "asked_at", "erases_at")
    list_select_related = ("user",)
    search_fields = ("=user__username", "=user__email")
    ordering = ("erases_at",)
