"""Serializers of the notebooks' endpoints."""

import json
import uuid
from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from learntrace.accounts.models import User
from learntrace.accounts.serializers import AcademySerializer, LearnerSerializer
from learntrace.notebooks.event_texts import EventTexts, RejectedText
from learntrace.notebooks.models import Event, Notebook, NotebookAssignment, RejectedEvent
from learntrace.notebooks.publishing.publication import MAX_ASSIGNMENTS
from learntrace.notebooks.validation.event import MAX_NAME, MAX_PATH
from learntrace.notebooks.validation.rejections import sentence_for

# Of a row that was deleted while its page was made.
_GONE = RejectedText("", 0, whole=True)


class EventSerializer(serializers.ModelSerializer[Event]):
    """An event as it stands in the table; a page's context holds what its events have as `texts`."""

    learner = LearnerSerializer(source="user", allow_null=True)
    academy = serializers.IntegerField(source="academy_id", allow_null=True)
    object = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    # DRF keeps it apart from its own.
    context = serializers.SerializerMethodField()  # type: ignore[assignment]
    shortened = serializers.BooleanField(
        required=False, help_text="only where a large page's event is shortened, and true then"
    )
    bytes = serializers.IntegerField(
        required=False, help_text="only where the event is shortened: the bytes of all of it"
    )
    flags = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Event
        fields = (
            "id",
            "actor",
            "learner",
            "academy",
            "verb",
            "object",
            "result",
            "context",
            "shortened",
            "bytes",
            "session_id",
            "object_id",
            "code_hash",
            "flags",
            "occurred_at",
            "clock_offset_ms",
            "created_at",
        )

    def _part(self, event: Event, name: str) -> Any:
        texts = self._texts()
        return getattr(event, name) if texts is None else getattr(texts.get(event.pk), name, {})

    def _texts(self) -> dict[uuid.UUID, EventTexts] | None:
        texts: dict[uuid.UUID, EventTexts] | None = self._context.get("texts")
        return texts

    @extend_schema_field(serializers.DictField())
    def get_object(self, event: Event) -> Any:
        return self._part(event, "object")

    @extend_schema_field(serializers.DictField())
    def get_result(self, event: Event) -> Any:
        return self._part(event, "result")

    @extend_schema_field(serializers.DictField())
    def get_context(self, event: Event) -> Any:
        return self._part(event, "context")

    def to_representation(self, instance: Event) -> dict[str, Any]:
        """Return the event; what tells that it is shortened is left out where it is whole."""
        row: dict[str, Any] = super().to_representation(instance)
        texts = (self._texts() or {}).get(instance.pk)
        return row if texts is None or texts.whole else row | {"shortened": True, "bytes": texts.size}


class RejectedEventSerializer(serializers.ModelSerializer[RejectedEvent]):
    """A rejected event: why, of whom, how often, and what was sent, which a page's context holds as `texts`."""

    event_id = serializers.CharField()
    detail = serializers.SerializerMethodField()
    learner = LearnerSerializer(source="user", allow_null=True)
    event = serializers.SerializerMethodField(help_text="as it was sent; its text, where it is cut or can't be stored")
    bytes = serializers.IntegerField(
        required=False, help_text="only where a large page's event is shortened: the bytes that are kept"
    )
    times = serializers.IntegerField()

    class Meta:
        model = RejectedEvent
        fields = (
            "id", "event_id", "code", "detail", "learner", "event", "cut", "bytes", "times", "created_at", "updated_at",
        )  # fmt: skip

    def get_detail(self, row: RejectedEvent) -> str:
        return sentence_for(row.code, row.reason_values, row.detail)

    @extend_schema_field(OpenApiTypes.ANY)
    def get_event(self, row: RejectedEvent) -> Any:
        raw = self._text(row)
        if row.cut or not raw.whole:
            return raw.text
        try:
            event = json.loads(raw.text)
            json.dumps(event, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return raw.text
        return event

    def _text(self, row: RejectedEvent) -> RejectedText:
        texts: dict[int, RejectedText] = self.context["texts"]
        return texts.get(row.pk, _GONE)

    def to_representation(self, instance: RejectedEvent) -> dict[str, Any]:
        """Return the row; what a large page had to shorten is told as cut, with its bytes."""
        row: dict[str, Any] = super().to_representation(instance)
        raw = self._text(instance)
        return row if raw.whole else row | {"cut": True, "bytes": raw.size}


class RetrySerializer(serializers.Serializer[Any]):
    """An event to take in the place of the one that was sent."""

    event = serializers.DictField(required=False)


class AssignmentSerializer(serializers.ModelSerializer[NotebookAssignment]):
    """An assignment of a published notebook; `last_seen_at` is when a learner was last seen on it, or null."""

    check = serializers.BooleanField(source="check_cell", help_text="whether a check cell checks it")
    last_seen_at = serializers.SerializerMethodField()

    class Meta:
        model = NotebookAssignment
        fields = ("tag", "cell_id", "title", "check", "last_seen_at")

    def get_last_seen_at(self, assignment: NotebookAssignment) -> datetime | None:
        last_seen: dict[str, datetime] = self.context["last_seen"]
        return last_seen.get(assignment.tag)


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
    check = serializers.BooleanField(required=False, default=False, help_text="whether a check cell checks it")


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
