"""Due dates in the API."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.assignments.due_dates.reading import due_dates_of
from learntrace.assignments.due_dates.serializers import DueDateSerializer, ExtensionSerializer, NewDueDateSerializer
from learntrace.assignments.due_dates.setting import (
    asset_named,
    cohort_named,
    due_date_of,
    end_due_date,
    end_extension,
    extend,
    set_due_date,
)
from learntrace.core.http.pagination import Pages
from learntrace.core.http.request_body import validated

_ID = OpenApiParameter("due_date_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_USER = OpenApiParameter("user_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_FILTERS = {"cohort": "id or slug of a cohort", "asset": "id, slug or alias of an asset"}


class DueDatesView(AcademyView):
    """The due dates of the academy's cohorts."""

    pagination_class = Pages
    capabilities: ClassVar = {"GET": "read_assignment", "PUT": "crud_due_date"}

    @extend_schema(
        operation_id="due_dates",
        parameters=[*ACADEMY, *filters(**_FILTERS)],
        responses=responses(DueDateSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List due dates with their extensions, the next first."""
        rows = due_dates_of(self.academy)
        if cohort := request.query_params.get("cohort", "").strip():
            rows = rows.filter(cohort=cohort_named(self.academy, cohort))
        if asset := request.query_params.get("asset", "").strip():
            rows = rows.filter(asset=asset_named(self.academy, asset))
        return Pages.answer(rows, request, lambda page: DueDateSerializer(page, many=True).data)

    @extend_schema(
        operation_id="due_date_set",
        parameters=ACADEMY,
        request=NewDueDateSerializer,
        responses=responses(DueDateSerializer, 400, 401, 403),
    )
    def put(self, request: Request) -> Response:
        """Set until when a cohort is to have done an asset; a due date that there is already is changed."""
        fields = validated(NewDueDateSerializer, request)
        cohort, asset = cohort_named(self.academy, fields["cohort"]), asset_named(self.academy, fields["asset"])
        return Response(DueDateSerializer(set_due_date(self.academy, cohort, asset, fields["due_at"])).data)


class DueDateView(AcademyView):
    """One due date."""

    capabilities: ClassVar = {"DELETE": "crud_due_date"}

    @extend_schema(
        operation_id="due_date_end", parameters=[*ACADEMY, _ID], responses=responses(None, 401, 403, 404, code=204)
    )
    def delete(self, request: Request, due_date_id: int) -> Response:
        """Take a due date away, with its extensions."""
        end_due_date(self.academy, due_date_of(self.academy, due_date_id))
        return Response(status=204)


class ExtensionView(AcademyView):
    """The extension of one learner."""

    capabilities: ClassVar = {"PUT": "crud_due_date", "DELETE": "crud_due_date"}

    @extend_schema(
        operation_id="extension_set",
        parameters=[*ACADEMY, _ID, _USER],
        request=ExtensionSerializer,
        responses=responses(ExtensionSerializer, 400, 401, 403, 404),
    )
    def put(self, request: Request, due_date_id: int, user_id: int) -> Response:
        """Give a learner of the cohort until later."""
        fields = validated(ExtensionSerializer, request)
        row = due_date_of(self.academy, due_date_id)
        extension = extend(self.academy, row, user_id, fields["due_at"], fields.get("reason", ""))
        return Response(ExtensionSerializer(extension).data)

    @extend_schema(
        operation_id="extension_end",
        parameters=[*ACADEMY, _ID, _USER],
        responses=responses(None, 401, 403, 404, code=204),
    )
    def delete(self, request: Request, due_date_id: int, user_id: int) -> Response:
        """Take a learner's extension away."""
        end_extension(self.academy, due_date_of(self.academy, due_date_id), user_id)
        return Response(status=204)
