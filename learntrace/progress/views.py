"""Endpoints for an academy's staff about learners, assignments, assets and cohorts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import flag, one_of
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.pagination import Pages, sorted_by, sorted_items
from learntrace.measures.learner_state import STATES
from learntrace.progress import serializers
from learntrace.progress.assignment_keys import key_of
from learntrace.progress.corrections import exclusions
from learntrace.progress.explain.explanation import MOST_ROWS
from learntrace.progress.explain.learner_assignments import explain_learner_assignments
from learntrace.progress.explain.rows import explain_assignments, explain_groups, explain_learners
from learntrace.progress.models import Activity
from learntrace.progress.reports.assets_and_cohorts import GroupRow, asset_rows, cohort_rows
from learntrace.progress.reports.assignments import AssignmentRow, assignments_of, with_errors
from learntrace.progress.reports.attempts import SORTABLE, attempts_of
from learntrace.progress.reports.earlier_runs import earlier_runs
from learntrace.progress.reports.learner_assignments import (
    LearnerAssignmentRow,
    by_name,
    learner_assignments,
    learner_named,
)
from learntrace.progress.reports.learners import MOST_ONLY_SEEN, LearnerRow, learner_rows, with_assignments
from learntrace.progress.reports.selection import FILTERS, PERIOD, period_of, selection_of

TAG = OpenApiParameter(
    "tag", str, OpenApiParameter.PATH, description="an assignment, with or without its prefix; may hold a slash"
)
_USER_ID = OpenApiParameter("user_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
EXPLAIN = OpenApiParameter("explain", bool, description="whether each number says how it came about")
OF_CLASS = {name: FILTERS[name] for name in ("cohort", "learner", *PERIOD)}

_SortKeys = Mapping[str, Callable[[Any], Any]]
"""What a list can be sorted by: the name in the query string, and the key of a row."""


def _by(*names: str) -> _SortKeys:
    return {name: attrgetter(name) for name in names}


# The text of an error lists the fields in this order.
_LEARNER: _SortKeys = {"learner": lambda row: by_name(row.learner), "username": attrgetter("learner.username")}
_MEASURES = ("attempts", "errors", "active_time", "error_quotient", "repeated_error_density")
_CLASS = ("learners", "learners_seen", "learners_done")
_TOTALS = ("completion_rate", "attempts", "errors", "median_active_time", "last_seen_at")
_ASSIGNMENTS = _by("assignment", "title", *_CLASS, *_TOTALS)
_ASSIGNMENT_LEARNERS: _SortKeys = {
    **_LEARNER,
    "state": lambda row: STATES.index(row.state),
    **_by(*_MEASURES, "since", "done_at", "questions", "last_outcome", "last_seen_at"),
}
_LEARNERS: _SortKeys = {
    **_LEARNER,
    **_by("assignments", "done", "completion_rate", *_MEASURES, "open_signals", "last_seen_at"),
}
_GROUPS = _by("assignments", *_CLASS, "done", *_TOTALS)
_ASSETS: _SortKeys = {"asset": lambda row: row.asset["slug"], **_GROUPS}
_COHORTS: _SortKeys = {"cohort": lambda row: row.cohort["slug"], **_GROUPS}


class ExplainedPages(Pages):
    """Pages of rows with explanations, which are shorter."""

    most = MOST_ROWS


def pages(request: Request) -> type[Pages]:
    return ExplainedPages if flag(request, "explain") else Pages


class ProgressView(AcademyView):
    """An endpoint that answers from measures."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    pagination_class = Pages


