"""Signals for an academy's staff (design, "The API beyond the contract")."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import flag
from learntrace.accounts.schema import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.errors import Problem
from learntrace.core.pages import Pages, sorted_by
from learntrace.signals import log
from learntrace.signals.acknowledging import change_state
from learntrace.signals.documents import signal_document
from learntrace.signals.explaining import explanation
from learntrace.signals.models import Signal
from learntrace.signals.serializers import SignalSerializer, SignalStateSerializer, SignalWithHistorySerializer

_SIGNAL_ID = OpenApiParameter("signal_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_EXPLAIN = OpenApiParameter("explain", bool, description="whether the signal says how it came about")


class SignalsView(AcademyView):
    """The academy's signals."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    pagination_class = Pages

    @extend_schema(
        operation_id="signals",
        parameters=[*ACADEMY, *filters(**log.FILTERS)],
        responses=responses(SignalSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List signals, those that were seen last first; withdrawn ones only where they are asked for."""
        rows = sorted_by(log.signals_of(self.academy, request), request, log.SORTABLE)
        return Pages.answer(rows, request, lambda found: [signal_document(one, one.user) for one in found])


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
        signal = log.signal_one(self.academy, signal_id)
        told = _with_history(signal)
        if flag(request, "explain"):
            told["explain"] = explanation(signal)
        return Response(told)

    @extend_schema(
        operation_id="signal_acknowledge",
        parameters=[*ACADEMY, _SIGNAL_ID],
        request=SignalStateSerializer,
        responses=responses(SignalWithHistorySerializer, 400, 401, 403, 404),
    )
    def put(self, request: Request, signal_id: int) -> Response:
        """Acknowledge a signal, or take that back with `open`."""
        if not isinstance(request.data, dict):
            raise Problem(_("Request body must be a JSON object"))
        return Response(_with_history(change_state(self.academy, signal_id, request.data.get("state"), self.user)))


def _with_history(signal: Signal) -> dict[str, Any]:
    return {**signal_document(signal, signal.user), "history": list(signal.history)}
