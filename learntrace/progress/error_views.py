"""Endpoints for an academy's staff about groups of errors: on all assignments, or on one."""

from collections.abc import Collection
from dataclasses import replace
from operator import attrgetter
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.filters import flag
from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.core.http.pagination import sorted_items
from learntrace.progress import serializers
from learntrace.progress.assignment_keys import key_of
from learntrace.progress.explain.errors import explain_errors
from learntrace.progress.models import Assignment
from learntrace.progress.reports.errors import ErrorRow, errors_on, with_variants
from learntrace.progress.reports.selection import FILTERS, Selection, selection_of
from learntrace.progress.views import EXPLAIN, OF_CLASS, TAG, ProgressView, pages

# More groups on one assignment nobody reads; the list says so by its length.
MOST = 1000

_SORTABLE = {
    "error": attrgetter("text"),
    **{name: attrgetter(name) for name in ("assignment", "learners", "times", "solved", "median_seconds", "last_at")},
}


class ErrorsView(ProgressView):
    """The errors of the academy's learners."""

    @extend_schema(
        operation_id="progress_errors",
        parameters=[*ACADEMY, *filters(**FILTERS), EXPLAIN],
        responses=responses(serializers.ErrorGroupSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List the groups of errors that were met on each assignment, those of most learners first."""
        selection = selection_of(self.academy, request)
        return _answer(request, selection, _keys(selection))


class AssignmentErrorsView(ProgressView):
    """The errors on an assignment."""

    @extend_schema(
        operation_id="progress_assignment_errors",
        parameters=[*ACADEMY, TAG, *filters(**OF_CLASS), EXPLAIN],
        responses=responses(serializers.ErrorGroupSerializer(many=True), 400, 401, 403, 404),
    )
    def get(self, request: Request, tag: str) -> Response:
        """List the groups of errors that were met on an assignment, those of most learners first."""
        key = key_of(self.academy, tag)
        return _answer(request, replace(selection_of(self.academy, request), assets=None), [key])


def _keys(selection: Selection) -> list[str] | None:
    if selection.assets is None:
        return None
    published = Assignment.objects.filter(academy=selection.academy, asset__in=selection.assets)
    return list(published.values_list("key", flat=True))


def _answer(request: Request, selection: Selection, keys: Collection[str] | None) -> Response:
    met = errors_on(selection.academy.pk, keys, selection.learner_ids, MOST, selection.period)
    rows = sorted_items(met, request, _SORTABLE)

    def serialize(page: list[ErrorRow]) -> Any:
        told = with_variants(selection.academy.pk, page, selection.learner_ids, selection.period)
        if flag(request, "explain"):
            told = explain_errors(selection, told)
        return serializers.ErrorGroupSerializer(told, many=True).data

    return pages(request).answer_items(rows, request, serialize)
