"""Assignments: how a class does on each, which errors it meets, and the attempts of each learner."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from learntrace.dashboard.assignments import csv_export
from learntrace.dashboard.assignments.context import AssignmentsContext, assignment_context, attempts_context
from learntrace.dashboard.assignments.lines import (
    ASSIGNMENT_ORDERS,
    LEARNER_ORDERS,
    LearnerLine,
    failed_share,
)
from learntrace.dashboard.assignments.renamed_steps import at_renamed_step
from learntrace.dashboard.components.date_range import figures_range
from learntrace.dashboard.components.diagnosis_links import diagnosis_url
from learntrace.dashboard.components.filters import figure_filters_of
from learntrace.dashboard.components.table import Table, csv_answer, csv_of, paged, paged_rows, sorted_rows, wants_csv
from learntrace.dashboard.concerns.cards import cards_of
from learntrace.dashboard.layout.page import AcademyPage, academy_page, record_source_read
from learntrace.progress.assignment_keys import PREFIX, key_of
from learntrace.progress.catalogue import titles_of
from learntrace.progress.reports.assignments import assignments_of
from learntrace.progress.reports.attempts import attempts_of
from learntrace.progress.reports.errors import ErrorRow, errors_on, with_variants
from learntrace.progress.reports.learner_assignments import (
    LearnerAssignmentRow,
    learner_assignments,
    learner_named,
)
from learntrace.progress.reports.selection import Selection
from learntrace.progress.reports.standing_exclusions import standing_at
from learntrace.progress.standings.common_error import common_error
from learntrace.signals.class_signals import signals_at_attempts
from learntrace.signals.concerns.of_class import concerns_of_learner, concerns_on_assignment
from learntrace.signals.evaluation.clock import now_in

MOST_ERRORS = 25
MOST_ERRORS_IN_FILE = 10_000
ATTEMPTS_PER_PAGE = 200


@require_safe
@academy_page("read_assignment")
def assignments(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show how the class does on each assignment."""
    filters = figure_filters_of(request, page.academy)
    rows = sorted_rows(assignments_of(filters.chosen.selection), request, ASSIGNMENT_ORDERS, "place")
    if wants_csv(request):
        return csv_answer("assignments", *csv_export.assignments(rows))
    paging = paged(rows, request)
    shares = [(row, failed_share(row)) for row in paging.rows]
    return page.show("assignments/assignments.html", AssignmentsContext(filters, paging, shares))


@require_safe
@academy_page("read_assignment")
@at_renamed_step
def assignment(request: HttpRequest, page: AcademyPage, key: str) -> HttpResponse:
    """Show how the class does on one assignment, beside the others; the errors met there; who needs help."""
    key = key_of(page.academy, key)
    filters = figure_filters_of(request, page.academy)
    selection = replace(filters.chosen.selection, assets=None)
    measures = learner_assignments(selection, key)
    lines = sorted_rows(map(LearnerLine, measures), request, LEARNER_ORDERS, "need")
    errors = partial(_errors, selection, key)
    stopped = [line for line in lines if line.measures.state == "stuck"] or [
        line for line in lines if line.measures.state == "struggling"
    ]
    tables: dict[str, Callable[[], Table]] = {
        "learners": lambda: csv_export.learners(lines),
        "errors": lambda: csv_export.errors(errors(MOST_ERRORS_IN_FILE)),
    }
    if (answer := csv_of(request, key.removeprefix(PREFIX), tables)) is not None:
        return answer
    context = assignment_context(
        page,
        key,
        filters,
        lines,
        assignments_of(selection),
        errors=errors(MOST_ERRORS),
        concerns=cards_of(page, concerns_on_assignment(page.academy, key, selection.learner_ids)),
        paging=paged(lines, request).with_each(partial(_linked, page)),
        excluded=standing_at(page.academy, key),
        stopped_by=common_error(page.academy.pk, key, [line.measures.learner.pk for line in stopped]),
    )
    return page.show("assignments/assignment.html", context)


@require_safe
@academy_page("read_assignment")
@at_renamed_step
def attempts(request: HttpRequest, page: AcademyPage, key: str, user_id: int) -> HttpResponse:
    """Show a learner's attempts at an assignment, one after the other."""
    key = key_of(page.academy, key, user_id)
    learner = learner_named(page.academy, user_id)
    dates = figures_range(request, page.academy)
    rows = attempts_of(page.academy, key, learner.pk, dates.period)
    if wants_csv(request):
        return csv_answer(f"attempts-{user_id}", *csv_export.attempts(rows.iterator()))
    measures = learner_assignments(Selection(page.academy, learners=frozenset({user_id}), period=dates.period), key)
    context = attempts_context(
        page,
        measures[0] if measures else LearnerAssignmentRow(learner, key),
        paged_rows(rows, request, ATTEMPTS_PER_PAGE),
        signals_at_attempts(page.academy, learner, key),
        concerns_of_learner(page.academy, learner, key),
        title=titles_of(page.academy.pk, [key]).get(key, ""),
        now=now_in(page.academy.pk),
        signal_id=request.GET.get("signal", ""),
        dates=dates,
    )
    if any(step.text for step in context.attempts):
        record_source_read(page, learner.pk, key)
    return page.show("assignments/attempts.html", context)


def _errors(selection: Selection, key: str, most: int) -> list[ErrorRow]:
    academy_id, learners, period = selection.academy.pk, selection.learner_ids, selection.period
    return with_variants(academy_id, errors_on(academy_id, [key], learners, most, period), learners, period)


def _linked(page: AcademyPage, line: LearnerLine) -> LearnerLine:
    """Return a line that leads to the learner's attempts and to the diagnosis."""
    key, learner_id = line.measures.assignment, line.measures.learner.pk
    return replace(
        line,
        url=page.address("assignments-attempts", key.removeprefix(PREFIX), learner_id),
        diagnosis_url=diagnosis_url(page, learner_id, key),
    )
