"""The admin pages of notifications. Targets are shown masked, secrets not at all."""

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.core.admin import BigTableAdmin, ReadOnlyAdmin
from learntrace.signals.models import Notification, NotificationRule
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.channels import masked_target


@admin.register(NotificationRule)
class NotificationRuleAdmin(BigTableAdmin):
    """Teachers' rules; staff can turn one off or delete it."""

    list_display = (
        "__str__",
        "user",
        "academy",
        "cohort",
        "channel",
        "shown_target",
        "active",
        "failures",
        "postponed_until",
    )
    list_filter = ("channel", "active")
    list_select_related = ("user", "academy", "cohort")
    search_fields = ("=user__username", "name")
    ordering = ("-id",)
    exclude: ClassVar = ("target",)
    readonly_fields: ClassVar = (
        "user",
        "academy",
        "cohort",
        "channel",
        "shown_target",
        "kinds",
        "least_severity",
        "quiet_from",
        "quiet_until",
        "timezone",
        "digest_minutes",
        "failures",
        "postponed_until",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("target"))
    def shown_target(self, rule: NotificationRule) -> str:
        return masked_target(rule)


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "rule", "signal", "state", "outcome", "attempts", "due_at", "sent_at")
    list_filter = ("state", "reason")
    list_select_related = ("user", "rule", "signal")
    search_fields = ("=user__username", "=delivery")
    ordering = ("-id",)

    @admin.display(description=_("what happened"))
    def outcome(self, notification: Notification) -> str:
        return failures.sentence(notification.reason, notification.detail)
