"""What assignments take and answer."""

import math
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.models import Cohort
from learntrace.accounts.serializers import PersonSerializer
from learntrace.assignments.models import AssignmentTelemetry, Task


class CohortSerializer(serializers.ModelSerializer[Cohort]):
    """A task's cohort."""

    class Meta:
        model = Cohort
        fields = ("id", "name", "slug")


class ListedTaskSerializer(serializers.ModelSerializer[Task]):
    """One of one's own tasks, in a list."""

    cohort = CohortSerializer(allow_null=True)

    class Meta:
        model = Task
        fields: tuple[str, ...] = (
            "id", "title", "task_status", "associated_slug", "description", "revision_status", "github_url", "live_url",
            "task_type", "opened_at", "read_at", "reviewed_at", "delivered_at", "cohort", "created_at", "updated_at",
        )  # fmt: skip


class TaskSerializer(ListedTaskSerializer):
    """A task with its telemetry, which the context holds as `telemetry`."""

    user = PersonSerializer()
    assignment_telemetry = serializers.SerializerMethodField()

    class Meta(ListedTaskSerializer.Meta):
        fields = (
            "id", "title", "task_status", "associated_slug", "description", "revision_status", "github_url", "live_url",
            "task_type", "user", "opened_at", "read_at", "reviewed_at", "delivered_at", "cohort",
            "assignment_telemetry", "created_at", "updated_at",
        )  # fmt: skip

    @extend_schema_field({"type": "object", "nullable": True, "additionalProperties": True})
    def get_assignment_telemetry(self, task: Task) -> Any:
        return self.context["telemetry"].get(task.pk)


class FiniteField(serializers.FloatField):
    """A finite number: NaN and infinities are refused, and returned as null where SQL has stored them."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number

    def to_representation(self, value: Any) -> Any:
        return value if math.isfinite(value) else None


class TelemetrySerializer(serializers.ModelSerializer[AssignmentTelemetry]):
    """A learner's telemetry on an asset; who writes it sends only what is to change."""

    telemetry = serializers.DictField(allow_null=True, required=False)
    engagement_score = FiniteField(min_value=0, max_value=100, allow_null=True, required=False)
    frustration_score = FiniteField(min_value=0, max_value=100, allow_null=True, required=False)
    metrics_algo_version = FiniteField(allow_null=True, required=False)
    metrics = serializers.DictField(allow_null=True, required=False)
    total_time = serializers.DurationField(
        min_value=timedelta(0), allow_null=True, required=False, help_text="`[DD] [HH:[MM:]]ss[.uuuuuu]` or ISO 8601"
    )
    completion_rate = FiniteField(min_value=0, max_value=100, allow_null=True, required=False)

    class Meta:
        model = AssignmentTelemetry
        fields = (
            "id", "telemetry", "engagement_score", "frustration_score", "metrics_algo_version", "metrics", "total_time",
            "completion_rate", "user", "asset_slug", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("user", "asset_slug")
