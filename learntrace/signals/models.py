"""Signals about learners, the detectors' states, and the notifications of signals."""

import hashlib
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Cohort, User
from learntrace.core.encryption.fields import EncryptedTextField
from learntrace.core.encryption.secrets import Unreadable
from learntrace.registry.models import Asset


class Signal(models.Model):
    """Something that a detector has found about a learner (docs/explanation/signals.md).

    All times but the last two are by the learner's clock.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")
        # A late event showed that it was none: not listed, but kept with its history.
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Severity(models.IntegerChoices):
        LOW = 1, _("Low")
        MEDIUM = 2, _("Medium")
        HIGH = 3, _("High")

    user = models.ForeignKey(User, models.CASCADE, related_name="signals", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    # Which activities the detector looks at together (`evaluation.group_keys`), and which of its findings there this is.
    group = models.CharField(max_length=64, editable=False)
    key = models.CharField(max_length=100, editable=False)
    assignment = models.CharField(max_length=420, null=True, blank=True)
    asset_slug = models.CharField(max_length=200, null=True, blank=True)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    count = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(
        max_length=100, blank=True, default="", help_text=_("the event that ended it, or a word")
    )
    evidence = models.JSONField(default=list, help_text=_("ids of events, the oldest first"))
    # The sentence's values, beside count, learner and assignment.
    facts = models.JSONField(default=dict, blank=True)
    acknowledged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    # [{"at", "what", "by"}], the latest last.
    history = models.JSONField(default=list, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "group", "kind", "key", "academy"], name="one_signal_per_finding", nulls_distinct=False
            )
        ]
        indexes = [
            models.Index(fields=["academy", "-last_seen_at", "-id"], name="signal_academy"),
            models.Index(
                fields=["academy", "-severity", "-last_seen_at"],
                name="signal_open",
                condition=Q(state__in=["open", "acknowledged"]),
            ),
            models.Index(fields=["academy", "assignment"], name="signal_assignment"),
            # The standing signals of a group, without all that are over.
            models.Index(
                fields=["user", "group", "kind"],
                name="signal_standing",
                condition=Q(state__in=["open", "acknowledged"]),
            ),
            # The signals of an asset comparison, also of learners who have left the class.
            models.Index(fields=["academy", "group"], name="signal_lesson", condition=Q(kind="falling_behind")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"


class Concern(models.Model):
    """One entry for staff: a learner's trouble on an assignment, or an error that many of the class meet there.

    The row only names the concern and counts its changes. What the concern says follows from signals, and for the class from
    attempts (`concerns.standing`, `concerns.class_wide`); what staff did is in its acts.
    """

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    # Empty for the whole class, which then has an error.
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="concerns", db_index=False)
    assignment = models.CharField(max_length=420, null=True, blank=True)
    asset_slug = models.CharField(
        max_length=200, null=True, blank=True, help_text=_("for signals without an assignment")
    )
    # The key of an error group (`concerns.error_group`).
    error_group = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    version = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("concern")
        verbose_name_plural = _("concerns")
        constraints = [
            models.UniqueConstraint(
                fields=["academy", "user", "assignment", "asset_slug", "error_group"],
                name="one_concern_per_subject",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["user"], name="concern_learner")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.assignment or self.asset_slug}"


class ConcernAct(models.Model):
    """What a member of staff did with a concern. Acts are only added; one that was undone says so."""

    class What(models.TextChoices):
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        REOPENED = "reopened", _("Opened again")
        SNOOZED = "snoozed", _("Snoozed")
        ASSIGNED = "assigned", _("Assigned")
        UNASSIGNED = "unassigned", _("Unassigned")
        NOTED = "noted", _("Note")

    concern = models.ForeignKey(Concern, models.CASCADE, related_name="acts", db_index=False)
    # The concern's version that it made.
    number = models.PositiveIntegerField()
    what = models.CharField(max_length=12, choices=What.choices)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(db_default=Now())
    clock = models.DateTimeField(help_text=_("the time by the learners' clock"))
    severity = models.PositiveSmallIntegerField(
        choices=Signal.Severity.choices, null=True, blank=True, help_text=_("how severe the concern was then")
    )
    until = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    note = models.TextField(blank=True, default="", db_default="")
    # Ids of the signals whose state it changed, so that undoing changes these back and no others.
    signals = models.JSONField(default=list, blank=True, editable=False)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    undone_number = models.PositiveIntegerField(
        null=True, blank=True, editable=False, help_text=_("the concern's version that the undoing made")
    )

    class Meta:
        verbose_name = _("act on a concern")
        verbose_name_plural = _("acts on concerns")
        constraints = [models.UniqueConstraint(fields=["concern", "number"], name="one_act_per_version")]

    def __str__(self) -> str:
        return f"{self.what} {self.concern_id}"


class Watch(models.Model):
    """A detector's state in one group, from which it goes on with the next activity."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    group = models.CharField(max_length=64)
    state = models.JSONField(default=dict)
    # The last activity that is in the state.
    last_at = models.DateTimeField()
    last_arrival = models.BigIntegerField()
    # The detector's timer: when it has to look although nothing happens, or earlier (`detector_states`).
    due_at = models.DateTimeField(null=True, blank=True)
    # The thresholds with which the state was made: when they change it is made again.
    thresholds = models.JSONField(default=dict)
    # The error with which the detector failed: it is off for this group until it is recomputed.
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("state of a detector")
        verbose_name_plural = _("states of detectors")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "group", "kind", "academy"], name="one_watch_per_group", nulls_distinct=False
            )
        ]
        indexes = [
            models.Index(fields=["academy", "due_at"], name="watch_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["kind", "id"], name="watch_fault", condition=~Q(fault="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.group}"


class AssetComparison(models.Model):
    """An asset whose learners are compared day by day (`falling_behind`), and the last comparison."""

    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    looked_at = models.DateTimeField(null=True, blank=True, help_text=_("by the server's clock"))
    looked_to = models.DateTimeField(
        null=True, blank=True, help_text=_("the last whole day since it began, by the learners' clock")
    )
    seconds = models.FloatField(default=0, help_text=_("how long the look took"))
    # A fingerprint of all progress on the asset then, which any change of it changes.
    seen = models.CharField(max_length=60, null=True, blank=True, editable=False)
    # The thresholds of the last comparison: when they change it is repeated.
    thresholds = models.JSONField(default=dict)
    # The error with which the comparison failed: it is left alone until its next day.
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "signals_lesson"  # the table is older than the model's name
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")
        constraints = [models.UniqueConstraint(fields=["academy", "asset"], name="one_lesson_per_academy_and_asset")]

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.academy_id}"


