"""The people of an academy in the API: what the pages of people do, by the same functions."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.people import changes
from learntrace.accounts.people.cohorts import cohort_of, cohorts_named, put_into, take_out
from learntrace.accounts.people.listing import ARCHIVED, EVERYBODY, PeopleFilter, people_of, person_of, with_cohorts
from learntrace.accounts.people.serializers import (
    MemberArchivedSerializer,
    MemberNamesSerializer,
    MemberRoleSerializer,
    MemberSerializer,
    NewMemberSerializer,
)
from learntrace.accounts.roles import ROLES
from learntrace.accounts.scope import AcademyView
from learntrace.core.errors import InvalidFilter
from learntrace.core.http.filters import joined
from learntrace.core.http.pagination import Pages
from learntrace.core.http.request_body import validated

_USER = OpenApiParameter("user_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_COHORT = OpenApiParameter("cohort_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_STATES = {"active": "", "archived": ARCHIVED, "all": EVERYBODY}
_FILTERS = {
    "like": "words of names and addresses",
    "role": f"one of {', '.join(ROLES)}",
    "cohort": "id or slug: its learners, and whoever is limited to it",
    "status": "active (the default), archived or all",
}
_LONGEST = 200


class _MemberView(AcademyView):
    """A view that answers with one person."""

    def answer(self, user_id: int, status: int = 200) -> Response:
        return Response(MemberSerializer(person_of(self.academy, user_id)).data, status=status)


class MembersView(_MemberView):
    """The academy's people."""

    pagination_class = Pages
    capabilities: ClassVar = {"GET": "read_member", "POST": "crud_member"}

    @extend_schema(
        operation_id="members",
        parameters=[*ACADEMY, *filters(**_FILTERS)],
        responses=responses(MemberSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List people by name, with their roles and cohorts."""
        rows = people_of(self.academy, self._filter(request))

        def told(page: list[Any]) -> Any:
            return MemberSerializer(with_cohorts(self.academy, page), many=True).data

        return Pages.answer(rows, request, told)

    def _filter(self, request: Request) -> PeopleFilter:
        role, cohort = joined(request, "role").strip(), joined(request, "cohort").strip()
        status = joined(request, "status").strip() or "active"
        for field, value, known in (("role", role, ROLES), ("status", status, _STATES)):
            if value and value not in known:
                raise InvalidFilter(field, value[:80])
        return PeopleFilter(
            words=tuple(joined(request, "like").replace("\0", "")[:_LONGEST].split()),
            role=role,
            cohort=cohorts_named(self.academy, [cohort])[0] if cohort else None,
            archived=_STATES[status],
        )

    @extend_schema(
        operation_id="member_add",
        parameters=ACADEMY,
        request=NewMemberSerializer,
        responses=responses(MemberSerializer, 400, 401, 403, code=201),
    )
    def post(self, request: Request) -> Response:
        """Add somebody who has no account; whoever has one is invited."""
        given = validated(NewMemberSerializer, request)
        cohorts = cohorts_named(self.academy, given.get("cohorts", []))
        membership = changes.add_person(self.academy, given, given["role"], cohorts)
        return self.answer(membership.user_id, status=201)


class MemberView(_MemberView):
    """Somebody of the academy."""

    capabilities: ClassVar = {"GET": "read_member", "PUT": "crud_member"}

    @extend_schema(
        operation_id="member", parameters=[*ACADEMY, _USER], responses=responses(MemberSerializer, 401, 403, 404)
    )
    def get(self, request: Request, user_id: int) -> Response:
        """Read somebody's names, role and cohorts."""
        return self.answer(user_id)

    @extend_schema(
        operation_id="member_change",
        parameters=[*ACADEMY, _USER],
        request=MemberNamesSerializer,
        responses=responses(MemberSerializer, 400, 401, 403, 404),
    )
    def put(self, request: Request, user_id: int) -> Response:
        """Change names and address of somebody who acts nowhere else."""
        one = person_of(self.academy, user_id)
        given = validated(MemberNamesSerializer, request)
        fields = {name: given.get(name, getattr(one.user, name)) for name in changes.PERSON}
        changes.change_person(one.membership, fields)
        return self.answer(user_id)


class MemberRoleView(_MemberView):
    """Somebody's role."""

    capabilities: ClassVar = {"PUT": "crud_member"}

    @extend_schema(
        operation_id="member_role",
        parameters=[*ACADEMY, _USER],
        request=MemberRoleSerializer,
        responses=responses(MemberSerializer, 400, 401, 403, 404, 409),
    )
    def put(self, request: Request, user_id: int) -> Response:
        """Give somebody a role, limited to cohorts or not."""
        one = person_of(self.academy, user_id)
        given = validated(MemberRoleSerializer, request)
        limits = given["limited_to"]
        cohorts = None if limits is None else cohorts_named(self.academy, limits)
        changes.change_role(one.membership, given["role"], cohorts)
        return self.answer(user_id)


class MemberArchivedView(_MemberView):
    """Whether somebody is archived."""

    capabilities: ClassVar = {"PUT": "crud_member"}

    @extend_schema(
        operation_id="member_archive",
        parameters=[*ACADEMY, _USER],
        request=MemberArchivedSerializer,
        responses=responses(MemberSerializer, 400, 401, 403, 404, 409),
    )
    def put(self, request: Request, user_id: int) -> Response:
        """Archive somebody, whose role opens nothing then, or restore them; nothing is deleted."""
        one = person_of(self.academy, user_id)
        act = changes.archive if validated(MemberArchivedSerializer, request)["archived"] else changes.restore
        act(one.membership)
        return self.answer(user_id)


class MemberCohortView(_MemberView):
    """Somebody's place in a cohort."""

    capabilities: ClassVar = {"PUT": "crud_member", "DELETE": "crud_member"}

    @extend_schema(
        operation_id="member_cohort_add",
        parameters=[*ACADEMY, _USER, _COHORT],
        request=None,
        responses=responses(MemberSerializer, 401, 403, 404),
    )
    def put(self, request: Request, user_id: int, cohort_id: int) -> Response:
        """Put somebody into a cohort."""
        one = person_of(self.academy, user_id)
        put_into(self.academy, cohort_of(self.academy, cohort_id), [one.user.pk])
        return self.answer(user_id)

    @extend_schema(
        operation_id="member_cohort_remove",
        parameters=[*ACADEMY, _USER, _COHORT],
        responses=responses(MemberSerializer, 401, 403, 404, 409),
    )
    def delete(self, request: Request, user_id: int, cohort_id: int) -> Response:
        """Take somebody out of a cohort, unless they have tasks of it."""
        one = person_of(self.academy, user_id)
        take_out(self.academy, cohort_of(self.academy, cohort_id), one.membership)
        return self.answer(user_id)
