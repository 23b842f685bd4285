"""The audit log for an academy's admins."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.queries import FILTERS, entries_of, told
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.pagination import Pages


class AuditPersonSerializer(serializers.Serializer[Any]):
    """Somebody by id and name; a command's actor has no id, and a deleted user no name."""

    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()


class AuditChangeSerializer(serializers.Serializer[Any]):
    """A field that changed."""

    field = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class AuditEntrySerializer(serializers.Serializer[Any]):
    """Who did what, when, from where; what an erasure has taken away is empty."""

    id = serializers.IntegerField(source="entry.id")
    at = serializers.DateTimeField(source="entry.at")
    action = serializers.CharField(source="entry.action")
    title = serializers.CharField()
    door = serializers.ChoiceField(source="entry.door", choices=AuditEntry.Door.choices)
    address = serializers.CharField()
    actor = AuditPersonSerializer()
    subject = AuditPersonSerializer(allow_null=True)
    object_type = serializers.CharField(source="entry.object_type")
    object_id = serializers.IntegerField(source="entry.object_id", allow_null=True)
    changes = AuditChangeSerializer(many=True)
    digest = serializers.CharField(source="entry.digest")
    intact = serializers.BooleanField(
        allow_null=True, help_text="whether the digest fits; null where values were erased"
    )


class AuditLogView(AcademyView):
    """Who did what at the academy."""

    capabilities: ClassVar = {"GET": "read_audit_log"}
    pagination_class = Pages

    @extend_schema(
        operation_id="audit_log",
        parameters=[*ACADEMY, *filters(**FILTERS)],
        responses=responses(AuditEntrySerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List the academy's audit entries, the newest first."""
        rows = entries_of(self.academy, request)
        return Pages.answer(rows, request, lambda page: AuditEntrySerializer(told(page), many=True).data)
