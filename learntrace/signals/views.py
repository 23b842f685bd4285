"""The signal endpoints, for an academy's staff."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import flag
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.pagination import Pages, sorted_by
from learntrace.core.http.request_body import json_object
from learntrace.signals import queries
from learntrace.signals.acknowledgement import change_state
from learntrace.signals.documents import signal_document
from learntrace.signals.explanation import explanation
from learntrace.signals.models import Signal
from learntrace.signals.named_steps import named_for_class
from learntrace.signals.serializers import SignalSerializer, SignalStateSerializer, SignalWithHistorySerializer

_SIGNAL_ID = OpenApiParameter("signal_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_EXPLAIN = OpenApiParameter("explain", bool, description="whether the signal says how it came about")


class SignalsView(AcademyView):
    """The academy's signals."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    pagination_class = Pages

    @extend_schema(
        operation_id="signals",
        parameters=[*ACADEMY, *filters(**queries.FILTERS)],
        responses=responses(SignalSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List signals, those that were seen last first; withdrawn ones only where they are asked for."""
        rows = sorted_by(queries.signals_of(self.academy, request), request, queries.SORTABLE)
        return Pages.answer(
            rows, request, lambda page: [signal_document(row, row.user) for row in named_for_class(page)]
        )


class SignalView(AcademyView):
    """One of the academy's signals."""

    capabilities: ClassVar = {"GET": "read_assignment", "PUT": "read_assignment"}

    @extend_schema(
        operation_id="signal_read",
        parameters=[*ACADEMY, _SIGNAL_ID, _EXPLAIN],
        responses=responses(SignalWithHistorySerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, signal_id: int) -> Response:
        """Read a signal with what happened to it."""
        signal = queries.signal_of(self.academy, signal_id)
        document = _with_history(signal)
        if flag(request, "explain"):
            document["explain"] = explanation(signal)
        return Response(document)

    @extend_schema(
        operation_id="signal_acknowledge",
        parameters=[*ACADEMY, _SIGNAL_ID],
        request=SignalStateSerializer,
        responses=responses(SignalWithHistorySerializer, 400, 401, 403, 404),
    )
    def put(self, request: Request, signal_id: int) -> Response:
        """Acknowledge a signal, or take that back with `open`."""
        wanted = json_object(request).get("state")
        return Response(_with_history(change_state(self.academy, signal_id, wanted, self.user)))


def _with_history(signal: Signal) -> dict[str, Any]:
    (named,) = named_for_class([signal])
    return {**signal_document(named, named.user), "history": list(named.history)}
