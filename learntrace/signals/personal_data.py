"""Personal data of this room: signals, detectors' states and notification rules (`core.personal_data`)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, F
from django.utils.translation import gettext_lazy as _

from learntrace.core.deletion import delete_by
from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.progress.recording.recording import lock_learners
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Concern, Notification, NotificationRule, Signal, Watch
from learntrace.signals.notifications.channels import masked_target

# Not by Django, which would read each row to look for dependent ones; the notifications are deleted before.
_DELETE_SIGNALS = "DELETE FROM signals_signal WHERE user_id = %s"


def _signals(user_id: int) -> Rows:
    # Without who has acknowledged them, which is a teacher's data.
    columns = (
        "id",
        "kind",
        "severity",
        "state",
        "assignment",
        "asset_slug",
        "count",
        "opened_at",
        "last_seen_at",
        "resolved_at",
        "acknowledged_at",
        "facts",
        "evidence",
        "academy_id",
        "created_at",
    )
    signals = Signal.objects.filter(user=user_id).order_by("id")
    rows: Rows = signals.values(*columns, notifications_of_it=Count("notifications"))
    return rows


def _concerns(user_id: int) -> Rows:
    # Each with its acts, without who of the staff it was; one that nobody has handled is a row too.
    concerns = Concern.objects.filter(user=user_id).order_by("id", "acts__number")
    return concerns.values(
        "assignment",
        "asset_slug",
        "academy_id",
        what=F("acts__what"),
        at=F("acts__at"),
        until=F("acts__until"),
        note=F("acts__note"),
        undone_at=F("acts__undone_at"),
    )


def _help_requests(user_id: int) -> Rows:
    # Without who of the staff has helped.
    hands = HelpRequest.objects.filter(user=user_id).order_by("id")
    columns = ("assignment", "asset_slug", "text", "raised_at", "taken_back_at", "help_began_at", "ended_at")
    rows: Rows = hands.values("id", *columns, "cohort_id", "academy_id")
    return rows


def _detector_states(user_id: int) -> Rows:
    rows = Watch.objects.filter(user=user_id).order_by("id")
    return rows.values("kind", "group", "state", "last_at", "due_at", "thresholds", "academy_id")


def _rules(user_id: int) -> Rows:
    columns = (
        "id",
        "name",
        "kinds",
        "least_severity",
        "channel",
        "target",
        "quiet_from",
        "quiet_until",
        "timezone",
        "digest_minutes",
        "active",
        "academy_id",
        "cohort_id",
        "created_at",
        "updated_at",
    )
    rows: Rows = NotificationRule.objects.filter(user=user_id).order_by("id").values(*columns)
    return rows


def _masked(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mask a rule's target, which may give access to something: a file that lies about must not show it."""
    return {**row, "target": masked_target(NotificationRule(channel=row["channel"], target=row["target"]))}


def _erase_signals(user_id: int) -> int:
    lock_learners([user_id])
    Notification.objects.filter(signal__user=user_id).delete()
    return delete_by(_DELETE_SIGNALS, user_id)


def _erase_concerns(user_id: int) -> int:
    lock_learners([user_id])
    # As they are listed: each act, and a concern without any.
    count = _concerns(user_id).count()
    Concern.objects.filter(user=user_id).delete()
    return count


def _erase_help_requests(user_id: int) -> int:
    return HelpRequest.objects.filter(user=user_id).delete()[0]


def _erase_detector_states(user_id: int) -> int:
    lock_learners([user_id])
    return Watch.objects.filter(user=user_id).delete()[0]


def register() -> None:
    register_datasets(
        PersonalDataset(
            "signals", _("Signals, and how often teachers were notified of each"), _signals, _erase_signals
        ),
        PersonalDataset(
            "concerns",
            _("Concerns about you, what teachers did with them, and their notes"),
            _concerns,
            _erase_concerns,
        ),
        PersonalDataset("help-requests", _("Hands that you raised"), _help_requests, _erase_help_requests),
        PersonalDataset(
            "detector-states", _("State of the detectors of signals"), _detector_states, _erase_detector_states
        ),
        PersonalDataset(
            "notification-rules",
            _("Your notification rules"),
            _rules,
            shape=_masked,
            stays=_("They are settings of those who teach."),
        ),
    )