class AssignmentsView(ProgressView):
    """The academy's assignments."""

    @extend_schema(
        operation_id="progress_assignments",
        parameters=[*ACADEMY, *filters(**FILTERS), EXPLAIN],
        responses=responses(serializers.AssignmentProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List assignments with how the class does on each: those that exist, and those that were only seen."""
        selection = selection_of(self.academy, request)
        rows = sorted_items(assignments_of(selection), request, _ASSIGNMENTS)

        def serialize(page: list[AssignmentRow]) -> Any:
            with_errors(selection, page)
            if flag(request, "explain"):
                explain_assignments(selection, page)
            return serializers.AssignmentProgressSerializer(page, many=True).data

        return pages(request).answer_items(rows, request, serialize)


class AssignmentLearnersView(ProgressView):
    """The learners of an assignment."""

    @extend_schema(
        operation_id="progress_assignment_learners",
        parameters=[
            *ACADEMY,
            TAG,
            *filters(**OF_CLASS, state=f"one or more of {', '.join(STATES)}, comma-separated"),
            EXPLAIN,
        ],
        responses=responses(serializers.AssignmentLearnerSerializer(many=True), 400, 401, 403, 404),
    )
    def get(self, request: Request, tag: str) -> Response:
        """List how each learner of the class stands on an assignment, those who haven't started included."""
        key = key_of(self.academy, tag)
        selection = replace(selection_of(self.academy, request), assets=None)
        rows = sorted_items(
            learner_assignments(selection, key, one_of(request, "state", STATES)),
            request,
            _ASSIGNMENT_LEARNERS,
        )

        def serialize(page: list[LearnerAssignmentRow]) -> Any:
            if flag(request, "explain"):
                explain_learner_assignments(self.academy, page)
            return serializers.AssignmentLearnerSerializer(page, many=True).data

        return pages(request).answer_items(rows, request, serialize)


class AttemptsView(ProgressView):
    """A learner's attempts at an assignment."""

    @extend_schema(
        operation_id="progress_attempts",
        parameters=[*ACADEMY, TAG, _USER_ID, *filters(**PERIOD), EXPLAIN],
        responses=responses(serializers.AttemptSerializer(many=True), 400, 401, 403, 404),
    )
    def get(self, request: Request, tag: str, user_id: int) -> Response:
        """List the attempts in the learner's order, the oldest first; aborted and excluded ones are shown."""
        key = key_of(self.academy, tag, user_id)
        learner = learner_named(self.academy, user_id)
        rows = sorted_by(attempts_of(self.academy, key, learner.pk, period_of(request)), request, SORTABLE)

        def serialize(page: list[Activity]) -> Any:
            excluded = exclusions.named(self.academy, [row.exclusion_id for row in page])
            context = {"explain": flag(request, "explain"), "exclusions": excluded}
            return serializers.AttemptSerializer(page, many=True, context=context).data

        return pages(request).answer(rows, request, serialize)


class LearnersView(ProgressView):
    """The academy's learners."""

    @extend_schema(
        operation_id="progress_learners",
        parameters=[*ACADEMY, *filters(**FILTERS), EXPLAIN],
        responses=responses(serializers.LearnerProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List how each learner does over all assignments, or an asset's."""
        selection = selection_of(self.academy, request)
        rows = sorted_items(learner_rows(selection), request, _LEARNERS)

        def serialize(page: list[LearnerRow]) -> Any:
            if flag(request, "explain"):
                explain_learners(selection, page, of_class=True)
            return serializers.LearnerProgressSerializer(page, many=True).data

        return pages(request).answer_items(rows, request, serialize)


class LearnerView(AcademyView):
    """One learner."""

    capabilities: ClassVar = {"GET": "read_assignment"}

    @extend_schema(
        operation_id="progress_learner",
        parameters=[*ACADEMY, _USER_ID, *filters(asset=FILTERS["asset"], **PERIOD), EXPLAIN],
        responses=responses(serializers.LearnerWithAssignmentsSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, user_id: int) -> Response:
        """Read how a learner does, over all and on each assignment."""
        learner = learner_named(self.academy, user_id)
        selection = replace(selection_of(self.academy, request), learners=frozenset({learner.pk}), cohorts=None)
        row = learner_rows(selection)[0]
        with_assignments(selection, row, MOST_ONLY_SEEN)
        if flag(request, "explain"):
            explain_learners(selection, [row])
            explain_learner_assignments(self.academy, [titled.row for titled in row.by_assignment])
        row.earlier_runs = earlier_runs(learner, self.academy)
        return Response(serializers.LearnerWithAssignmentsSerializer(row).data)


class AssetsView(ProgressView):
    """The academy's notebooks and packages."""

    @extend_schema(
        operation_id="progress_assets",
        parameters=[*ACADEMY, *filters(**FILTERS), EXPLAIN],
        responses=responses(serializers.AssetProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List how the class does on each notebook and package."""
        rows = sorted_items(asset_rows(selection_of(self.academy, request)), request, _ASSETS)
        return _groups(rows, request, serializers.AssetProgressSerializer)


class CohortsView(ProgressView):
    """The academy's cohorts."""

    @extend_schema(
        operation_id="progress_cohorts",
        parameters=[*ACADEMY, *filters(**FILTERS), EXPLAIN],
        responses=responses(serializers.CohortProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List how each cohort does on the assets of its tasks, or on those that are named."""
        rows = sorted_items(cohort_rows(selection_of(self.academy, request)), request, _COHORTS)
        return _groups(rows, request, serializers.CohortProgressSerializer)


def _groups(rows: Any, request: Request, serializer: Any) -> Response:
    def serialize(page: list[GroupRow]) -> Any:
        if flag(request, "explain"):
            explain_groups(page)
        return serializer(page, many=True).data

    return pages(request).answer_items(rows, request, serialize)
