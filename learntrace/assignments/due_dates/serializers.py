"""What the endpoints of due dates take and answer."""

from typing import Any

from rest_framework import serializers

from learntrace.accounts.serializers import LearnerSerializer
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.assignments.serializers import CohortSerializer
from learntrace.registry.models import Asset


class DueAssetSerializer(serializers.ModelSerializer[Asset]):
    """The asset that is due."""

    class Meta:
        model = Asset
        fields = ("id", "slug", "title")


class ExtensionSerializer(serializers.ModelSerializer[Extension]):
    """A later due date of one learner."""

    learner = LearnerSerializer(source="user", read_only=True)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")

    class Meta:
        model = Extension
        fields = ("learner", "due_at", "reason")


class DueDateSerializer(serializers.ModelSerializer[DueDate]):
    """A due date with its extensions."""

    cohort = CohortSerializer()
    asset = DueAssetSerializer()
    extensions = ExtensionSerializer(many=True)

    class Meta:
        model = DueDate
        fields = ("id", "cohort", "asset", "due_at", "extensions")


class NewDueDateSerializer(serializers.Serializer[Any]):
    """Until when a cohort is to have done an asset."""

    cohort = serializers.CharField(max_length=150, help_text="id or slug")
    asset = serializers.CharField(max_length=200, help_text="id, slug or alias")
    due_at = serializers.DateTimeField()
