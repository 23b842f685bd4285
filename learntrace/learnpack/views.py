"""The webhook log (contract, section 5) and the ignore rules (section 6), for an academy's staff."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.schema import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.json import body_of, decode
from learntrace.core.pages import EnvelopedPages, sorted_by
from learntrace.learnpack import academy_rules, log
from learntrace.learnpack.serializers import IgnoreRulesSerializer, WebhookSerializer

_FILTERS = filters(**log.FILTERS)
_WEBHOOK_ID = OpenApiParameter("webhook_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class WebhooksView(AcademyView):
    """The rows whose students are members of the academy."""

    capabilities: ClassVar = {"GET": "read_assignment", "DELETE": "crud_telemetry"}
    pagination_class = EnvelopedPages

    @extend_schema(
        operation_id="webhooks",
        parameters=[*ACADEMY, *_FILTERS],
        responses=responses(WebhookSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List what LearnPack's clients sent and what became of it, newest first."""
        rows = log.with_students(log.webhooks_of(self.academy, request))
        return EnvelopedPages.answer(
            sorted_by(rows, request, log.SORTABLE),
            request,
            lambda found: WebhookSerializer(found, many=True).data,
        )

    @extend_schema(
        operation_id="webhooks_delete",
        parameters=[*ACADEMY, *_FILTERS],
        responses=responses(None, 400, 401, 403, code=204),
    )
    def delete(self, request: Request) -> Response:
        """Delete the failed rows that the filters leave; `status=ERROR` must be among these."""
        log.delete_failed(log.webhooks_of(self.academy, request), request)
        return Response(status=204)


class WebhookView(AcademyView):
    """One row of the log."""

    capabilities: ClassVar = {"DELETE": "crud_telemetry"}

    @extend_schema(
        operation_id="webhook_delete",
        parameters=[*ACADEMY, _WEBHOOK_ID, *_FILTERS],
        responses=responses(None, 400, 401, 403, 404, code=204),
    )
    def delete(self, request: Request, webhook_id: int) -> Response:
        """Delete a failed row."""
        log.delete_one(log.webhooks_of(self.academy, request), webhook_id)
        return Response(status=204)


class IgnoreRulesView(AcademyView):
    """Which webhooks the academy wants kept but not processed."""

    capabilities: ClassVar = {"GET": "read_assignment", "PUT": "crud_telemetry"}

    @extend_schema(
        operation_id="ignore_rules_read",
        parameters=ACADEMY,
        responses=responses(IgnoreRulesSerializer, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """Read the rules."""
        return Response(academy_rules.rules_of(self.academy))

    @extend_schema(
        operation_id="ignore_rules_replace",
        parameters=ACADEMY,
        request=IgnoreRulesSerializer,
        responses=responses(IgnoreRulesSerializer, 400, 401, 403),
    )
    def put(self, request: Request) -> Response:
        """Replace all rules."""
        # Not request.data, where an empty body is an empty object: that would clear all rules by accident.
        body = body_of(request._request)
        rules = decode(body) if body.strip() else None
        return Response(academy_rules.replace_rules(self.academy, rules))
