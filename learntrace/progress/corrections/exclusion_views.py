"""Endpoints for excluding attempts and taking that back."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import LEARNERS, flag, learners, strict_flag
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.accounts.serializers import LearnerSerializer, PersonSerializer
from learntrace.core.http.filters import words
from learntrace.core.http.pagination import Pages
from learntrace.core.http.request_body import json_object
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusion_requests import FIELDS, meant_by
from learntrace.progress.models import Exclusion

_DRY_RUN = OpenApiParameter("dry_run", bool, description="whether to tell what would change, and change nothing")
_EXCLUSION_ID = OpenApiParameter("exclusion_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_TOGETHER = OpenApiParameter("together", bool, description="whether to lift all that were made by the same request")


class ExclusionSerializer(serializers.ModelSerializer[Exclusion]):
    """What staff has excluded, why, and whether that was taken back."""

    learner = LearnerSerializer(source="user")
    attempt = serializers.UUIDField(source="activity_id", allow_null=True)
    session = serializers.CharField(source="session_id", allow_null=True)
    excluded_by = PersonSerializer(allow_null=True)
    lifted_by = PersonSerializer(allow_null=True)

    class Meta:
        model = Exclusion
        fields = (
            "id", "learner", "attempt", "session", "assignment", "since", "until", "reason", "excluded_by", "excluded_at",
            "lifted_by", "lifted_at", "made_together",
        )  # fmt: skip


class ExclusionRequestSerializer(serializers.Serializer[Any]):
    """What to exclude: all conditions that are given must hold."""

    learner = serializers.ListField(child=serializers.CharField(), required=False, help_text=FIELDS["learner"])
    cohort = serializers.CharField(required=False, help_text=FIELDS["cohort"])
    everyone = serializers.BooleanField(required=False, help_text=FIELDS["everyone"])
    attempt = serializers.UUIDField(required=False, help_text=FIELDS["attempt"])
    session = serializers.CharField(required=False, help_text=FIELDS["session"])
    assignment = serializers.CharField(required=False, help_text=FIELDS["assignment"])
    since = serializers.DateTimeField(required=False, help_text=FIELDS["since"])
    until = serializers.DateTimeField(required=False, help_text=FIELDS["until"])
    reason = serializers.CharField(max_length=exclusions.MAX_REASON, help_text="not with `dry_run`")
    confirm = serializers.IntegerField(
        required=False,
        help_text="the number of attempts, where those of a class or of more than five learners are meant",
    )


class ExclusionCountSerializer(serializers.Serializer[Any]):
    """How many attempts, and of how many learners."""

    attempts = serializers.IntegerField()
    learners = serializers.IntegerField()
    confirm = serializers.BooleanField(help_text="whether `confirm` has to give the number of attempts")


class LiftedSerializer(serializers.Serializer[Any]):
    """How many exclusions were lifted, or would be."""

    lifted = serializers.IntegerField()


class ExclusionsView(AcademyView):
    """The academy's exclusions."""

    capabilities: ClassVar = {"GET": "read_assignment", "POST": "crud_telemetry"}
    pagination_class = Pages

    @extend_schema(
        operation_id="progress_exclusions",
        parameters=[
            *ACADEMY,
            *filters(learner=LEARNERS),
            OpenApiParameter("standing", bool, description="whether to leave out those that were lifted"),
        ],
        responses=responses(ExclusionSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List what is excluded, the newest first, with what was lifted."""
        rows = exclusions.exclusions_of(self.academy)
        if words(request, "learner"):
            rows = rows.filter(user__in=learners(request, self.academy))
        if flag(request, "standing"):
            rows = rows.filter(lifted_at__isnull=True)
        return Pages.answer(rows, request, lambda page: ExclusionSerializer(page, many=True).data)

    @extend_schema(
        operation_id="progress_exclude",
        parameters=[*ACADEMY, _DRY_RUN],
        request=ExclusionRequestSerializer,
        responses={
            200: ExclusionCountSerializer,
            **responses(ExclusionSerializer(many=True), 400, 401, 403, 404, code=201),
        },
    )
    def post(self, request: Request) -> Response:
        """Exclude one attempt, a session, or a span of learners; it counts for nothing from now on, and can be lifted."""
        body = json_object(request)
        meant = meant_by(self.academy, body)
        if strict_flag(request, "dry_run"):
            counted = exclusions.count(self.academy, meant)
            return Response({"attempts": counted.attempts, "learners": counted.learners, "confirm": counted.asks})
        reason, confirm = body.get("reason"), body.get("confirm")
        if isinstance(confirm, bool) or not isinstance(confirm, int | None):
            raise exclusions.InvalidExclusion(_("`confirm` must be the number of attempts"))
        made = exclusions.exclude(self.academy, meant, reason if isinstance(reason, str) else "", self.user, confirm)
        rows = exclusions.made_together_with(self.academy, made[0])
        return Response(ExclusionSerializer(rows, many=True).data, status.HTTP_201_CREATED)


class ExclusionView(AcademyView):
    """One of the academy's exclusions."""

    capabilities: ClassVar = {"DELETE": "crud_telemetry"}

    @extend_schema(
        operation_id="progress_lift_exclusion",
        parameters=[*ACADEMY, _EXCLUSION_ID, _TOGETHER, _DRY_RUN],
        responses=responses(LiftedSerializer, 400, 401, 403, 404),
    )
    def delete(self, request: Request, exclusion_id: int) -> Response:
        """Lift an exclusion: what it covered counts again, as if it had never been excluded."""
        exclusion = exclusions.exclusion_in(self.academy, exclusion_id)
        together = strict_flag(request, "together")
        rows = exclusions.made_together_with(self.academy, exclusion) if together else [exclusion]
        if strict_flag(request, "dry_run"):
            return Response({"lifted": sum(row.lifted_at is None for row in rows)})
        return Response({"lifted": exclusions.lift(self.academy, rows, self.user)})
