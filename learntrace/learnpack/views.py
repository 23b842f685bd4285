"""The webhook log (contract, section 5) and the ignore rules (section 6), for an academy's staff."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.academy_settings import collects_source
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.pagination import EnvelopedPages, sorted_by
from learntrace.core.http.stored_json import StoredJSONRenderer
from learntrace.core.json import body_of, decode
from learntrace.learnpack.ignore import academy_rules
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.serializers import IgnoreRulesSerializer, WebhookSerializer
from learntrace.learnpack.webhook_log import queries
from learntrace.learnpack.webhook_log.payloads import MOST_ASKED_FOR, payload_texts

_FILTERS = filters(**queries.FILTERS)
_PAYLOAD = OpenApiParameter(
    "payload",
    enum=["full"],
    description="A payload of more than 64 KiB, and those beyond the first 8 MiB of a page, are shortened: large values are "
    "replaced by a text that says how many bytes they have, and `payload_shortened` and `payload_bytes` are beside it. "
    "`full`, with `limit=1`, answers one row with its whole payload, up to 16 MiB.",
)
_WEBHOOK_ID = OpenApiParameter("webhook_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class WebhooksView(AcademyView):
    """The rows whose students are members of the academy."""

    capabilities: ClassVar = {"GET": "read_assignment", "DELETE": "crud_telemetry"}
    pagination_class = EnvelopedPages
    renderer_classes = (StoredJSONRenderer,)

    @extend_schema(
        operation_id="webhooks",
        parameters=[*ACADEMY, *_FILTERS, _PAYLOAD],
        responses=responses(WebhookSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List what LearnPack's clients sent and what became of it, newest first."""
        rows = queries.with_students(queries.webhooks_of(self.academy, request))
        whole, source = queries.wants_whole_payload(request), collects_source(self.academy)
        return EnvelopedPages.answer(
            sorted_by(rows, request, queries.SORTABLE),
            request,
            lambda page: self._told(page, whole=whole, source=source),
        )

    def _told(self, page: list[Webhook], *, whole: bool, source: bool) -> list[dict[str, Any]]:
        self.record_source_read("webhooks", len(page))
        return _serialized(page, whole=whole, source=source)

    @extend_schema(
        operation_id="webhooks_delete",
        parameters=[*ACADEMY, *_FILTERS],
        responses=responses(None, 400, 401, 403, code=204),
    )
    def delete(self, request: Request) -> Response:
        """Delete the failed rows that the filters leave; `status=ERROR` must be among these."""
        queries.delete_failed(self.academy, queries.webhooks_of(self.academy, request), request)
        return Response(status=204)


def _serialized(page: list[Webhook], *, whole: bool, source: bool) -> list[dict[str, Any]]:
    most = {"whole": MOST_ASKED_FOR, "page": MOST_ASKED_FOR} if whole else {}
    texts = payload_texts([row.pk for row in page], source=source, **most)
    serializer = WebhookSerializer(context={"payloads": texts})
    return [serializer.to_representation(row) for row in page]


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
        queries.delete_one(self.academy, queries.webhooks_of(self.academy, request), webhook_id)
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
