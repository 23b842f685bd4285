"""Imports of rosters in the API: upload, look, apply, undo. A worker does the work; the import says how far it is."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.roster.jobs import asking
from learntrace.accounts.roster.jobs.preview import SAME
from learntrace.accounts.roster.jobs.serializers import (
    ChangeSerializer,
    FingerprintSerializer,
    RosterImportSerializer,
    UploadSerializer,
    WholeRosterImportSerializer,
)
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.pagination import Pages
from learntrace.core.http.request_body import validated

_ID = OpenApiParameter("import_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


class _ImportView(AcademyView):
    """A view that answers with one import."""

    def answer(self, import_id: int, status: int = 202) -> Response:
        return Response(WholeRosterImportSerializer(asking.job_of(self.academy, import_id)).data, status=status)


class RosterImportsView(_ImportView):
    """The academy's imports of rosters."""

    pagination_class = Pages
    parser_classes = (MultiPartParser,)
    capabilities: ClassVar = {"GET": "crud_member", "POST": "crud_member"}

    @extend_schema(
        operation_id="roster_imports",
        parameters=ACADEMY,
        responses=responses(RosterImportSerializer(many=True), 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List imports, the newest first."""
        require_all_cohorts(self.academy)
        rows = asking.jobs_of(self.academy)
        return Pages.answer(rows, request, lambda page: RosterImportSerializer(page, many=True).data)

    @extend_schema(
        operation_id="roster_import_upload",
        parameters=ACADEMY,
        request={"multipart/form-data": UploadSerializer},
        responses=responses(WholeRosterImportSerializer, 400, 401, 403, 415, 429, code=202),
    )
    def post(self, request: Request) -> Response:
        """Have a file checked; nothing is changed yet."""
        file = validated(UploadSerializer, request)["file"]
        content = file.read(asking.most_bytes() + 1)
        job = asking.upload(self.academy, self.user, file.name or "file", content)
        return self.answer(job.pk)


class RosterImportView(_ImportView):
    """One import."""

    capabilities: ClassVar = {"GET": "crud_member", "DELETE": "crud_member"}

    @extend_schema(
        operation_id="roster_import",
        parameters=[*ACADEMY, _ID],
        responses=responses(WholeRosterImportSerializer, 401, 403, 404),
    )
    def get(self, request: Request, import_id: int) -> Response:
        """Read how far an import is, what it changes, and what is wrong."""
        return self.answer(import_id, status=200)

    @extend_schema(
        operation_id="roster_import_drop",
        parameters=[*ACADEMY, _ID],
        responses=responses(None, 401, 403, 404, 409, code=204),
    )
    def delete(self, request: Request, import_id: int) -> Response:
        """Forget a file that wasn't applied, with what it said."""
        asking.drop(self.academy, import_id)
        return Response(status=204)


class RosterImportChangesView(AcademyView):
    """What an import changes, line by line."""

    pagination_class = Pages
    capabilities: ClassVar = {"GET": "crud_member"}

    @extend_schema(
        operation_id="roster_import_changes",
        parameters=[*ACADEMY, _ID, *filters(lines="`all`: those that change nothing, too")],
        responses=responses(ChangeSerializer(many=True), 401, 403, 404),
    )
    def get(self, request: Request, import_id: int) -> Response:
        """List what becomes of each entry, in the order of the file; passwords aren't told."""
        changes = asking.job_of(self.academy, import_id).preview
        if request.query_params.get("lines") != "all":
            changes = [change for change in changes if change["what"] != SAME]
        return Pages.answer_items(changes, request, lambda page: ChangeSerializer(page, many=True).data)


class RosterImportApplyView(_ImportView):
    """The application of an import."""

    capabilities: ClassVar = {"POST": "crud_member"}

    @extend_schema(
        operation_id="roster_import_apply",
        parameters=[*ACADEMY, _ID],
        request=FingerprintSerializer,
        responses=responses(WholeRosterImportSerializer, 400, 401, 403, 404, 409, code=202),
    )
    def post(self, request: Request, import_id: int) -> Response:
        """Have an import applied as it was read; where it would change something else by now, nothing is."""
        asking.ask_to_apply(self.academy, import_id, validated(FingerprintSerializer, request)["fingerprint"])
        return self.answer(import_id)


class RosterImportUndoView(_ImportView):
    """The undoing of an import."""

    capabilities: ClassVar = {"POST": "crud_member"}

    @extend_schema(
        operation_id="roster_import_undo",
        parameters=[*ACADEMY, _ID],
        request=None,
        responses=responses(WholeRosterImportSerializer, 401, 403, 404, 409, code=202),
    )
    def post(self, request: Request, import_id: int) -> Response:
        """Have undone what an import has written, where nobody has changed or used it since."""
        asking.ask_to_undo(self.academy, import_id)
        return self.answer(import_id)
