"""The endpoints of raised hands: a learner's own, and those of an academy for its staff."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import LEARNERS, cohorts, learners, moment, one_of
from learntrace.accounts.models import Academy, User
from learntrace.accounts.openapi import ACADEMY, RefusalSerializer, filters, responses
from learntrace.accounts.scope import AcademyView, View
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.http.filters import natural, words
from learntrace.core.http.pagination import Pages, sorted_by
from learntrace.core.http.request_body import json_object, validated
from learntrace.signals.help_requests.documents import hand_documents, own_document
from learntrace.signals.help_requests.features import allowed_in
from learntrace.signals.help_requests.helping import handle_hand
from learntrace.signals.help_requests.models import HELPED, HELPING, STATES, TAKEN_BACK, WAITING
from learntrace.signals.help_requests.queue import hand_of, hands_of, open_hand_of, queued
from learntrace.signals.help_requests.raising import academies_of_learner, raise_hand, take_back
from learntrace.signals.help_requests.serializers import (
    HandActSerializer,
    HelpRequestSerializer,
    OwnHelpSerializer,
    RaiseSerializer,
)

_HAND_ID = OpenApiParameter("help_request_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_CONFLICT = {409: OpenApiResponse(RefusalSerializer, "Somebody helps already, or the hand is down again.")}
_MY_ACADEMY = [
    OpenApiParameter(
        "Academy", OpenApiTypes.INT64, OpenApiParameter.HEADER, description="one of one's academies; else the first"
    )
]
FILTERS: Final[Mapping[str, str]] = {
    "state": f"one or more of {', '.join(STATES)}, comma-separated",
    "learner": LEARNERS,
    "cohort": "one or more ids or slugs of cohorts, comma-separated: in whose queue the hand was raised",
    "since": "hands that were raised at this time or later",
}
_SORTABLE: Final[Mapping[str, str]] = {"id": "id", "raised_at": "raised_at", "ended_at": "ended_at"}
# Each state by the columns that make it.
_STATES: Final[Mapping[str, Mapping[str, Any]]] = {
    WAITING: {"open": True, "help_began_at": None},
    HELPING: {"open": True, "help_began_at__isnull": False},
    HELPED: {"ended_at__isnull": False},
    TAKEN_BACK: {"taken_back_at__isnull": False},
}


class NoLearnerThere(Forbidden):
    slug = "not-a-learner"
    text = _("You aren't a learner at this academy")


class OwnHandView(View):
    """One's own raised hand."""

    keeps_to_hub_academy: ClassVar = True
    # A notebook's key sends telemetry, and its learner asks for help there.
    token_needs: ClassVar = dict.fromkeys(("GET", "POST", "DELETE"), TokenScope.TELEMETRY.value)

    @extend_schema(
        operation_id="my_help_request", parameters=_MY_ACADEMY, responses=responses(OwnHelpSerializer, 400, 401, 403)
    )
    def get(self, request: Request) -> Response:
        """Read whether one may raise a hand, and one's place in the queue."""
        return self._answer(self._academy())

    @extend_schema(
        operation_id="my_help_request_raise",
        parameters=_MY_ACADEMY,
        request=RaiseSerializer,
        responses=responses(OwnHelpSerializer, 400, 401, 403, 429),
    )
    def post(self, request: Request) -> Response:
        """Raise one's hand; one that is up already stays as it is."""
        json_object(request)
        given = validated(RaiseSerializer, request)
        academy = self._academy()
        if academy is None:
            raise NoLearnerThere
        raise_hand(self.user, academy, **given)
        return self._answer(academy)

    @extend_schema(
        operation_id="my_help_request_take_back",
        parameters=_MY_ACADEMY,
        responses=responses(OwnHelpSerializer, 400, 401, 403),
    )
    def delete(self, request: Request) -> Response:
        """Take one's hand down; nothing happens where none is up."""
        academy = self._academy()
        if academy is not None:
            take_back(self.user, academy)
        return self._answer(academy)

    def _academy(self) -> Academy | None:
        return learning_academy(self.request, self.user, self.hub_academy_id)

    def _answer(self, academy: Academy | None) -> Response:
        if academy is None:
            return Response(own_document(None, allowed=False, academy=None))
        hand = open_hand_of(self.user, academy)
        entry = queued([hand])[0] if hand else None
        return Response(own_document(entry, allowed=allowed_in(academy.pk), academy=academy.pk))


def learning_academy(request: Request, user: User, hub_academy: int | None) -> Academy | None:
    """Return the academy that a learner's request is about: the named one, the hub's, or the learner's first.

    Raises Problem (400), NoLearnerThere.
    """
    mine = [academy for academy in academies_of_learner(user) if hub_academy in (None, academy.pk)]
    named = request.headers.get("Academy", "").strip() or request.query_params.get("academy", "").strip()
    if not named:
        return mine[0] if mine else None
    if natural(named) is None:
        raise Problem(_("Academy ID needs to be an integer: %(value)s"), slug="invalid-academy-id", value=named)
    academy = next((academy for academy in mine if academy.pk == natural(named)), None)
    if academy is None:
        raise NoLearnerThere
    return academy


class HelpRequestsView(AcademyView):
    """The academy's raised hands."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    pagination_class = Pages

    @extend_schema(
        operation_id="help_requests",
        parameters=[*ACADEMY, *filters(**FILTERS)],
        responses=responses(HelpRequestSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List raised hands, former ones too, the latest first: who waited for how long, who helped, how long it took."""
        rows = hands_of(self.academy)
        if states := one_of(request, "state", STATES):
            chosen = rows.none()
            for state in states:
                chosen |= rows.filter(**_STATES[state])
            rows = chosen
        if words(request, "learner"):
            rows = rows.filter(user__in=learners(request, self.academy))
        if words(request, "cohort"):
            rows = rows.filter(cohort__in=cohorts(request, self.academy))
        if (since := moment(request, "since")) is not None:
            rows = rows.filter(raised_at__gte=since)
        return Pages.answer(
            sorted_by(rows, request, _SORTABLE), request, lambda page: hand_documents(self.academy.pk, queued(page))
        )


class HelpRequestView(AcademyView):
    """One of the academy's raised hands."""

    capabilities: ClassVar = {"GET": "read_assignment", "POST": "read_assignment"}

    @extend_schema(
        operation_id="help_request_read",
        parameters=[*ACADEMY, _HAND_ID],
        responses=responses(HelpRequestSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, help_request_id: int) -> Response:
        """Read a raised hand."""
        return self._answer(help_request_id)

    @extend_schema(
        operation_id="help_request_handle",
        parameters=[*ACADEMY, _HAND_ID],
        request=HandActSerializer,
        responses={**responses(HelpRequestSerializer, 400, 401, 403, 404), **_CONFLICT},
    )
    def post(self, request: Request, help_request_id: int) -> Response:
        """Say that one is helping, or that it is done; or undo either."""
        json_object(request)
        handle_hand(self.academy, help_request_id, validated(HandActSerializer, request)["act"], self.user)
        return self._answer(help_request_id)

    def _answer(self, number: int) -> Response:
        hand = hand_of(self.academy, number)
        return Response(hand_documents(self.academy.pk, queued([hand]))[0])
