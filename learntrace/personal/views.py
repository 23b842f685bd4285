"""API views of one's own data: export and erasure."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import strict_flag
from learntrace.accounts.openapi import refusals, responses
from learntrace.accounts.scope import View
from learntrace.accounts.signing_in.passwords import confirm
from learntrace.core.http.request_body import validated
from learntrace.personal import pending
from learntrace.personal.download import export_answer
from learntrace.personal.erasing import check_allowed, erase, plan_of


class ErasureSerializer(serializers.Serializer[Any]):
    """What was erased, and what stays; rows by kind."""

    dry_run = serializers.BooleanField(help_text="nothing was erased, the counts tell what would be")
    erased_at = serializers.DateTimeField(allow_null=True)
    erases_at = serializers.DateTimeField(allow_null=True, help_text="when it will be erased, unless it is undone")
    erased = serializers.DictField(child=serializers.IntegerField())
    stays = serializers.DictField(child=serializers.IntegerField())


class PasswordSerializer(serializers.Serializer[Any]):
    """The own password, to erase at once."""

    password = serializers.CharField(max_length=4096, trim_whitespace=False, required=False)


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
        request=PasswordSerializer,
        responses={**responses(ErasureSerializer, 400, 401, 403, 429), 202: ErasureSerializer},
    )
    def delete(self, request: Request) -> Response:
        """Erase all that was collected about oneself, for good, where one's academies allow it. Account and tasks stay.

        With one's password, `{"password": ...}`, it is done at once. Without, it is done in 24 hours (202): until then
        `POST /v1/me/data/keep` and the page My learning undo it.
        """
        check_allowed(self.user)
        given = validated(PasswordSerializer, request)
        plan = plan_of(self.user)
        answer: dict[str, Any] = {
            "dry_run": True,
            "erased_at": None,
            "erases_at": pending.erases_at(self.user),
            "erased": {dataset.name: count for dataset, count in plan.goes.items()},
            "stays": {dataset.name: count for dataset, count in plan.stays.items()},
        }
        if strict_flag(request, "dry_run"):
            return Response(ErasureSerializer(answer).data)
        if "password" not in given:
            answer |= {"dry_run": False, "erases_at": pending.ask(self.user), "erased": {}}
            return Response(ErasureSerializer(answer).data, status=202)
        confirm(request._request, self.user, given["password"])
        erasure = erase(self.user)
        answer |= {"dry_run": False, "erased_at": erasure.erased_at, "erases_at": None, "erased": erasure.counts}
        return Response(ErasureSerializer(answer).data)


class KeepView(View):
    """Undoes an erasure to come."""

    @extend_schema(
        operation_id="my_data_keep",
        request=None,
        responses={204: OpenApiResponse(description="Nothing will be erased."), **refusals(401, 403)},
    )
    def post(self, request: Request) -> Response:
        """Undo an erasure that was asked for and isn't done yet."""
        pending.keep(self.user)
        return Response(status=204)
