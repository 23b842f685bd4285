"""What LearnPack's staff endpoints answer."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.serializers import PersonSerializer
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import status_text
from learntrace.learnpack.webhook_log.payloads import PayloadText


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A row of the webhook log; the context holds the payloads of the page's rows as `payloads`."""

    asset_id = serializers.IntegerField(allow_null=True)
    payload = serializers.SerializerMethodField()
    payload_shortened = serializers.BooleanField(
        required=False, help_text="only where the payload is shortened, and true then"
    )
    payload_bytes = serializers.IntegerField(
        required=False, help_text="only where the payload is shortened: the bytes of all of it"
    )
    replaced = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="only where texts held characters that can't be stored: the places at which U+FFFD replaced them",
    )
    status_text = serializers.SerializerMethodField()
    student = PersonSerializer(allow_null=True)

    class Meta:
        model = Webhook
        fields = (
            "id", "is_streaming", "event", "asset_id", "learnpack_package_id", "payload", "payload_shortened",
            "payload_bytes", "replaced", "status", "status_text", "student", "created_at", "updated_at",
        )  # fmt: skip

    def _payload_of(self, row: Webhook) -> PayloadText | None:
        payloads: dict[int, PayloadText] = self.context["payloads"]
        return payloads.get(row.pk)

    @extend_schema_field(OpenApiTypes.ANY)
    def get_payload(self, row: Webhook) -> Any:
        payload = self._payload_of(row)
        return payload.text if payload else None

    def to_representation(self, instance: Webhook) -> dict[str, Any]:
        """Return the row; what tells of a shortened or repaired payload is left out where it is neither."""
        row: dict[str, Any] = super().to_representation(instance)
        if not instance.replaced:
            del row["replaced"]
        payload = self._payload_of(instance)
        if payload is None or payload.whole:
            return row
        return row | {"payload_shortened": True, "payload_bytes": payload.size}

    def get_status_text(self, row: Webhook) -> str | None:
        return status_text(row)


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
