"""Learners: how each does, and everything about one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from learntrace.accounts.models import User
from learntrace.assignments.learner_records import learner_tasks, learner_telemetry, raw_telemetry
from learntrace.assignments.score_bands import class_bands
from learntrace.dashboard.components.date_range import DateRange, figures_range
from learntrace.dashboard.components.earlier_runs import earlier_runs_table
from learntrace.dashboard.components.filters import figure_filters_of
from learntrace.dashboard.components.json_text import pretty_text
from learntrace.dashboard.components.sentences import of_class
from learntrace.dashboard.components.signal_lines import SignalLine, lines_of
from learntrace.dashboard.components.table import Table, csv_answer, csv_of, paged, sorted_rows, wants_csv
from learntrace.dashboard.concerns.hands import MOST_OF_LEARNER
from learntrace.dashboard.layout.page import AcademyPage, academy_page, record_source_read
from learntrace.dashboard.learners import csv_export
from learntrace.dashboard.learners.context import LearnersContext, RawTelemetryContext, learner_context
from learntrace.dashboard.learners.lines import ORDERS, LearnerLine, class_of
from learntrace.notebooks.consent import has_opted_out
from learntrace.progress.periods.period import ALL_TIMES
from learntrace.progress.reports.attempts import has_excluded_attempts, recent_attempts
from learntrace.progress.reports.earlier_runs import earlier_runs
from learntrace.progress.reports.learner_assignments import learner_named
from learntrace.progress.reports.learners import MOST_ONLY_SEEN, LearnerRow, learner_rows, with_assignments
from learntrace.progress.reports.selection import Selection
from learntrace.progress.reports.standing_exclusions import standing_of
from learntrace.progress.standings.current_work import current_work, works_of_class
from learntrace.registry.visibility import academy_assets, named
from learntrace.signals.class_signals import signals_of_learner
from learntrace.signals.concerns.of_class import concerns_of_learner
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.help_requests.queue import hands_of_learner

# Rows of each of a learner's tables on the page; the CSV files have all.
MOST_ROWS = 100
# Characters of a raw document on its page; the API has all of it.
MOST_RAW = 200_000


@require_safe
@academy_page("read_assignment")
def learners(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show where a class stands, and how each of its learners does over all assignments, or over those of an asset."""
    filters = figure_filters_of(request, page.academy)
    lines = sorted_rows(_lines(filters.chosen.selection), request, ORDERS, "need")
    if wants_csv(request):
        return csv_answer("learners", *csv_export.learners(lines))
    standing = class_of(lines, _completion_rates(filters.chosen.selection, lines))
    cohort = filters.chosen.cohort
    sentence = of_class(standing, cohort.name if cohort else "")
    paging = paged(lines, request).with_each(partial(_linked, page))
    return page.show("learners/learners.html", LearnersContext(filters, paging, standing, sentence))


@require_safe
@academy_page("read_assignment")
def learner(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Show everything about one learner."""
    user = learner_named(page.academy, user_id)
    dates = figures_range(request, page.academy)
    selection = Selection(page.academy, learners=frozenset({user.pk}), period=dates.period)
    row = learner_rows(selection)[0]
    with_assignments(selection, row, None if wants_csv(request) else MOST_ONLY_SEEN)
    if (answer := csv_of(request, f"learner-{user.username}", _tables(page, user, row, dates))) is not None:
        return answer
    telemetry = learner_telemetry(page.academy, user, MOST_ROWS)
    work = current_work([user.pk], page.academy.pk).get(user.pk)
    activities = recent_attempts(page.academy, user, dates.period)
    hands = hands_of_learner(page.academy, user, MOST_OF_LEARNER, dates.period)
    context = learner_context(
        page,
        row,
        work,
        activities=activities,
        concerns=concerns_of_learner(page.academy, user, hands=hands),
        hands=hands,
        signals=_signal_lines(page, user, dates, MOST_ROWS),
        telemetry=telemetry,
        bands=class_bands(page.academy, [asset.slug for asset in telemetry]) if telemetry else {},
        tasks=learner_tasks(page.academy, user, MOST_ROWS),
        runs=earlier_runs(user, page.academy)[:MOST_ROWS],
        excluded=standing_of(page.academy, user.pk),
        all_excluded=not activities and has_excluded_attempts(page.academy, user.pk),
        opted_out=has_opted_out(user),
        dates=dates,
        done_by_now=learner_rows(replace(selection, period=ALL_TIMES))[0].done if dates.period else row.done,
    )
    return page.show("learners/learner.html", context)


@require_safe
@academy_page("read_assignment")
def telemetry(request: HttpRequest, page: AcademyPage, user_id: int, slug: str) -> HttpResponse:
    """Show a learner's raw telemetry on an asset, as the source sent it last."""
    user = learner_named(page.academy, user_id)
    text = pretty_text(raw_telemetry(page.academy, user, slug))
    left_out = max(len(text) - MOST_RAW, 0)
    record_source_read(page, user.pk, slug)
    asset = named(academy_assets(page.academy), slug)
    title = (asset.title if asset else "") or slug
    return page.show(
        "learners/raw_telemetry.html", RawTelemetryContext(user.display_name, title, text[:MOST_RAW], left_out)
    )


def _lines(selection: Selection) -> list[LearnerLine]:
    rows = learner_rows(selection)
    works = works_of_class(selection, [row.learner.pk for row in rows])
    return [LearnerLine(row, works.get(row.learner.pk)) for row in rows]


def _linked(page: AcademyPage, line: LearnerLine) -> LearnerLine:
    """Return a line that leads to the attempts at the work in hand."""
    if line.work is None:
        return line
    return replace(line, url=page.address("assignments-attempts", line.work.name, line.row.learner.pk))


def _tables(page: AcademyPage, user: User, row: LearnerRow, dates: DateRange) -> dict[str, Callable[[], Table]]:
    """Return the tables of a learner's page, with all of their rows."""
    return {
        "assignments": lambda: csv_export.assignments(row),
        "telemetry": lambda: csv_export.telemetry(learner_telemetry(page.academy, user)[::-1]),
        "signals": lambda: csv_export.signals(_signal_lines(page, user, dates)),
        "tasks": lambda: csv_export.tasks(learner_tasks(page.academy, user)),
        "earlier": lambda: earlier_runs_table(earlier_runs(user, page.academy)),
    }


def _signal_lines(page: AcademyPage, user: User, dates: DateRange, most: int | None = None) -> list[SignalLine]:
    """Return the signals that stood at some time of the dates."""
    return lines_of(page, signals_of_learner(page.academy, user, most, dates.period), now_in(page.academy.pk))


def _completion_rates(selection: Selection, lines: Sequence[LearnerLine]) -> list[float]:
    """Return the learners' completion rates as of now."""
    rows = learner_rows(replace(selection, period=ALL_TIMES)) if selection.period else [line.row for line in lines]
    return [row.completion_rate for row in rows]
