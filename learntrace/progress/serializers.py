"""What the endpoints of progress answer."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.serializers import LearnerSerializer
from learntrace.metrics.attempts import ABORTED
from learntrace.progress.explaining import explained
from learntrace.progress.models import Activity
from learntrace.progress.standings import STATES


class ExplainedSerializer(serializers.Serializer[Any]):
    """A row; with `?explain=1` each of its numbers says how it came about."""

    explain = serializers.DictField(
        required=False, help_text="with `?explain=1`: of each number its definition, unit, source, inputs and events"
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(instance)
        if instance.explain is None:
            told.pop("explain", None)
        else:
            told["explain"] = instance.explain
        return told


class AssetNameSerializer(serializers.Serializer[Any]):
    """The asset that an assignment belongs to."""

    id = serializers.IntegerField()
    slug = serializers.CharField()


class TopErrorSerializer(serializers.Serializer[Any]):
    """An error of an assignment: how often it was met, and by how many learners."""

    name = serializers.CharField()
    message = serializers.CharField()
    count = serializers.IntegerField()
    learners = serializers.IntegerField()


class AssignmentProgressSerializer(ExplainedSerializer):
    """How a class does on an assignment."""

    assignment = serializers.CharField(help_text="a tag with its prefix, or asset/step")
    title = serializers.CharField()
    asset = AssetNameSerializer(allow_null=True)
    learners = serializers.IntegerField(help_text="the class")
    learners_seen = serializers.IntegerField()
    learners_done = serializers.IntegerField()
    completion_rate = serializers.FloatField(help_text="0 to 100, of the class")
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    median_active_time = serializers.FloatField(allow_null=True, help_text="seconds, of those who were seen")
    last_seen_at = serializers.DateTimeField(allow_null=True)
    top_errors = TopErrorSerializer(many=True)


class _MeasuresSerializer(ExplainedSerializer):
    """A learner's measures on an assignment."""

    state = serializers.ChoiceField(choices=STATES)
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    active_time = serializers.FloatField(help_text="seconds")
    error_quotient = serializers.FloatField(allow_null=True, help_text="0 to 1; null with fewer than two attempts")
    repeated_error_density = serializers.FloatField()
    last_outcome = serializers.CharField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    signals = serializers.ListField(child=serializers.CharField(), help_text="the kinds that are open")


class StandingSerializer(_MeasuresSerializer):
    """How a learner stands on an assignment."""

    learner = LearnerSerializer()


class LearnerAssignmentSerializer(_MeasuresSerializer):
    """How a learner stands on one of several assignments."""

    assignment = serializers.CharField()
    title = serializers.CharField()
    asset = AssetNameSerializer(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        row = _Named(instance.standing, instance.title, instance.asset)
        return super().to_representation(row)


class _Named:
    """A standing with the name of its assignment."""

    def __init__(self, standing: Any, title: str, asset: Mapping[str, Any] | None) -> None:
        self.standing, self.title, self.asset = standing, title, asset

    def __getattr__(self, name: str) -> Any:
        return getattr(self.standing, name)


class LearnerProgressSerializer(ExplainedSerializer):
    """How a learner does over all assignments, or an asset's."""

    learner = LearnerSerializer()
    assignments = serializers.IntegerField(help_text="those published")
    done = serializers.IntegerField()
    completion_rate = serializers.FloatField(help_text="0 to 100, of those published")
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    active_time = serializers.FloatField(help_text="seconds")
    error_quotient = serializers.FloatField(allow_null=True, help_text="the mean over assignments that have one")
    repeated_error_density = serializers.FloatField(help_text="the sum over assignments")
    open_signals = serializers.IntegerField()
    last_seen_at = serializers.DateTimeField(allow_null=True)


class LearnerWithAssignmentsSerializer(LearnerProgressSerializer):
    """The same with each assignment."""

    by_assignment = LearnerAssignmentSerializer(many=True)


class FailureSerializer(serializers.Serializer[Any]):
    """An error of an attempt."""

    name = serializers.CharField()
    message = serializers.CharField()


class AttemptSerializer(serializers.ModelSerializer[Activity]):
    """An attempt: when by the learner's clock, how it ended, and with which errors."""

    failures = serializers.SerializerMethodField()

    class Meta:
        model = Activity
        fields = ("id", "at", "outcome", "failures", "session_id", "object_id", "code_hash")

    @extend_schema_field(FailureSerializer(many=True))
    def get_failures(self, row: Activity) -> list[dict[str, str]]:
        return failures_of(row)

    def to_representation(self, instance: Activity) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(instance)
        if self.context.get("explain"):
            counts = instance.outcome != ABORTED
            told["explain"] = {"counts": explained("counts", {"counts": counts}, events=[str(instance.pk)])}
        return told


def failures_of(row: Activity) -> list[dict[str, str]]:
    """An attempt's errors by what they are called."""
    return [{"name": name, "message": message} for name, message in row.failures]


class _GroupSerializer(ExplainedSerializer):
    """How a class does on several assignments."""

    assignments = serializers.IntegerField(help_text="those published")
    learners = serializers.IntegerField(help_text="the class")
    learners_seen = serializers.IntegerField()
    learners_done = serializers.IntegerField(help_text="who have done all")
    done = serializers.IntegerField(help_text="assignments, each as often as somebody has done it")
    completion_rate = serializers.FloatField(help_text="0 to 100: done of assignments times learners")
    attempts = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    median_active_time = serializers.FloatField(allow_null=True, help_text="seconds, of those who were seen")
    last_seen_at = serializers.DateTimeField(allow_null=True)


class TitledAssetSerializer(AssetNameSerializer):
    """An asset with its title."""

    title = serializers.CharField()


class AssetProgressSerializer(_GroupSerializer):
    """How a class does on an asset."""

    asset = TitledAssetSerializer()


class CohortNameSerializer(AssetNameSerializer):
    """A cohort."""

    name = serializers.CharField()


class CohortProgressSerializer(_GroupSerializer):
    """How a cohort does."""

    cohort = CohortNameSerializer()
