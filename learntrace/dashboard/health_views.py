"""Telemetry health: whether telemetry arrives, what fails and why, and what was refused or rejected."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from rest_framework.request import Request

from learntrace.core.errors import Problem
from learntrace.core.quoting import quoted
from learntrace.dashboard.arriving import PERIODS, period_named
from learntrace.dashboard.chart import chart_of
from learntrace.dashboard.health import Health, health_of
from learntrace.dashboard.json_text import legible
from learntrace.dashboard.shell import AcademyPage, academy_page, refused
from learntrace.dashboard.sign_in import safe_next
from learntrace.dashboard.status import name_of
from learntrace.dashboard.table import csv_answer, paged_rows, wants_csv
from learntrace.learnpack import causes
from learntrace.learnpack.inbox import BATCH
from learntrace.learnpack.outcomes import told
from learntrace.notebooks import rejections
from learntrace.notebooks.log import rejected_of, rejected_one
from learntrace.notebooks.models import RejectedEvent
from learntrace.notebooks.retry import retry

# Of the newest rejected events, beside their counts.
NEWEST_REJECTED = 5
MOST_IN_CSV = 10_000


@dataclass(frozen=True)
class CauseLine:
    """A cause with what can be done about it; an address is empty where that doesn't help."""

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


@require_safe
@academy_page("read_assignment")
def telemetry_health(request: HttpRequest, page: AcademyPage, look: Callable[[], Health]) -> HttpResponse:
    """Whether telemetry arrives, and what stands in its way."""
    health = look()
    if not health.migrations:
        return refused(request, 503, _("The database waits for its update. Run learntrace migrate on the server."))
    now = timezone.now()
    period = period_named(request.GET.get("period", ""))
    found = health_of(page.academy, period, now)
    since = period.start(now)
    failed = causes.causes_of(page.academy, since)
    lines = [_line(page, cause, since) for cause in failed.found]
    if wants_csv(request):
        return _causes_csv(lines)
    rejected = rejected_of(page.academy, Request(request))[:NEWEST_REJECTED] if found.rejected else []
    shown: dict[str, Any] = {
        "health": health, "found": found, "chart": chart_of(found.slots), "period": period, "periods": PERIODS,
        "causes": lines, "may": page.can("crud_telemetry"), "cut": failed.cut,
        "most": causes.MOST_ROWS, "rejected": _rejected_lines(rejected),
        "ingest_address": request.build_absolute_uri("/v1/assignment/me/telemetry"),
    }  # fmt: skip
    return page.show("telemetry_health.html", shown)


@require_safe
@academy_page("read_assignment")
def rejected_events(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Events of notebooks that couldn't be taken, the latest sent first; `?code=` and `?learner=` filter them."""
    rows = rejected_of(page.academy, Request(request))
    if wants_csv(request):
        return _rejected_csv(rows[:MOST_IN_CSV])
    paging = paged_rows(rows, request)
    shown = {"paging": paging, "rejected": _rejected_lines(paging.rows), "may": page.can("crud_telemetry")}
    return page.show("rejected_events.html", shown)


@require_POST
@academy_page("crud_telemetry")
def retry_rejected(request: HttpRequest, page: AcademyPage, rejected_id: int) -> HttpResponse:
    """Take a rejected event after all, and go on where one was."""
    row = rejected_one(page.academy, rejected_id)
    try:
        retry(row)
    except Problem as problem:
        if problem.status_code == 404:
            raise
        messages.error(request, _("It can't be taken: %(reason)s") % {"reason": problem.sentence()})
    else:
        messages.success(request, _("The event has been taken."))
    return redirect(safe_next(request, page.address("telemetry-health-rejected")))


def _line(page: AcademyPage, cause: causes.Cause, since: datetime) -> CauseLine:
    example = cause.example
    subject = example.asset.slug if example.asset else example.package_slug or ""
    filters = {
        "status": "ERROR", "event": quoted(cause.event), "cause": quoted(cause.text),
        "since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip
    student = example.student
    return CauseLine(
        cause,
        causes.cleaned(told(example) or ""),
        rows=page.address("telemetry-health-log", **filters),
        # To ignore all batches would be to ignore everything.
        ignore="" if cause.event in ("", BATCH) else page.address("telemetry-health-ignore", events=cause.event),
        delete=page.address("telemetry-health-delete", **filters),
        diagnose=page.address("diagnosis", user=student.username, asset=subject) if student and subject else "",
        learner=name_of(student) if student else "",
    )


def _rejected_lines(rows: Any) -> list[RejectedLine]:
    return [
        RejectedLine(
            row, name_of(row.user) if row.user else "", rejections.told(row.code, row.reason_values, row.detail),
            legible(row.raw),
        )
        for row in rows
    ]  # fmt: skip


def _causes_csv(lines: list[CauseLine]) -> HttpResponse:
    titles = [_("Cause"), _("Event"), _("Rows"), _("Learners"), _("Newest")]
    rows = ([line.text, line.cause.event, line.cause.rows, line.cause.learners, line.cause.newest_at] for line in lines)
    return csv_answer("errors-by-cause", titles, rows)


def _rejected_csv(rows: Any) -> HttpResponse:
    titles = [_("Last sent"), _("Learner"), _("User name"), _("Code"), _("Reason"), _("Times"), _("Event id")]
    lines = (
        [line.row.updated_at, line.learner, line.row.user.username if line.row.user else "", line.row.code, line.sentence,
         line.row.times, line.row.event_id]
        for line in _rejected_lines(rows)
    )  # fmt: skip
    return csv_answer("rejected-events", titles, lines)
