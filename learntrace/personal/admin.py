"""Admin page of erasures."""

from django.contrib import admin

from learntrace.core.admin import ReadOnlyAdmin
from learntrace.personal.models import Erasure


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "erased_at", "by_operator")
    list_select_related = ("user",)
    search_fields = ("=user__username", "=user__email")
    ordering = ("-erased_at",)
