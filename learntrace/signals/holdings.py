"""What this room holds about users: signals, detectors' states, and the rules that teachers have made (`core.personal`)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from learntrace.core.deletion import delete_by
from learntrace.core.personal import Holding, Rows, hold
from learntrace.progress.recording import lock_learners
from learntrace.signals.models import Notification, NotificationRule, Signal, Watch
from learntrace.signals.notifications.channels import masked_target

# Without Django, which would read each row to look for what hangs on it: their notifications are gone before.
_DELETE_SIGNALS = "DELETE FROM signals_signal WHERE user_id = %s"


def _signals(user_id: int) -> Rows:
    # Not who has acknowledged them: that is said of a teacher.
    return Signal.objects.filter(user=user_id).order_by("id").values(
        "id", "kind", "severity", "state", "assignment", "asset_slug", "count", "opened_at", "last_seen_at",
        "resolved_at", "acknowledged_at", "facts", "evidence", "academy_id", "created_at",
        notifications_of_it=Count("notifications"),
    )  # fmt: skip


def _watches(user_id: int) -> Rows:
    return Watch.objects.filter(user=user_id).order_by("id").values(
        "kind", "group", "state", "last_at", "due_at", "thresholds", "academy_id"
    )  # fmt: skip


def _rules(user_id: int) -> Rows:
    return NotificationRule.objects.filter(user=user_id).order_by("id").values(
        "id", "name", "kinds", "least_severity", "channel", "target", "quiet_from", "quiet_until", "timezone",
        "digest_minutes", "active", "academy_id", "cohort_id", "created_at", "updated_at",
    )  # fmt: skip


def _masked(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rule's target may open something; nowhere is it shown whole, a file that lies about least of all."""
    return {**row, "target": masked_target(NotificationRule(channel=row["channel"], target=row["target"]))}


def _erase_signals(user_id: int) -> int:
    lock_learners([user_id])
    Notification.objects.filter(signal__user=user_id).delete()
    return delete_by(_DELETE_SIGNALS, user_id)


def _erase_watches(user_id: int) -> int:
    lock_learners([user_id])
    return Watch.objects.filter(user=user_id).delete()[0]


def register() -> None:
    hold(
        Holding("signals", _("Signals, and how often teachers were told of each"), _signals, _erase_signals),
        Holding("detector-states", _("Where the detectors of signals stand"), _watches, _erase_watches),
        Holding(
            "notification-rules", _("Rules by which you want to be told of signals"), _rules, shape=_masked,
            stays=_("They are settings of those who teach."),
        ),
    )  # fmt: skip
