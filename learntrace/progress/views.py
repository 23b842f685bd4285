"""How learners, assignments, assets and cohorts are doing, for an academy's staff (design, "The API beyond the contract")."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import flag, one_of
from learntrace.accounts.schema import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.pages import Pages, sorted_by, sorted_items
from learntrace.progress import serializers as shown
from learntrace.progress.assignments import AssignmentRow, assignments_of, with_errors
from learntrace.progress.attempts import SORTABLE, attempts_of
from learntrace.progress.explained_rows import explain_assignments, explain_groups, explain_learners
from learntrace.progress.explained_standings import explain_standings
from learntrace.progress.explaining import MOST_ROWS
from learntrace.progress.groups import GroupRow, asset_rows, cohort_rows
from learntrace.progress.keys import key_of
from learntrace.progress.learners import LearnerRow, learner_rows, with_assignments
from learntrace.progress.selection import FILTERS, selection_of
from learntrace.progress.standings import STATES, Standing, by_name, learner_named, standings

_TAG = OpenApiParameter(
    "tag", str, OpenApiParameter.PATH, description="an assignment, with or without its prefix; may hold a slash"
)
_USER_ID = OpenApiParameter("user_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_EXPLAIN = OpenApiParameter("explain", bool, description="whether each number says how it came about")
_OF_CLASS = {name: FILTERS[name] for name in ("cohort", "learner")}


def _by(*names: str) -> dict[str, Callable[[Any], Any]]:
    return {name: attrgetter(name) for name in names}


_NAMED: Mapping[str, Callable[[Any], Any]] = {
    "learner": lambda row: by_name(row.learner), "username": attrgetter("learner.username"),
}  # fmt: skip
_ASSIGNMENTS: Mapping[str, Callable[[AssignmentRow], Any]] = _by(
    "assignment", "title", "learners", "learners_seen", "learners_done", "completion_rate", "attempts", "errors",
    "median_active_time", "last_seen_at",
)  # fmt: skip
_STANDINGS: Mapping[str, Callable[[Standing], Any]] = {
    **_NAMED,
    "state": lambda row: STATES.index(row.state),
    **_by(
        "attempts", "errors", "active_time", "error_quotient", "repeated_error_density", "last_outcome", "last_seen_at"
    ),
}
_LEARNERS: Mapping[str, Callable[[LearnerRow], Any]] = {
    **_NAMED,
    **_by(
        "assignments", "done", "completion_rate", "attempts", "errors", "active_time", "error_quotient",
        "repeated_error_density", "open_signals", "last_seen_at",
    ),
}  # fmt: skip
_GROUPS: Mapping[str, Callable[[GroupRow], Any]] = _by(
    "assignments", "learners", "learners_seen", "learners_done", "done", "completion_rate", "attempts", "errors",
    "median_active_time", "last_seen_at",
)  # fmt: skip
_ASSETS = {"asset": lambda row: row.asset["slug"], **_GROUPS}
_COHORTS = {"cohort": lambda row: row.cohort["slug"], **_GROUPS}


class ExplainedPages(Pages):
    """Pages of rows that say how their numbers came about."""

    most = MOST_ROWS


def _pages(request: Request) -> type[Pages]:
    return ExplainedPages if flag(request, "explain") else Pages


class _ProgressView(AcademyView):
    """What is answered from measures."""

    capabilities: ClassVar = {"GET": "read_assignment"}
    pagination_class = Pages


class AssignmentsView(_ProgressView):
    """The academy's assignments."""

    @extend_schema(
        operation_id="progress_assignments",
        parameters=[*ACADEMY, *filters(**FILTERS), _EXPLAIN],
        responses=responses(shown.AssignmentProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List assignments with how the class does on each: those that exist, and those that were only seen."""
        selection = selection_of(self.academy, request)
        rows = sorted_items(assignments_of(selection), request, _ASSIGNMENTS)

        def serialize(found: list[AssignmentRow]) -> Any:
            with_errors(selection, found)
            if flag(request, "explain"):
                explain_assignments(selection, found)
            return shown.AssignmentProgressSerializer(found, many=True).data

        return _pages(request).answer_items(rows, request, serialize)


class StandingsView(_ProgressView):
    """The learners of an assignment."""

    @extend_schema(
        operation_id="progress_assignment_learners",
        parameters=[
            *ACADEMY, _TAG, *filters(**_OF_CLASS, state=f"one or more of {', '.join(STATES)}, comma between"), _EXPLAIN,
        ],
        responses=responses(shown.StandingSerializer(many=True), 400, 401, 403, 404),
    )  # fmt: skip
    def get(self, request: Request, tag: str) -> Response:
        """List how each learner of the class stands on an assignment, those who haven't started included."""
        key = key_of(self.academy, tag)
        selection = replace(selection_of(self.academy, request), assets=None)
        rows = sorted_items(standings(selection, key, one_of(request, "state", STATES)), request, _STANDINGS)

        def serialize(found: list[Standing]) -> Any:
            if flag(request, "explain"):
                explain_standings(self.academy, found)
            return shown.StandingSerializer(found, many=True).data

        return _pages(request).answer_items(rows, request, serialize)


class AttemptsView(_ProgressView):
    """A learner's attempts at an assignment."""

    @extend_schema(
        operation_id="progress_attempts",
        parameters=[*ACADEMY, _TAG, _USER_ID, _EXPLAIN],
        responses=responses(shown.AttemptSerializer(many=True), 400, 401, 403, 404),
    )
    def get(self, request: Request, tag: str, user_id: int) -> Response:
        """List the attempts in the learner's order, the oldest first; those that were aborted are shown."""
        key = key_of(self.academy, tag)
        learner = learner_named(self.academy, user_id)
        rows = sorted_by(attempts_of(self.academy, key, learner.pk), request, SORTABLE)
        context = {"explain": flag(request, "explain")}
        return _pages(request).answer(
            rows, request, lambda found: shown.AttemptSerializer(found, many=True, context=context).data
        )


class LearnersView(_ProgressView):
    """The academy's learners."""

    @extend_schema(
        operation_id="progress_learners",
        parameters=[*ACADEMY, *filters(**FILTERS), _EXPLAIN],
        responses=responses(shown.LearnerProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List how each learner does over all assignments, or an asset's."""
        selection = selection_of(self.academy, request)
        rows = sorted_items(learner_rows(selection), request, _LEARNERS)

        def serialize(found: list[LearnerRow]) -> Any:
            if flag(request, "explain"):
                explain_learners(selection, found)
            return shown.LearnerProgressSerializer(found, many=True).data

        return _pages(request).answer_items(rows, request, serialize)


class LearnerView(AcademyView):
    """One learner."""

    capabilities: ClassVar = {"GET": "read_assignment"}

    @extend_schema(
        operation_id="progress_learner",
        parameters=[*ACADEMY, _USER_ID, *filters(asset=FILTERS["asset"]), _EXPLAIN],
        responses=responses(shown.LearnerWithAssignmentsSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, user_id: int) -> Response:
        """Read how a learner does, over all and on each assignment."""
        learner = learner_named(self.academy, user_id)
        selection = replace(selection_of(self.academy, request), learners=frozenset({learner.pk}), cohorts=None)
        row = learner_rows(selection)[0]
        with_assignments(selection, row)
        if flag(request, "explain"):
            explain_learners(selection, [row])
            explain_standings(self.academy, [one.standing for one in row.by_assignment])
        return Response(shown.LearnerWithAssignmentsSerializer(row).data)


class AssetsView(_ProgressView):
    """The academy's notebooks and packages."""

    @extend_schema(
        operation_id="progress_assets",
        parameters=[*ACADEMY, *filters(**FILTERS), _EXPLAIN],
        responses=responses(shown.AssetProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List how the class does on each notebook and package."""
        rows = sorted_items(asset_rows(selection_of(self.academy, request)), request, _ASSETS)
        return _groups(rows, request, shown.AssetProgressSerializer)


class CohortsView(_ProgressView):
    """The academy's cohorts."""

    @extend_schema(
        operation_id="progress_cohorts",
        parameters=[*ACADEMY, *filters(**FILTERS), _EXPLAIN],
        responses=responses(shown.CohortProgressSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List how each cohort does on the assets of its tasks, or on those that are named."""
        rows = sorted_items(cohort_rows(selection_of(self.academy, request)), request, _COHORTS)
        return _groups(rows, request, shown.CohortProgressSerializer)


def _groups(rows: Any, request: Request, serializer: Any) -> Response:
    def serialize(found: list[GroupRow]) -> Any:
        if flag(request, "explain"):
            explain_groups(found)
        return serializer(found, many=True).data

    return _pages(request).answer_items(rows, request, serialize)
