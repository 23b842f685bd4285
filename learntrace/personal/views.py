"""API views of one's own data: export and erasure."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import strict_flag
from learntrace.accounts.openapi import refusals, responses
from learntrace.accounts.scope import View
from learntrace.personal.download import export_answer
from learntrace.personal.erasing import check_allowed, erase, plan_of


class ErasureSerializer(serializers.Serializer[Any]):
    """What was erased, and what stays; rows by kind."""

    dry_run = serializers.BooleanField(help_text="nothing was erased, the counts tell what would be")
    erased_at = serializers.DateTimeField(allow_null=True)
    erased = serializers.DictField(child=serializers.IntegerField())
    stays = serializers.DictField(child=serializers.IntegerField())


class _AnyAccept(BaseContentNegotiation):
    """Errors are JSON and the response is a ZIP file, whatever the client accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ExportView(View):
    """What is held about oneself, in all academies."""

    content_negotiation_class = _AnyAccept

    @extend_schema(
        operation_id="my_export",
        responses={(200, "application/zip"): OpenApiTypes.BINARY, **refusals(401, 403)},
    )
    def get(self, request: Request) -> Any:
        """Load all that is held about oneself, as a ZIP file with one file for each kind and a README."""
        return export_answer(request._request, self.user)


class DataView(View):
    """What was collected about oneself."""

    @extend_schema(
        operation_id="my_data_erase",
        parameters=[OpenApiParameter("dry_run", OpenApiTypes.BOOL, description="only count what would be erased")],
        responses=responses(ErasureSerializer, 400, 401, 403),
    )
    def delete(self, request: Request) -> Response:
        """Erase all that was collected about oneself, for good, where one's academies allow it. Account and tasks stay."""
        check_allowed(self.user)
        plan = plan_of(self.user)
        answer: dict[str, Any] = {
            "dry_run": True,
            "erased_at": None,
            "erased": {dataset.name: count for dataset, count in plan.goes.items()},
            "stays": {dataset.name: count for dataset, count in plan.stays.items()},
        }
        if not strict_flag(request, "dry_run"):
            erasure = erase(self.user)
            answer |= {"dry_run": False, "erased_at": erasure.erased_at, "erased": erasure.counts}
        return Response(ErasureSerializer(answer).data)
