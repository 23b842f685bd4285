"""The webhook log in the admin."""

from typing import Any

import msgspec
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from learntrace.core.admin import BigTableAdmin, ReadOnlyAdmin
from learntrace.learnpack.models import ReadingPosition, UnreadDocument, Webhook
from learntrace.learnpack.processing.outcomes import staff_text
from learntrace.learnpack.webhook_log.payloads import MOST_WHOLE, payload_text
from learntrace.learnpack.webhook_log.queries import process_again


@admin.register(Webhook)
class WebhookAdmin(BigTableAdmin):
    """Webhooks, read-only: nobody edits what a client sent."""

    list_display = ("id", "created_at", "event", "status", "what_became_of_it", "student", "asset", "package_slug")
    list_filter = ("status", "is_streaming")
    list_select_related = ("student", "asset")
    search_fields = ("=event", "=package_slug", "=student__username", "=student__email", "=asset__slug")
    ordering = ("-created_at", "-id")
    actions = ("process_again",)
    fields = readonly_fields = (
        "is_streaming", "event", "package_slug", "asset", "learnpack_package_id", "student", "status",
        "what_became_of_it", "reason", "reason_values", "attempts", "retry_at", "created_at", "updated_at", "what_was_sent",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # A payload has up to several 100 KB: only the page of one row reads it.
        return super().get_queryset(request).defer("payload")

    @admin.display(description=_("Result"), ordering="status_text")
    def what_became_of_it(self, row: Webhook) -> str | None:
        return staff_text(row)

    @admin.display(description=_("payload"))
    def what_was_sent(self, row: Webhook) -> str:
        text = msgspec.json.format(bytes(payload_text(row.pk, MOST_WHOLE, source=False)), indent=2).decode()
        return format_html("<pre>{}</pre>", text)

    @admin.action(description=_("Process again (rows with status ERROR)"), permissions=["change"])
    def process_again(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        count = process_again(rows, None)
        sentence = ngettext("%(count)s row will be processed again.", "%(count)s rows will be processed again.", count)
        messages.success(request, sentence % {"count": count})


@admin.register(UnreadDocument)
class UnreadDocumentAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "asset_slug", "receipt", "received_at", "fault")
    list_select_related = ("user",)
    search_fields = ("=user__username", "=asset_slug")
    ordering = ("-id",)
    exclude = ("document",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # A document has up to several 100 KB.
        return super().get_queryset(request).defer("document")


@admin.register(ReadingPosition)
class ReadingPositionAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "asset_slug")
    list_select_related = ("user",)
    search_fields = ("=user__username", "=asset_slug")
    ordering = ("-id",)
    exclude = ("state",)
