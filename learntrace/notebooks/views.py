"""Notebook events for an academy's staff, published notebooks, and a learner's consent."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.models import Academy
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView, View
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import FieldProblem
from learntrace.core.http.pagination import Pages, sorted_by
from learntrace.core.http.request_body import json_object, validated
from learntrace.core.http.stored_json import StoredJSONRenderer
from learntrace.notebooks import consent, event_queries
from learntrace.notebooks.event_texts import event_texts, rejected_texts
from learntrace.notebooks.models import Event, Notebook, RejectedEvent
from learntrace.notebooks.publishing import notebook_queries
from learntrace.notebooks.publishing.publication import Publication, publish, read_assignments
from learntrace.notebooks.rejected.retry import retry, retry_corrected
from learntrace.notebooks.serializers import (
    ConsentSerializer,
    EventSerializer,
    NotebookSerializer,
    PublicationSerializer,
    RejectedEventSerializer,
    RetrySerializer,
    TermsSerializer,
)
from learntrace.progress.last_seen import last_seen_on

_REJECTED_ID = OpenApiParameter("rejected_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_SLUG = OpenApiParameter("slug", str, OpenApiParameter.PATH, description="the slug of the notebook's asset")
_MY_ACADEMY = [
    OpenApiParameter(
        "Academy", OpenApiTypes.INT64, OpenApiParameter.HEADER, description="one of one's academies; else the first"
    )
]


class EventsView(AcademyView):
    """The academy's events."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    renderer_classes = (StoredJSONRenderer,)
    pagination_class = Pages

    @extend_schema(
        operation_id="notebook_events",
        parameters=[*ACADEMY, *filters(**event_queries.FILTERS)],
        responses=responses(EventSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List what learners did in notebooks, what came last first."""
        rows = sorted_by(event_queries.events_of(self.academy, request), request, event_queries.SORTABLE)
        return Pages.answer(rows.defer("object", "result", "context"), request, self._listed)

    def _listed(self, events: list[Event]) -> Any:
        self.record_source_read("notebook events", len(events))
        return _listed(events)


class RejectedEventsView(AcademyView):
    """Events that couldn't be taken."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    pagination_class = Pages

    @extend_schema(
        operation_id="rejected_events",
        parameters=[*ACADEMY, *filters(**event_queries.REJECTED_FILTERS)],
        responses=responses(RejectedEventSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List rejected events with their reasons, those that were sent last first."""
        rows = sorted_by(event_queries.rejected_of(self.academy, request), request, event_queries.REJECTED_SORTABLE)
        return Pages.answer(rows.defer("raw"), request, self._listed)

    def _listed(self, rejected: list[RejectedEvent]) -> Any:
        self.record_source_read("rejected events", len(rejected))
        return _listed_rejected(rejected)


class RetryView(AcademyView):
    """Taking a rejected event after all."""

    capabilities: ClassVar = {"POST": "crud_telemetry"}

    @extend_schema(
        operation_id="rejected_event_retry",
        parameters=[*ACADEMY, _REJECTED_ID],
        request=RetrySerializer,
        responses=responses(EventSerializer, 400, 401, 403, 404),
    )
    def post(self, request: Request, rejected_id: int) -> Response:
        """Check the event again, or the corrected one, and store it; the answer is the stored event."""
        row = event_queries.rejected_event(self.academy, rejected_id)
        body = json_object(request)
        event = retry_corrected(self.academy, row, body["event"]) if "event" in body else retry(row)
        return Response(EventSerializer(event).data)


class NotebooksView(AcademyView):
    """The academy's published notebooks."""

    capabilities: ClassVar = {"GET": "read_asset"}
    pagination_class = Pages

    @extend_schema(
        operation_id="notebooks",
        parameters=ACADEMY,
        responses=responses(NotebookSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List the published notebooks with their assignments, the latest first."""
        rows = sorted_by(notebook_queries.notebooks_of(self.academy), request, notebook_queries.SORTABLE)
        return Pages.answer(rows, request, lambda notebooks: _serialized(self.academy, notebooks))


class NotebookView(AcademyView):
    """A published notebook."""

    capabilities: ClassVar = {"GET": "read_asset", "PUT": "crud_asset"}

    @extend_schema(
        operation_id="notebook_read",
        parameters=[*ACADEMY, _SLUG],
        responses=responses(NotebookSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Read a notebook with its assignments, and when something was last seen of each."""
        return Response(_serialized(self.academy, [notebook_queries.notebook_of(self.academy, slug)])[0])

    @extend_schema(
        operation_id="notebook_publish",
        parameters=[*ACADEMY, _SLUG],
        request=PublicationSerializer,
        responses=responses(NotebookSerializer, 400, 401, 403),
    )
    def put(self, request: Request, slug: str) -> Response:
        """Publish a notebook: its graded asset is made or changed, and it has these assignments and no others."""
        if len(slug) > 200 or " " in slug or not slug.isprintable():
            raise FieldProblem("slug", _("A slug has 1 to 200 characters, no spaces and no slashes"))
        given = validated(PublicationSerializer, request)
        publication = Publication(
            given["path"], given.get("title"), given.get("lang"), read_assignments(given["assignments"])
        )
        notebook = publish(self.academy, slug, publication)
        return Response(_serialized(self.academy, [notebook_queries.notebook_of(self.academy, notebook.asset.slug)])[0])


class ConsentView(View):
    """A learner's say about the collection of events."""

    keeps_to_hub_academy: ClassVar = True
    # Whoever sends events asks whether they are collected.
    token_needs: ClassVar = {"GET": TokenScope.TELEMETRY.value, "PUT": TokenScope.TELEMETRY.value}

    @extend_schema(
        operation_id="consent_read", parameters=_MY_ACADEMY, responses=responses(TermsSerializer, 400, 401, 403)
    )
    def get(self, request: Request) -> Response:
        """Read whether one's events are collected, and whether one may turn that off."""
        return Response(TermsSerializer(consent.terms_of(self.user, self._academy())).data)

    @extend_schema(
        operation_id="consent_change",
        parameters=_MY_ACADEMY,
        request=ConsentSerializer,
        responses=responses(TermsSerializer, 400, 401, 403),
    )
    def put(self, request: Request) -> Response:
        """Turn the collection of one's events off, where the academy allows it, or on."""
        collecting = json_object(request).get("collecting")
        if not isinstance(collecting, bool):
            raise FieldProblem("collecting", _("Must be a valid boolean."))
        return Response(TermsSerializer(consent.change(self.user, self._academy(), collecting=collecting)).data)

    def _academy(self) -> Academy | None:
        return consent.academy_for(self.request, self.user, self.hub_academy_id)


def _listed(events: list[Event]) -> Any:
    return EventSerializer(events, many=True, context={"texts": event_texts([event.pk for event in events])}).data


def _listed_rejected(rejected: list[RejectedEvent]) -> Any:
    texts = rejected_texts([row.pk for row in rejected])
    return RejectedEventSerializer(rejected, many=True, context={"texts": texts}).data


def _serialized(academy: Academy, notebooks: list[Notebook]) -> Any:
    tags = [assignment.tag for notebook in notebooks for assignment in notebook.assignments.all()]
    return NotebookSerializer(notebooks, many=True, context={"last_seen": last_seen_on(academy, tags)}).data
