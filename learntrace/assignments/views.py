"""Tasks (contract, section 8) and the telemetry that staff writes (section 7)."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.academy_settings import collects_source
from learntrace.accounts.audit.actions import SOURCE_READ
from learntrace.accounts.audit.recording import record
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView, View, academy_with
from learntrace.assignments import staff_telemetry, tasks
from learntrace.assignments.models import Task
from learntrace.assignments.serializers import ListedTaskSerializer, TaskSerializer, TelemetrySerializer
from learntrace.core.errors import Forbidden
from learntrace.core.http.hidden_source import without_source
from learntrace.core.http.pagination import Pages, sorted_by
from learntrace.core.http.request_body import validated
from learntrace.core.http.stored_json import StoredJSONRenderer

_TASK_ID = OpenApiParameter("task_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_USER_ID = OpenApiParameter("user_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_SLUG = OpenApiParameter(
    "slug", str, OpenApiParameter.PATH, description="the asset's slug, an alias, or a translation's slug"
)


class MyTasksView(View):
    """One's own tasks."""

    pagination_class = Pages

    @extend_schema(
        operation_id="my_tasks",
        parameters=filters(**tasks.FILTERS),
        responses=responses(ListedTaskSerializer(many=True), 400, 401),
    )
    def get(self, request: Request) -> Response:
        """List one's own tasks, newest first."""
        rows = tasks.narrowed(tasks.tasks_of(self.user), request).order_by("-created_at", "-id")
        return Pages.answer(
            sorted_by(rows, request, tasks.SORTABLE),
            request,
            lambda page: ListedTaskSerializer(page, many=True).data,
        )


def _answer(task: Task | None, *, source: bool = True) -> Response:
    """Return a task with its telemetry; `source`: with the code in it, as one's own, or where the academy collects it."""
    if task is None:
        raise tasks.TaskNotFound
    telemetry = tasks.telemetry_of([task])
    if not source:
        telemetry = {pk: document and without_source(document) for pk, document in telemetry.items()}
    return Response(TaskSerializer(task, context={"telemetry": telemetry}).data)


class MyTaskView(View):
    """One of one's own tasks."""

    renderer_classes = (StoredJSONRenderer,)

    @extend_schema(operation_id="my_task", parameters=[_TASK_ID], responses=responses(TaskSerializer, 401, 404))
    def get(self, request: Request, task_id: int) -> Response:
        """Read one of one's own tasks with its telemetry."""
        return _answer(tasks.tasks_of(self.user).filter(pk=task_id).first())


class TaskView(View):
    """A task of one's own, or for staff one of a learner of theirs."""

    renderer_classes = (StoredJSONRenderer,)

    @extend_schema(
        operation_id="task", parameters=[*ACADEMY, _TASK_ID], responses=responses(TaskSerializer, 400, 401, 404)
    )
    def get(self, request: Request, task_id: int) -> Response:
        """Read a task with its telemetry; of others' tasks those of the named academy, with read_assignment there."""
        task = tasks.tasks_of(self.user).filter(pk=task_id).first()
        return self._of_a_learner(request, task_id) if task is None else _answer(task)

    def _of_a_learner(self, request: Request, task_id: int) -> Response:
        try:
            academy = academy_with(request, "read_assignment")
        except Forbidden:
            # Callers who aren't staff there learn only that the task isn't theirs.
            return _answer(None)
        task = tasks.tasks_seen_in(academy).filter(pk=task_id).first()
        if task is not None:
            told = {"of": "task", "task": task.pk}
            record(SOURCE_READ, academy_id=academy.pk, subject_id=task.user_id, after=told)
        return _answer(task, source=collects_source(academy))


class StaffTelemetryView(AcademyView):
    """A learner's telemetry on an asset, written by staff."""

    capabilities: ClassVar = {"POST": "crud_telemetry", "PUT": "crud_telemetry"}

    @extend_schema(
        operation_id="staff_telemetry_upsert",
        parameters=[*ACADEMY, _SLUG, _USER_ID],
        request=TelemetrySerializer,
        responses={201: TelemetrySerializer, **responses(TelemetrySerializer, 400, 401, 403, 404)},
    )
    def post(self, request: Request, slug: str, user_id: int) -> Response:
        """Make the row, or change the fields sent where there is one."""
        key = staff_telemetry.telemetry_key(self.academy, slug, user_id)
        row, created = staff_telemetry.upsert(key, validated(TelemetrySerializer, request, partial=True))
        return Response(TelemetrySerializer(row).data, status=201 if created else 200)

    @extend_schema(
        operation_id="staff_telemetry_change",
        parameters=[*ACADEMY, _SLUG, _USER_ID],
        request=TelemetrySerializer,
        responses=responses(TelemetrySerializer, 400, 401, 403, 404),
    )
    def put(self, request: Request, slug: str, user_id: int) -> Response:
        """Change the fields sent."""
        key = staff_telemetry.telemetry_key(self.academy, slug, user_id)
        fields = validated(TelemetrySerializer, request, partial=True)
        return Response(TelemetrySerializer(staff_telemetry.change(key, fields)).data)
