"""Why is telemetry missing: the walk as an endpoint."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.diagnosis.fact_queries.gather import gather
from learntrace.diagnosis.question import read_question
from learntrace.diagnosis.serializers import DiagnosisSerializer, as_json
from learntrace.diagnosis.walk import walk

_PARAMETERS = filters(
    task="a task's id; instead of user and asset",
    user="a learner's id, user name or e-mail address",
    asset="an asset's id, slug or alias, a published notebook's path, or an assignment's key",
)


class TelemetryDiagnosisView(AcademyView):
    """What has become of a learner's telemetry on an asset."""

    capabilities: ClassVar = {"GET": "read_assignment"}

    @extend_schema(
        operation_id="diagnosis",
        parameters=[*ACADEMY, *_PARAMETERS],
        responses=responses(DiagnosisSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request) -> Response:
        """Say why a learner's telemetry on an asset is missing, and what to do next."""
        question = read_question({name: request.query_params.get(name) for name in ("task", "user", "asset")})
        return Response(as_json(walk(gather(self.academy, question))))
