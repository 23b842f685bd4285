"""Telemetry health: whether telemetry arrives, why webhooks failed, and what was refused or rejected."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from rest_framework.request import Request

from learntrace.accounts.people.naming import unambiguous
from learntrace.core.errors import Problem
from learntrace.core.quoting import quoted
from learntrace.dashboard.components.date_range import ANY_TIME, CUSTOM, DateRange, Preset, date_range_of
from learntrace.dashboard.components.json_text import legible
from learntrace.dashboard.components.table import Paging, csv_answer, paged_rows, timed, wants_csv
from learntrace.dashboard.health.overview import AcademyHealth, Health, health_of
from learntrace.dashboard.health.volume import PERIODS, Period, own_period, period_named
from learntrace.dashboard.health.volume_chart import Chart, chart_of
from learntrace.dashboard.layout.page import AcademyPage, academy_page, record_source_read, refused
from learntrace.dashboard.layout.sign_in import safe_next
from learntrace.learnpack.events import BATCH
from learntrace.learnpack.processing.outcomes import status_text
from learntrace.learnpack.webhook_log import causes
from learntrace.notebooks.event_queries import rejected_event, rejected_of
from learntrace.notebooks.models import RejectedEvent
from learntrace.notebooks.rejected.retry import retry
from learntrace.notebooks.validation import rejections

# How many of the newest rejected events the overview shows beside their counts.
NEWEST_REJECTED = 5
MOST_IN_CSV = 10_000
_PRESETS = tuple(Preset(period.name, period.title, period.length * period.count) for period in PERIODS)


@dataclass(frozen=True)
class CauseLine:
    """A cause of errors with the URLs of what can be done about it; a URL is empty where that doesn't apply."""

    cause: causes.Cause
    text: str
    rows: str
    ignore: str
    delete: str
    diagnose: str
    learner: str


@dataclass(frozen=True)
class RejectedLine:
    """A rejected event as a line of a page."""

    row: RejectedEvent
    learner: str
    sentence: str
    raw: str


@dataclass(frozen=True)
class HealthContext:
    """The context of `health/telemetry_health.html`.

    `cut` says that only the newest `most` failed webhooks were grouped into causes.
    """

    health: Health
    found: AcademyHealth
    chart: Chart
    period: Period
    causes: Sequence[CauseLine]
    cut: bool
    rejected: Sequence[RejectedLine]
    may: bool
    most: int
    dates: DateRange


@dataclass(frozen=True)
class RejectedContext:
    """The context of `health/rejected_events.html`."""

    paging: Paging[RejectedEvent] | None
    rejected: Sequence[RejectedLine]
    may: bool
    dates: DateRange
    filtered: bool
    problem: str = ""


@require_safe
@academy_page("read_assignment")
def telemetry_health(request: HttpRequest, page: AcademyPage, look: Callable[[], Health]) -> HttpResponse:
    """Show whether telemetry arrives, and what prevents it."""
    health = look()
    if not health.migrations:
        return refused(request, 503, _("The database needs an update. Run learntrace migrate on the server."))
    now = timezone.now()
    dates = _dates(request)
    own = dates.chosen == CUSTOM
    period = own_period(dates.since, dates.until, now) if own else period_named(dates.chosen)
    found = health_of(page.academy, period, now)
    since = period.start(now)
    failed = causes.causes_of(page.academy, since, period.until)
    lines = [_cause_line(page, cause, since, period.until) for cause in failed.found]
    if wants_csv(request):
        return _causes_csv(lines)
    rejected = (
        rejected_of(page.academy, Request(request), since, period.until)[:NEWEST_REJECTED] if found.rejected else []
    )
    context = HealthContext(
        health=health,
        found=found,
        chart=chart_of(found.slots),
        period=period,
        causes=lines,
        cut=failed.cut,
        rejected=_rejected_lines(rejected),
        may=page.can("crud_telemetry"),
        most=causes.MOST_ROWS,
        dates=dates,
    )
    return page.show("health/telemetry_health.html", context)


