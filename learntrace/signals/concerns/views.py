"""The concern endpoints, for an academy's staff."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import flag
from learntrace.accounts.models import Academy
from learntrace.accounts.openapi import ACADEMY, RefusalSerializer, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.pagination import Pages, sorted_items
from learntrace.core.http.request_body import json_object, validated
from learntrace.signals.concerns.acts import Wanted, acts_on, handle, handle_all, told_outcome
from learntrace.signals.concerns.documents import act_document, concern_document, over_document
from learntrace.signals.concerns.explanation import explanation_of
from learntrace.signals.concerns.listing import FILTERS, SORTABLE, concerns_of
from learntrace.signals.concerns.reading import current, row_of, told
from learntrace.signals.concerns.serializers import (
    ConcernSerializer,
    ConcernWithActsSerializer,
    OutcomeSerializer,
    WantedForSeveralSerializer,
    WantedSerializer,
)
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.models import Concern

_CONCERN_ID = OpenApiParameter("concern_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_EXPLAIN = OpenApiParameter("explain", bool, description="whether the concern says how it came about")
_CONFLICT = {409: OpenApiResponse(RefusalSerializer, "Somebody changed the same meanwhile, or the concern is over.")}


class ConcernsView(AcademyView):
    """The academy's concerns that are not over."""

    capabilities: ClassVar = {"GET": "read_assignment", "POST": "read_assignment"}
    pagination_class = Pages

    @extend_schema(
        operation_id="concerns",
        parameters=[*ACADEMY, *filters(**FILTERS)],
        responses=responses(ConcernSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List concerns: those of the class first, then open ones first, then the worst, then the oldest."""
        found = sorted_items(concerns_of(self.academy, request, self.user), request, SORTABLE)
        now = now_in(self.academy.pk)
        return Pages.answer_items(
            found, request, lambda page: [concern_document(entry) for entry in told(self.academy.pk, page, now)]
        )

    @extend_schema(
        operation_id="concerns_handle",
        parameters=ACADEMY,
        request=WantedForSeveralSerializer,
        responses=responses(OutcomeSerializer(many=True), 400, 401, 403),
    )
    def post(self, request: Request) -> Response:
        """Do the same with several concerns; one that can't be changed costs no other."""
        given = _given(WantedForSeveralSerializer, request)
        concerns = given.pop("concerns")
        outcomes = handle_all(self.academy, concerns, _wanted(given), self.user)
        return Response([{"concern": number, **told_outcome(outcome)} for number, outcome in outcomes.items()])


class ConcernView(AcademyView):
    """One of the academy's concerns, also one that is over."""

    capabilities: ClassVar = {"GET": "read_assignment", "POST": "read_assignment"}

    @extend_schema(
        operation_id="concern_read",
        parameters=[*ACADEMY, _CONCERN_ID, _EXPLAIN],
        responses=responses(ConcernWithActsSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, concern_id: int) -> Response:
        """Read a concern with what staff did with it."""
        row = row_of(self.academy, concern_id)
        return Response(_document(self.academy, row, explain=flag(request, "explain")))

    @extend_schema(
        operation_id="concern_handle",
        parameters=[*ACADEMY, _CONCERN_ID],
        request=WantedSerializer,
        responses={**responses(ConcernWithActsSerializer, 400, 401, 403, 404), **_CONFLICT},
    )
    def post(self, request: Request, concern_id: int) -> Response:
        """Acknowledge a concern, open it again, snooze or assign it, write a note, or undo one of these."""
        wanted = _wanted(_given(WantedSerializer, request))
        handled = handle(self.academy, concern_id, wanted, self.user)
        act = handled.act.pk if handled.act else None
        return Response({**_document(self.academy, row_of(self.academy, concern_id)), "act": act})


def _given(serializer: type[WantedSerializer], request: Request) -> dict[str, Any]:
    json_object(request)
    return validated(serializer, request)


def _wanted(given: dict[str, Any]) -> Wanted:
    return Wanted(**given)


def _document(academy: Academy, row: Concern, *, explain: bool = False) -> dict[str, Any]:
    concern = current(academy, row)
    entries = told(row.academy_id, [concern], now_in(row.academy_id)) if concern else []
    acts = acts_on(row)
    document = concern_document(entries[0]) if entries else over_document(row, acts)
    document["acts"] = [act_document(act) for act in acts]
    if explain and entries:
        document["explain"] = explanation_of(entries[0])
    return document