def target_digest(channel: str, target: str) -> str:
    """Return by what a destination is known; e-mail addresses that differ in case are the same."""
    same = target.lower() if channel == NotificationRule.Channel.EMAIL else target
    return hashlib.sha256(same.encode()).hexdigest() if same else ""


class NotificationRule(models.Model):
    """Which signals a teacher is notified of, by which channel, and when not."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        WEBHOOK = "webhook", _("Webhook")
        CHAT = "chat", _("Chat service")

    user = models.ForeignKey(User, models.CASCADE, related_name="notification_rules")
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+")
    cohort = models.ForeignKey(
        Cohort, models.CASCADE, null=True, blank=True, related_name="+", help_text=_("empty: all learners")
    )
    name = models.CharField(max_length=100, blank=True, default="")
    kinds = models.JSONField(default=list, blank=True, help_text=_("kinds of signals; empty: all"))
    least_severity = models.PositiveSmallIntegerField(choices=Signal.Severity.choices, default=Signal.Severity.LOW)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    # An address or URL, which may give access to something: never shown whole again, and never logged. For e-mail, empty is
    # the user's own address.
    target = EncryptedTextField(max_length=500, blank=True, default="")
    # SHA-256 of it, by which two rules with the same destination are known; empty without a target.
    target_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    secret = EncryptedTextField(max_length=64, blank=True, default="", editable=False)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    timezone = models.CharField(max_length=60, default="UTC")
    digest_minutes = models.PositiveIntegerField(default=0, help_text=_("0: each signal at once"))
    active = models.BooleanField(default=True)
    # Failed deliveries in a row, and until when none is tried.
    failures = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    postponed_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("notification rule")
        verbose_name_plural = _("notification rules")

    def __str__(self) -> str:
        return self.name or f"{self.channel} of {self.user_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the digest in step with the target; of one that can't be read it stays."""
        if not isinstance(self.target, Unreadable):
            self.target_digest = target_digest(self.channel, self.target)
            if kwargs.get("update_fields") is not None and "target" in kwargs["update_fields"]:
                kwargs["update_fields"] = [*kwargs["update_fields"], "target_digest"]
        super().save(*args, **kwargs)


class Notification(models.Model):
    """The notification of a signal, or of a concern of the class, by a rule: only one, however often the signal changes."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        # Not needed any more: its signal was resolved or withdrawn before it was sent, or its rule is gone.
        DROPPED = "dropped", _("Dropped")

    # A notification outlives its rule: a new rule with the same destination must not send it again.
    rule = models.ForeignKey(NotificationRule, models.SET_NULL, null=True, related_name="notifications", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="+", db_index=False)
    signal = models.ForeignKey(
        Signal, models.CASCADE, null=True, blank=True, related_name="notifications", db_index=False
    )
    # Of the class; then there is no signal.
    concern = models.ForeignKey(
        Concern, models.CASCADE, null=True, blank=True, related_name="notifications", db_index=False
    )
    # A digest of the user, the channel and the target.
    destination = models.CharField(max_length=64, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING, db_default=State.WAITING)
    due_at = models.DateTimeField(db_default=Now())
    # The message in which it goes out, the same at every attempt.
    delivery = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    begun_at = models.DateTimeField(null=True, blank=True, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    # Why it failed (the last time) or was dropped, and what the other side answered: never with a target in it.
    reason = models.CharField(max_length=40, blank=True, default="", db_default="")
    detail = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(fields=["signal", "rule"], name="one_notification_per_signal_and_rule"),
            models.UniqueConstraint(fields=["signal", "destination"], name="one_notification_per_signal_and_place"),
            models.CheckConstraint(
                condition=Q(signal__isnull=False) | Q(concern__isnull=False), name="notification_of_something"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="notification_due", condition=Q(state__in=["waiting", "sending"])
            ),
            models.Index(fields=["concern"], name="notification_concern", condition=Q(concern__isnull=False)),
            # Few rows: the messages that are being sent now.
            models.Index(fields=["academy"], name="notification_sending", condition=Q(state="sending")),
            models.Index(
                fields=["rule", "due_at"], name="notification_rule", condition=Q(state__in=["waiting", "sending"])
            ),
            models.Index(fields=["rule", "-id"], name="notification_of_rule"),
            models.Index(fields=["user", "academy", "-id"], name="notification_user"),
        ]

    def __str__(self) -> str:
        return f"{self.signal_id} by {self.rule_id}"


# Django looks for models here alone.
from learntrace.signals.help_requests.models import HelpRequest  # noqa: E402, F401
