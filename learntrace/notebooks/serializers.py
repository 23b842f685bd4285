"""What the endpoints of notebooks take and answer."""

import json
from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.models import User
from learntrace.accounts.serializers import AcademySerializer, LearnerSerializer
from learntrace.notebooks.checking import MAX_NAME, MAX_PATH
from learntrace.notebooks.models import Event, Notebook, NotebookAssignment, RejectedEvent
from learntrace.notebooks.publishing import MAX_ASSIGNMENTS
from learntrace.notebooks.rejections import told


class EventSerializer(serializers.ModelSerializer[Event]):
    """An event as it stands in the table."""

    learner = LearnerSerializer(source="user", allow_null=True)
    academy = serializers.IntegerField(source="academy_id", allow_null=True)
    object = serializers.DictField()
    result = serializers.DictField()
    context = serializers.DictField()  # type: ignore[assignment]  # DRF keeps it apart from its own
    flags = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Event
        fields = (
            "id", "actor", "learner", "academy", "verb", "object", "result", "context", "session_id", "object_id",
            "code_hash", "flags", "occurred_at", "created_at",
        )  # fmt: skip


class RejectedEventSerializer(serializers.ModelSerializer[RejectedEvent]):
    """A rejected event: why, of whom, how often, and what was sent."""

    event_id = serializers.CharField()
    detail = serializers.SerializerMethodField()
    learner = LearnerSerializer(source="user", allow_null=True)
    event = serializers.SerializerMethodField(help_text="as it was sent; its text, where it is cut or can't be stored")
    times = serializers.IntegerField()

    class Meta:
        model = RejectedEvent
        fields = ("id", "event_id", "code", "detail", "learner", "event", "cut", "times", "created_at", "updated_at")

    def get_detail(self, row: RejectedEvent) -> str:
        return told(row.code, row.reason_values, row.detail)

    @extend_schema_field(OpenApiTypes.ANY)
    def get_event(self, row: RejectedEvent) -> Any:
        if row.cut:
            return row.raw
        try:
            event = json.loads(row.raw)
            json.dumps(event, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return row.raw
        return event


class RetrySerializer(serializers.Serializer[Any]):
    """An event to take in the place of the one that was sent."""

    event = serializers.DictField(required=False)


class AssignmentSerializer(serializers.ModelSerializer[NotebookAssignment]):
    """An assignment of a published notebook; `last_seen_at` is when its latest event came, null without one."""

    last_seen_at = serializers.SerializerMethodField()

    class Meta:
        model = NotebookAssignment
        fields = ("tag", "cell_id", "title", "last_seen_at")

    def get_last_seen_at(self, assignment: NotebookAssignment) -> datetime | None:
        seen: datetime | None = self.context["last_seen"].get(assignment.tag)
        return seen


class NotebookSerializer(serializers.ModelSerializer[Notebook]):
    """A published notebook."""

    slug = serializers.CharField(source="asset.slug")
    asset = serializers.IntegerField(source="asset_id")
    title = serializers.CharField(source="asset.title")
    lang = serializers.CharField(source="asset.lang", allow_null=True)
    assignments = AssignmentSerializer(many=True)

    class Meta:
        model = Notebook
        fields = ("slug", "asset", "title", "path", "lang", "assignments", "created_at", "updated_at")


class PublishedAssignmentSerializer(serializers.Serializer[Any]):
    """A tagged cell to publish, the tag with or without its prefix."""

    tag = serializers.CharField(max_length=MAX_NAME)
    cell_id = serializers.CharField(max_length=MAX_NAME, required=False, allow_null=True, allow_blank=True)
    title = serializers.CharField(max_length=200, required=False, allow_null=True, allow_blank=True)


class PublicationSerializer(serializers.Serializer[Any]):
    """A notebook to publish, with all of its assignments. Without title or language the asset's own stay."""

    path = serializers.CharField(max_length=MAX_PATH)
    title = serializers.CharField(max_length=200, required=False, allow_null=True, allow_blank=True)
    lang = serializers.CharField(max_length=10, required=False, allow_null=True, allow_blank=True)
    assignments = serializers.ListField(child=PublishedAssignmentSerializer(), max_length=MAX_ASSIGNMENTS)


class ConsentUserSerializer(serializers.ModelSerializer[User]):
    """Oneself."""

    class Meta:
        model = User
        fields = ("id", "username")


class TermsSerializer(serializers.Serializer[Any]):
    """Whether one's events are collected, and what one's academy allows and wants."""

    user = ConsentUserSerializer()
    academy = AcademySerializer(allow_null=True)
    collecting = serializers.BooleanField()
    may_opt_out = serializers.BooleanField()
    collects_source = serializers.BooleanField()


class ConsentSerializer(serializers.Serializer[Any]):
    """Whether one's events may be collected."""

    collecting = serializers.BooleanField()