def _dates(request: HttpRequest) -> DateRange:
    """Return the range that is asked for; `?period=` is its name in older links."""
    default = period_named(request.GET.get("period", "")).name
    try:
        dates = date_range_of(request, _PRESETS, default)
    except Problem as problem:
        dates = replace(ANY_TIME, presets=_PRESETS, problem=problem.told())
    return replace(dates, chosen=dates.chosen or default, may_be_open=False)


@require_safe
@academy_page("read_assignment")
def rejected_events(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show rejected notebook events, those sent last first, filtered by the query string."""
    filtered = any(request.GET.get(name, "").strip() for name in ("code", "learner", "range", "since", "until"))
    try:
        dates = date_range_of(request)
        rows = rejected_of(page.academy, Request(request), dates.since, dates.until)
    except Problem as problem:
        refused_context = RejectedContext(None, (), False, ANY_TIME, filtered, problem.told())
        return page.show("health/rejected_events.html", refused_context, problem.status_code)
    if wants_csv(request):
        return _rejected_csv(rows[:MOST_IN_CSV])
    paging = paged_rows(rows, request)
    if paging.rows:
        record_source_read(page, None, "rejected events")
    context = RejectedContext(paging, _rejected_lines(paging.rows), page.can("crud_telemetry"), dates, filtered)
    return page.show("health/rejected_events.html", context)


@require_POST
@academy_page("crud_telemetry")
def retry_rejected(request: HttpRequest, page: AcademyPage, rejected_id: int) -> HttpResponse:
    """Store a rejected event after all, and return to the page that asked for it."""
    row = rejected_event(page.academy, rejected_id)
    try:
        retry(row)
    except Problem as problem:
        if problem.status_code == 404:
            raise
        messages.error(request, _("It can't be accepted: %(reason)s") % {"reason": problem.told()})
    else:
        messages.success(request, _("The event has been accepted."))
    return redirect(safe_next(request, page.address("telemetry-health-rejected")))


def _cause_line(page: AcademyPage, cause: causes.Cause, since: datetime, until: datetime | None) -> CauseLine:
    example = cause.example
    subject = example.asset.slug if example.asset else example.package_slug or ""
    filters = {
        "status": "ERROR",
        "event": quoted(cause.event),
        "cause": quoted(cause.text),
        "since": _minute(since),
        "until": "" if until is None else _minute(until),
    }
    student = example.student
    return CauseLine(
        cause,
        causes.cleaned(status_text(example) or ""),
        rows=page.address("telemetry-health-log", **filters),
        # Ignoring all batches would mean ignoring everything.
        ignore=""
        if cause.event in ("", BATCH) or not page.sees_all
        else page.address("telemetry-health-ignore", events=cause.event),
        delete=page.address("telemetry-health-delete", **filters),
        diagnose=page.address("diagnosis", user=unambiguous(student.pk), asset=subject) if student and subject else "",
        learner=student.display_name if student else "",
    )


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _rejected_lines(rows: Iterable[RejectedEvent]) -> list[RejectedLine]:
    return [
        RejectedLine(
            row,
            learner=row.user.display_name if row.user else "",
            sentence=rejections.sentence_for(row.code, row.reason_values, row.detail),
            raw=legible(row.raw),
        )
        for row in rows
    ]


def _causes_csv(lines: list[CauseLine]) -> HttpResponse:
    titles = [_("Cause"), _("Event"), _("Webhooks"), _("Learners"), timed(_("Newest"))]
    cells = (
        [line.text, line.cause.event, line.cause.rows, line.cause.learners, line.cause.newest_at] for line in lines
    )
    return csv_answer("errors-by-cause", titles, cells)


def _rejected_csv(rows: Iterable[RejectedEvent]) -> HttpResponse:
    titles = [timed(_("Last sent")), _("Learner"), _("User name"), _("Code"), _("Reason"), _("Times"), _("Event id")]
    return csv_answer("rejected-events", titles, map(_rejected_cells, _rejected_lines(rows)))


def _rejected_cells(line: RejectedLine) -> list[object]:
    row = line.row
    username = row.user.username if row.user else ""
    return [row.updated_at, line.learner, username, row.code, line.sentence, row.times, row.event_id]
