"""The webhook log of an academy: searched, one row with its payload, and what may be done to a failed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from rest_framework.request import Request

from learntrace.core.errors import Problem
from learntrace.dashboard.json_text import pretty
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.dashboard.sign_in import safe_next
from learntrace.dashboard.status import name_of
from learntrace.dashboard.table import csv_answer, wants_csv
from learntrace.learnpack import log, search
from learntrace.learnpack.inbox import BATCH
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.outcomes import told

PER_PAGE = 50
MOST_IN_CSV = 10_000
# As much of a payload as a page shows; the file has all of it.
MOST_SHOWN = 100_000


@dataclass(frozen=True)
class Line:
    """A webhook as a line of the log, with where it leads; an address is empty where there is no such place."""

    row: Webhook
    learner: str
    subject: str
    sentence: str
    address: str
    learner_address: str
    diagnosis: str

    @property
    def status(self) -> str:
        return str(self.row.status).lower()

    @property
    def failed(self) -> bool:
        return self.row.status == Webhook.Status.ERROR


@require_safe
@academy_page("read_assignment")
def webhooks(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """The log, newest first, as far as the filters in the address ask for it."""
    filters = filters_of(request)
    try:
        wanted = search.search_of(page.academy, Request(request))
    except Problem as problem:
        shown = {"filters": filters, "statuses": Webhook.Status, "problem": problem.sentence()}
        return page.show("webhooks.html", shown, problem.status_code)
    before = search.place_of(request.GET.get("before", ""))
    if wants_csv(request):
        return _csv(page, search.find(wanted, before, MOST_IN_CSV).rows)
    found = search.find(wanted, before, PER_PAGE)
    shown = {
        "filters": filters, "filtered": any(filters.values()), "statuses": Webhook.Status, "found": found,
        "lines": lines_of(page, found.rows), "before": before, "most": MOST_IN_CSV, "may": page.can("crud_telemetry"),
        "since": _field(wanted.since), "until": _field(wanted.until), **_bulk(page, filters, wanted),
    }  # fmt: skip
    return page.show("webhooks.html", shown)


@require_safe
@academy_page("read_assignment")
def webhook(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """One row, with its payload as text."""
    row = _row(page, webhook_id)
    text = pretty(row.payload)
    shown = {
        "line": lines_of(page, [row])[0], "row": row, "text": text[:MOST_SHOWN],
        "left_out": max(len(text) - MOST_SHOWN, 0), "streaming": row.event not in ("", BATCH),
        "may": page.can("crud_telemetry"),
    }  # fmt: skip
    return page.show("webhook.html", shown)


@require_safe
@academy_page("read_assignment")
def payload(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """A row's payload as a file."""
    answer = HttpResponse(pretty(_row(page, webhook_id).payload), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="webhook-{webhook_id}.json"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@require_POST
@academy_page("crud_telemetry")
def retry(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """Put a failed row back into the queue, and go on where one was."""
    log.retry_one(log.rows_of(page.academy), webhook_id)
    messages.success(request, _("Webhook %(id)s will be processed again.") % {"id": webhook_id})
    return redirect(safe_next(request, page.address("telemetry-health-log")))


@require_POST
@academy_page("crud_telemetry")
def delete(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """Delete a failed row, and go on in the log."""
    log.delete_one(log.rows_of(page.academy), webhook_id)
    messages.success(request, _("Webhook %(id)s has been deleted.") % {"id": webhook_id})
    return redirect(safe_next(request, page.address("telemetry-health-log")))


def filters_of(request: HttpRequest) -> dict[str, str]:
    """The filters as they stand in the address, those that are not set as empty texts."""
    return {name: request.GET.get(name, "").strip() for name in search.NAMES}


def lines_of(page: AcademyPage, rows: Sequence[Webhook]) -> list[Line]:
    """Rows as lines, with where they lead."""
    lines = []
    for row in rows:
        student = row.student
        subject = row.asset.slug if row.asset else row.package_slug or ""
        lines.append(Line(
            row, name_of(student) if student else "", subject, told(row) or "",
            address=page.address("telemetry-health-webhook", row.pk),
            learner_address=page.address("learners-one", student.pk) if student else "",
            diagnosis=page.address("diagnosis", user=student.username, asset=subject) if student and subject else "",
        ))  # fmt: skip
    return lines


def _row(page: AcademyPage, webhook_id: int) -> Webhook:
    row = log.rows_of(page.academy).select_related("student", "asset").filter(pk=webhook_id).first()
    if row is None:
        raise log.WebhookNotFound
    return row


def _bulk(page: AcademyPage, filters: Mapping[str, str], wanted: search.Search) -> dict[str, str]:
    """Where all failed rows of the filters are deleted or retried; nothing where the filters leave out the failed ones."""
    failed = wanted.statuses is None or Webhook.Status.ERROR.value in wanted.statuses
    if not failed or not page.can("crud_telemetry"):
        return {}
    asked = {**filters, "status": Webhook.Status.ERROR.value}
    return {
        "delete_all": page.address("telemetry-health-delete", **asked),
        "retry_all": page.address("telemetry-health-retry", **asked),
    }


def _field(at: datetime | None) -> str:
    """A time as a field for times takes it."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _csv(page: AcademyPage, rows: Sequence[Webhook]) -> HttpResponse:
    titles = [
        _("Id"), _("Time"), _("Learner"), _("User name"), _("Event"), _("Asset"), _("Package"), _("Package id"), _("Status"),
        _("What became of it"), _("Changed"),
    ]  # fmt: skip
    lines = (
        [row.pk, row.created_at, name_of(row.student) if row.student else "", row.student.username if row.student else "",
         row.event, row.asset.slug if row.asset else "", row.package_slug, row.learnpack_package_id, row.status, told(row),
         row.updated_at]
        for row in rows
    )  # fmt: skip
    return csv_answer("webhooks", titles, lines)
