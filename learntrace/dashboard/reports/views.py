"""Reports: who slipped, what was hard and what got easier in a span of days; cohorts side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from learntrace.dashboard.components import labels
from learntrace.dashboard.components.charts.curves import Curves, curves
from learntrace.dashboard.components.filters import Filters, figure_filters_of, filters_of
from learntrace.dashboard.components.table import Columns, Table, csv_of, table_of
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.progress.catalogue import Title, full_titles_of
from learntrace.progress.models import SummarySubscription
from learntrace.progress.reports.errors import ErrorRow
from learntrace.progress.summaries import mail
from learntrace.progress.summaries.cohorts import CohortFigures, compare
from learntrace.progress.summaries.span import MOST_DAYS, Span, last_days, last_week, this_week
from learntrace.progress.summaries.week import AssignmentFigures, Slipped, Week, names_of, week_of

# Rows of each list on the page; the CSV files have all.
MOST_ROWS: Final = 10
MOST_COHORTS: Final = 6

_PRESETS: tuple[tuple[str, str | Promise, Callable[[], Span]], ...] = (
    ("last-week", gettext_lazy("Last week"), last_week),
    ("this-week", gettext_lazy("This week"), this_week),
    ("30-days", gettext_lazy("Last 30 days"), lambda: last_days(30)),
)


@dataclass(frozen=True)
class SlippedLine:
    """A learner who slipped, with the reasons as words."""

    name: str
    slipped: Slipped
    reasons: str


@dataclass(frozen=True)
class AssignmentLine:
    """An assignment's figures with what it is called."""

    title: Title
    figures: AssignmentFigures


@dataclass(frozen=True)
class CohortLine:
    """A cohort's figures, and its most common errors with what their assignments are called."""

    figures: CohortFigures
    errors: Sequence[tuple[ErrorRow, Title]]


@dataclass(frozen=True)
class WeekContext:
    """The context of `reports/week.html`. `chosen` is the preset, empty for days of one's own."""

    filters: Filters
    span: Span
    chosen: str
    presets: Sequence[tuple[str, str | Promise]]
    problem: str
    week: Week
    slipped: Sequence[SlippedLine]
    hard: Sequence[AssignmentLine]
    easier: Sequence[AssignmentLine]
    subscription: SummarySubscription | None
    mail: bool
    most: int = MOST_ROWS


@dataclass(frozen=True)
class CohortsContext:
    """The context of `reports/cohorts.html`."""

    filters: Filters
    cohorts: Sequence[CohortLine]
    chosen: frozenset[int]
    chart: Curves
    may_change: bool
    most: int = MOST_COHORTS


