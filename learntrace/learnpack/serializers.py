"""What LearnPack's staff endpoints answer."""

from typing import Any

from rest_framework import serializers

from learntrace.accounts.serializers import PersonSerializer
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.outcomes import told


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A row of the webhook log."""

    asset_id = serializers.IntegerField(allow_null=True)
    payload = serializers.JSONField()
    status_text = serializers.SerializerMethodField()
    student = PersonSerializer(allow_null=True)

    class Meta:
        model = Webhook
        fields = (
            "id", "is_streaming", "event", "asset_id", "learnpack_package_id", "payload", "status", "status_text",
            "student", "created_at", "updated_at",
        )  # fmt: skip

    def get_status_text(self, row: Webhook) -> str | None:
        return told(row)


class IgnoreRuleSerializer(serializers.Serializer[Any]):
    """A rule matches where all of its fields do; a field where one of its elements does."""

    user_ids = serializers.ListField(required=False)
    learnpack_package_ids = serializers.ListField(required=False)
    package_slugs = serializers.ListField(required=False)
    asset_ids = serializers.ListField(required=False)
    events = serializers.ListField(required=False)


class IgnoreRulesSerializer(IgnoreRuleSerializer):
    """All rules of an academy; the lists at the top are the older form, of which one is enough."""

    rules = IgnoreRuleSerializer(many=True, required=False)
