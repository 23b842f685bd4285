"""Admin page of the requests that the front door refused."""

from django.contrib import admin

from learntrace.core.admin import ReadOnlyAdmin
from learntrace.intake.models import Refusal


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "last_at",
        "times",
        "status_code",
        "reason",
        "path",
        "user",
        "asset",
        "token_prefix",
        "size",
    )
    list_filter = ("status_code",)
    list_select_related = ("user",)
    search_fields = ("=reason", "=token_prefix", "=user__username", "=asset")
    ordering = ("-created_at",)