@require_safe
@academy_page("read_assignment")
def week(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show a span of days: last week unless the query string names another."""
    filters = filters_of(request, page.academy)
    preset, span, problem = _span_of(request)
    figures = week_of(page.academy.pk, filters.chosen.selection.learner_ids, span)
    names = names_of([one.user_id for one in figures.learners])
    tables = {
        "learners": lambda: table_of(_learner_columns(names), figures.slipped),
        "exercises": lambda: table_of(_ASSIGNMENT_COLUMNS, figures.assignments),
    }
    if (answer := csv_of(request, f"report-{span.first}-{span.last}", tables)) is not None:
        return answer
    hard, easier = figures.hard[:MOST_ROWS], figures.easier[:MOST_ROWS]
    titles = full_titles_of(page.academy.pk, [one.key for one in (*hard, *easier)])
    context = WeekContext(
        filters=filters,
        span=span,
        chosen=preset,
        presets=[(slug, title) for slug, title, _span in _PRESETS],
        problem=problem,
        week=figures,
        slipped=[_line(one, names) for one in figures.slipped[:MOST_ROWS]],
        hard=[AssignmentLine(titles[one.key], one) for one in hard],
        easier=[AssignmentLine(titles[one.key], one) for one in easier],
        subscription=mail.subscription_of(page.user, page.academy),
        mail=mail.is_available(page.user),
    )
    return page.show("reports/week.html", context)


@require_POST
@academy_page("read_assignment")
def subscribe(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Have oneself sent the weekly summary, or no longer."""
    wanted = request.POST.get("weekly") == "yes"
    cohort = filters_of(request, page.academy).options.cohorts
    chosen = next((one for one in cohort if one.slug == request.POST.get("cohort", "")), None)
    mail.subscribe(page.user, page.academy, chosen, wanted=wanted)
    told = _("You get the summary by e-mail every Monday.") if wanted else _("You no longer get the summary by e-mail.")
    messages.success(request, told)
    return redirect(page.address("reports", cohort=request.POST.get("cohort", "")))


@require_safe
@academy_page("read_assignment")
def cohorts(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show cohorts side by side: those that the query string names, else the newest ones."""
    filters = figure_filters_of(request, page.academy)
    options = filters.options.cohorts
    wanted = set(request.GET.getlist("with"))
    newest = sorted(options, key=lambda one: (one.starts_on or date.min, one.pk), reverse=True)
    chosen = [one for one in options if one.slug in wanted][:MOST_COHORTS] or newest[:MOST_COHORTS]
    rows = compare(page.academy, chosen, filters.chosen.selection.assets, filters.chosen.period)
    if (
        answer := csv_of(request, "cohorts", {"cohorts": lambda: table_of(_COHORT_COLUMNS, rows), **_curves(rows)})
    ) is not None:
        return answer
    chart = curves([(one.cohort.name, one.curve) for one in rows])
    titles = full_titles_of(page.academy.pk, [error.assignment for one in rows for error in one.errors])
    lines = [CohortLine(one, [(error, titles[error.assignment]) for error in one.errors]) for one in rows]
    shown = CohortsContext(filters, lines, frozenset(one.pk for one in chosen), chart, page.can("crud_member"))
    return page.show("reports/cohorts.html", shown)


def _span_of(request: HttpRequest) -> tuple[str, Span, str]:
    """Return the preset, the span, and what is wrong with the days that were given; a wrong span is the default one."""
    first, last = (request.GET.get(name, "").strip() for name in ("first", "last"))
    if first or last:
        try:
            begins, ends = parse_date(first), parse_date(last)
        except ValueError:
            begins = ends = None
        if begins is None or ends is None:
            return _PRESETS[0][0], last_week(), _("Enter both days, such as 2026-09-01.")
        if ends < begins:
            return _PRESETS[0][0], last_week(), _("The last day is before the first.")
        if (ends - begins).days >= MOST_DAYS or not 1970 < begins.year < 9990:
            return _PRESETS[0][0], last_week(), _("Choose %(days)s days at most.") % {"days": MOST_DAYS}
        return "", Span(begins, ends), ""
    wanted = request.GET.get("span", "")
    slug, _title, make = next((one for one in _PRESETS if one[0] == wanted), _PRESETS[0])
    return slug, make(), ""


def _line(one: Slipped, names: dict[int, str]) -> SlippedLine:
    name = names.get(one.learner.user_id, str(one.learner.user_id))
    return SlippedLine(name, one, ", ".join(mail.reason_text(reason) for reason in one.reasons))


def _learner_columns(names: dict[int, str]) -> Columns[Slipped]:
    return (
        (gettext_lazy("User id"), lambda one: one.learner.user_id),
        (gettext_lazy("Learner"), lambda one: names.get(one.learner.user_id, "")),
        (gettext_lazy("Why"), lambda one: ", ".join(mail.reason_text(reason) for reason in one.reasons)),
        (gettext_lazy("Attempts"), lambda one: one.learner.attempts),
        (gettext_lazy("Attempts in the period before"), lambda one: one.learner.attempts_before),
        (gettext_lazy("Completed"), lambda one: one.learner.done),
        (gettext_lazy("Completed in this period"), lambda one: one.learner.newly_done),
        (gettext_lazy("Stuck on"), lambda one: one.learner.stuck),
    )


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


_ASSIGNMENT_COLUMNS: Columns[AssignmentFigures] = (
    (gettext_lazy("Assignment"), lambda one: one.key),
    (gettext_lazy("Learners"), lambda one: one.learners),
    (gettext_lazy("Completed"), lambda one: one.done),
    (gettext_lazy("Attempts"), lambda one: one.attempts),
    (gettext_lazy("Share of failed attempts"), lambda one: _rounded(one.failed_share)),
    (gettext_lazy("Median seconds until done"), lambda one: _rounded(one.median_seconds, 0)),
    (gettext_lazy("Learners in the period before"), lambda one: one.learners_before),
    (gettext_lazy("Attempts in the period before"), lambda one: one.attempts_before),
    (gettext_lazy("Share of failed attempts in the period before"), lambda one: _rounded(one.failed_share_before)),
)
_COHORT_COLUMNS: Columns[CohortFigures] = (
    (gettext_lazy("Cohort"), lambda one: one.cohort.name),
    (gettext_lazy("Starts on"), lambda one: one.cohort.starts_on),
    (gettext_lazy("Learners"), lambda one: one.learners),
    (gettext_lazy("Learners with attempts"), lambda one: one.active),
    (gettext_lazy("Share completed"), lambda one: _rounded(one.done_share)),
    (gettext_lazy("Median seconds until done"), lambda one: _rounded(one.median_seconds, 0)),
    (gettext_lazy("Attempts"), lambda one: one.attempts),
    (gettext_lazy("Share of failed attempts"), lambda one: _rounded(one.failed_share)),
    (gettext_lazy("Most common error"), lambda one: labels.error_words(one.errors[0].text) if one.errors else ""),
)


def _curves(rows: Sequence[CohortFigures]) -> dict[str, Callable[[], Table]]:
    """Return the table behind the chart: a row a day, a column a cohort."""
    days = max((len(one.curve) for one in rows), default=0)

    def table() -> Table:
        titles = [_("Day"), *(one.cohort.name for one in rows)]
        cells = (
            [day, *(_rounded(one.curve[day], 4) if day < len(one.curve) else "" for one in rows)] for day in range(days)
        )
        return titles, cells

    return {"curves": table}
