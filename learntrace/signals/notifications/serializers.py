"""Requests and responses of the notification endpoints."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.serializers import LearnerSerializer
from learntrace.core.time_zones import zone_of
from learntrace.signals.detectors import KINDS
from learntrace.signals.models import Notification, NotificationRule, Signal
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.channels import masked_target

LONGEST_DIGEST = 7 * 24 * 60  # minutes


class RuleSerializer(serializers.ModelSerializer[NotificationRule]):
    """A rule, with as much of its target as may be shown."""

    kinds = serializers.ListField(child=serializers.CharField())
    cohort = serializers.IntegerField(source="cohort_id", allow_null=True)
    target = serializers.SerializerMethodField(help_text="masked; empty where it is the caller's own e-mail address")

    class Meta:
        model = NotificationRule
        fields = (
            "id",
            "name",
            "cohort",
            "kinds",
            "least_severity",
            "channel",
            "target",
            "quiet_from",
            "quiet_until",
            "timezone",
            "digest_minutes",
            "active",
            "failures",
            "postponed_until",
            "created_at",
            "updated_at",
        )

    def get_target(self, rule: NotificationRule) -> str:
        return masked_target(rule)


class RuleWithSecretSerializer(RuleSerializer):
    """A rule that has just been made or changed; only here a new secret is shown, once."""

    secret = serializers.SerializerMethodField(
        help_text="of a webhook, where it is new: the key with which its messages are signed; else null"
    )

    class Meta(RuleSerializer.Meta):
        fields = (*RuleSerializer.Meta.fields, "secret")  # type: ignore[assignment]

    def get_secret(self, rule: NotificationRule) -> str | None:
        return rule.secret if self.context.get("new_secret") else None


class RuleFormSerializer(serializers.Serializer[Any]):
    """A rule as its owner writes it; `academy` stands in the context. Targets are checked by who saves it."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    cohort = serializers.IntegerField(required=False, allow_null=True, help_text="its id; null: all learners")
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=50, help_text="empty: all"
    )
    least_severity = serializers.ChoiceField(
        Signal.Severity.choices, required=False, help_text="1 low, 2 medium, 3 high"
    )
    channel = serializers.ChoiceField(NotificationRule.Channel.choices)
    target = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="an e-mail address (empty: one's own), a webhook's address, or a chat service's in the form of apprise",
    )
    quiet_from = serializers.TimeField(required=False, allow_null=True)
    quiet_until = serializers.TimeField(required=False, allow_null=True)
    timezone = serializers.CharField(max_length=60, required=False, help_text="such as Europe/Madrid")
    digest_minutes = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_DIGEST,
        required=False,
        help_text="0: at once; else how long signals are collected, from the first one on",
    )
    active = serializers.BooleanField(required=False)
    renew_secret = serializers.BooleanField(required=False, help_text="give a webhook a new key to sign with")

    def validate_cohort(self, cohort: int | None) -> int | None:
        known = cohorts_of(self.context["academy"])
        if cohort is not None and not (0 < cohort < 2**63 and known.filter(pk=cohort).exists()):
            raise serializers.ValidationError(_("The academy has no such cohort"))
        return cohort

    def validate_kinds(self, kinds: list[str]) -> list[str]:
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            error = _("Unknown kind of signal `%(kind)s`; known are %(known)s")
            raise serializers.ValidationError(error % {"kind": unknown[0], "known": ", ".join(KINDS)})
        return list(dict.fromkeys(kinds))

    def validate_timezone(self, name: str) -> str:
        if zone_of(name) is None:
            raise serializers.ValidationError(_("Unknown; write it as Europe/Madrid or UTC"))
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        rule = self.instance
        begin, end = (attrs.get(name, getattr(rule, name, None)) for name in ("quiet_from", "quiet_until"))
        if (begin is None) != (end is None):
            missing = "quiet_until" if end is None else "quiet_from"
            raise serializers.ValidationError(
                {
                    missing: _("Enter when the quiet hours end too")
                    if end is None
                    else _("Enter when the quiet hours begin too")
                }
            )
        if begin is not None and begin == end:
            raise serializers.ValidationError({"quiet_until": _("Quiet hours can't end when they begin")})
        return attrs


class NotifiedSignalSerializer(serializers.ModelSerializer[Signal]):
    """The signal of a notification, in short."""

    learner = LearnerSerializer(source="user")

    class Meta:
        model = Signal
        fields = ("id", "kind", "severity", "state", "learner", "assignment", "opened_at")


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """What became of a signal's notification."""

    signal = NotifiedSignalSerializer(allow_null=True)
    concern = serializers.IntegerField(
        source="concern_id", allow_null=True, help_text="of the class: the concern's id; then there is no signal"
    )
    rule = serializers.IntegerField(source="rule_id", allow_null=True, help_text="null: it was deleted since")
    error = serializers.SerializerMethodField(help_text="what failed, last or for good, or why it was dropped")

    class Meta:
        model = Notification
        fields = (
            "id",
            "delivery",
            "rule",
            "signal",
            "concern",
            "state",
            "reason",
            "error",
            "attempts",
            "due_at",
            "sent_at",
            "created_at",
        )

    @extend_schema_field(str)
    def get_error(self, row: Notification) -> str:
        return failures.sentence(row.reason, row.detail)


class TrialSerializer(serializers.Serializer[Any]):
    """What became of a test message."""

    sent = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
