"""Endpoints for former steps of packages and their renames."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import strict_flag
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.accounts.serializers import PersonSerializer
from learntrace.core.http.pagination import Pages
from learntrace.core.http.request_body import json_object
from learntrace.progress.corrections import step_renames
from learntrace.progress.models import FormerStep, StepRename
from learntrace.progress.reports.selection import FILTERS, selection_of

_DRY_RUN = OpenApiParameter("dry_run", bool, description="whether to check only, and change nothing")
_RENAME_ID = OpenApiParameter("rename_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class StepRenameSerializer(serializers.ModelSerializer[StepRename]):
    """A former step that is read as another one, and who said so."""

    old = serializers.CharField(source="old_key")
    new = serializers.CharField(source="new_key")
    made_by = PersonSerializer(allow_null=True)
    undone_by = PersonSerializer(allow_null=True)

    class Meta:
        model = StepRename
        fields = ("id", "old", "new", "made_by", "made_at", "undone_by", "undone_at")


class FormerStepSerializer(serializers.Serializer[Any]):
    """A step that a package no longer has, and the step that may have replaced it."""

    assignment = serializers.CharField(source="key")
    title = serializers.CharField()
    left_at = serializers.DateTimeField()
    learners = serializers.IntegerField()
    attempts = serializers.IntegerField()
    proposed = serializers.CharField(
        allow_null=True, help_text="the step with the same title or position, published later"
    )
    rename = StepRenameSerializer(allow_null=True)


class RenameRequestSerializer(serializers.Serializer[Any]):
    """The former step and the one that replaced it, as `asset/step`."""

    old = serializers.CharField()
    new = serializers.CharField()


class FormerStepsView(AcademyView):
    """The former steps of the academy's packages."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    pagination_class = Pages

    @extend_schema(
        operation_id="progress_former_steps",
        parameters=[*ACADEMY, *filters(asset=FILTERS["asset"])],
        responses=responses(FormerStepSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List the steps that packages no longer have and on which somebody has worked."""
        assets = selection_of(self.academy, request).assets
        if assets is None:
            assets = frozenset(FormerStep.objects.filter(academy=self.academy).values_list("asset_id", flat=True))
        rows = step_renames.former_steps(self.academy, assets)
        return Pages.answer_items(rows, request, lambda page: FormerStepSerializer(page, many=True).data)


class StepRenamesView(AcademyView):
    """The academy's renames of steps."""

    capabilities: ClassVar = {"POST": "crud_telemetry"}

    @extend_schema(
        operation_id="progress_rename_step",
        parameters=[*ACADEMY, _DRY_RUN],
        request=RenameRequestSerializer,
        responses={204: None, **responses(StepRenameSerializer, 400, 401, 403, code=201)},
    )
    def post(self, request: Request) -> Response:
        """Join the history of a former step with that of the step that replaced it."""
        body = json_object(request)
        old, new = body.get("old"), body.get("new")
        if not isinstance(old, str) or not isinstance(new, str):
            raise step_renames.RenameRefused(_("`old` and `new` must name steps, as asset/step"))
        if strict_flag(request, "dry_run"):
            step_renames.check(self.academy, old, new)
            return Response(status=status.HTTP_204_NO_CONTENT)
        row = step_renames.rename(self.academy, old, new, self.user)
        return Response(StepRenameSerializer(row).data, status.HTTP_201_CREATED)


class StepRenameView(AcademyView):
    """One of the academy's renames of steps."""

    capabilities: ClassVar = {"DELETE": "crud_telemetry"}

    @extend_schema(
        operation_id="progress_undo_rename",
        parameters=[*ACADEMY, _RENAME_ID],
        responses=responses(StepRenameSerializer, 401, 403, 404),
    )
    def delete(self, request: Request, rename_id: int) -> Response:
        """Separate the histories again, each activity under the name that it was told with."""
        return Response(StepRenameSerializer(step_renames.undo(self.academy, rename_id, self.user)).data)
