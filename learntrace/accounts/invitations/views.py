"""The invitations of an academy in the API."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.invitations.inviting import invitations_of, invite, link_to, mail, revoke
from learntrace.accounts.invitations.serializers import (
    InvitationSerializer,
    MadeInvitationSerializer,
    NewInvitationSerializer,
)
from learntrace.accounts.openapi import ACADEMY, responses
from learntrace.accounts.people.cohorts import cohorts_named
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.pagination import Pages
from learntrace.core.http.request_body import validated

_ID = OpenApiParameter("invitation_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class InvitationsView(AcademyView):
    """The academy's invitations."""

    pagination_class = Pages
    capabilities: ClassVar = {"GET": "crud_member", "POST": "crud_member"}

    @extend_schema(
        operation_id="invitations",
        parameters=ACADEMY,
        responses=responses(InvitationSerializer(many=True), 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List invitations, the newest first, with what became of them."""
        require_all_cohorts(self.academy)
        rows = invitations_of(self.academy)
        return Pages.answer(rows, request, lambda page: InvitationSerializer(page, many=True).data)

    @extend_schema(
        operation_id="invitation_make",
        parameters=ACADEMY,
        request=NewInvitationSerializer,
        responses=responses(MadeInvitationSerializer, 400, 401, 403, 429, code=201),
    )
    def post(self, request: Request) -> Response:
        """Invite somebody, by mail where the server sends some; the link is answered this once."""
        given = validated(NewInvitationSerializer, request)
        row, token = invite(
            self.academy,
            self.user,
            email=given["email"],
            role=given["role"],
            cohorts=cohorts_named(self.academy, given.get("cohorts", [])),
            days=given["days"],
        )
        link = link_to(request._request, token)
        row.mailed = mail(row, link)
        return Response(MadeInvitationSerializer(row, context={"link": link}).data, status=201)


class InvitationView(AcademyView):
    """One invitation."""

    capabilities: ClassVar = {"DELETE": "crud_member"}

    @extend_schema(
        operation_id="invitation_revoke",
        parameters=[*ACADEMY, _ID],
        responses=responses(None, 401, 403, 404, 409, code=204),
    )
    def delete(self, request: Request, invitation_id: int) -> Response:
        """Take an invitation back: its link opens nothing any more."""
        revoke(self.academy, invitation_id)
        return Response(status=204)
