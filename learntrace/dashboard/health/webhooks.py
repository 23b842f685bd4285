"""The webhook log of an academy: search, one webhook with its payload, and retry or deletion of a failed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from rest_framework.request import Request

from learntrace.accounts.academy_settings import collects_source
from learntrace.accounts.people.naming import unambiguous
from learntrace.core.errors import Problem
from learntrace.dashboard.components.arrivals import named_slug, titles_of_webhooks
from learntrace.dashboard.components.date_range import ANY_TIME, DateRange, date_range_of, with_times
from learntrace.dashboard.components.json_text import pretty_text
from learntrace.dashboard.components.table import csv_answer, timed, wants_csv
from learntrace.dashboard.layout.page import AcademyPage, academy_page, record_source_read
from learntrace.dashboard.layout.sign_in import safe_next
from learntrace.learnpack.events import BATCH
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import staff_text
from learntrace.learnpack.webhook_log import queries, search
from learntrace.learnpack.webhook_log.newest import webhook_of
from learntrace.learnpack.webhook_log.payloads import payload_text
from learntrace.registry.visibility import academy_assets

PER_PAGE = 50
MOST_IN_CSV = 10_000
# How many characters of a payload the page shows; the file has all of it.
MOST_SHOWN = 100_000


@dataclass(frozen=True)
class Line:
    """A webhook as a line of the log, with the URLs of related pages; a URL is empty where there is no such page.

    `subject` is the asset's title where it has one, `name` the slug of the asset or package.
    """

    row: Webhook
    learner: str
    subject: str
    name: str
    sentence: str
    url: str
    learner_url: str
    diagnosis_url: str

    @property
    def status(self) -> str:
        return str(self.row.status).lower()

    @property
    def failed(self) -> bool:
        return self.row.status == Webhook.Status.ERROR


@dataclass(frozen=True)
class WebhooksContext:
    """The context of `health/webhooks.html`; with a `problem` in the filters there are no rows.

    `delete_all` and `retry_all` are URLs, empty for who may not, or where the filters leave no failed webhooks.
    """

    filters: Mapping[str, str]
    statuses: type[Webhook.Status]
    problem: str = ""
    filtered: bool = False
    results: search.Found | None = None
    lines: Sequence[Line] = ()
    before: search.PagePosition | None = None
    most: int = MOST_IN_CSV
    may: bool = False
    dates: DateRange = ANY_TIME
    delete_all: str = ""
    retry_all: str = ""


@dataclass(frozen=True)
class WebhookContext:
    """The context of `health/webhook.html`; `left_out` counts the characters of the payload that are not shown."""

    line: Line
    row: Webhook
    text: str
    left_out: int
    streaming: bool
    may: bool


@require_safe
@academy_page("read_assignment")
def webhooks(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the log, newest first, filtered by the query string."""
    try:
        dates = date_range_of(request)
        with_times(request, dates)
        query = search.search_of(page.academy, Request(request))
    except Problem as problem:
        context = WebhooksContext(filters_of(request), Webhook.Status, problem=problem.told())
        return page.show("health/webhooks.html", context, problem.status_code)
    filters = filters_of(request)
    before = search.position_of(request.GET.get("before", ""))
    if wants_csv(request):
        return _csv(search.find(query, before, MOST_IN_CSV).rows)
    results = search.find(query, before, PER_PAGE)
    context = WebhooksContext(
        filters,
        Webhook.Status,
        filtered=any(filters.values()),
        results=results,
        lines=lines_of(page, results.rows),
        before=before,
        may=page.can("crud_telemetry"),
        dates=dates,
        delete_all=_bulk_url(page, "telemetry-health-delete", filters, query),
        retry_all=_bulk_url(page, "telemetry-health-retry", filters, query),
    )
    return page.show("health/webhooks.html", context)


@require_safe
@academy_page("read_assignment")
def webhook(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """Show one webhook with its payload as text."""
    row = webhook_of(page.academy, webhook_id)
    text = pretty_text(payload_text(row.pk, source=collects_source(page.academy)))
    record_source_read(page, row.student_id, f"webhook {row.pk}")
    context = WebhookContext(
        line=lines_of(page, [row])[0],
        row=row,
        text=text[:MOST_SHOWN],
        left_out=max(len(text) - MOST_SHOWN, 0),
        streaming=row.event not in ("", BATCH),
        may=page.can("crud_telemetry"),
    )
    return page.show("health/webhook.html", context)


@require_safe
@academy_page("read_assignment")
def payload(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """Send a webhook's payload as a file."""
    row = webhook_of(page.academy, webhook_id)
    text = pretty_text(payload_text(row.pk, source=collects_source(page.academy)))
    record_source_read(page, row.student_id, f"webhook {row.pk}")
    answer = HttpResponse(text, content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="webhook-{webhook_id}.json"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@require_POST
@academy_page("crud_telemetry")
def retry(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """Put a failed webhook back into the queue, and return to the page that asked for it."""
    queries.retry_one(page.academy, queries.rows_of(page.academy), webhook_id)
    messages.success(request, _("Webhook %(id)s will be processed again.") % {"id": webhook_id})
    return redirect(safe_next(request, page.address("telemetry-health-log")))


@require_POST
@academy_page("crud_telemetry")
def delete(request: HttpRequest, page: AcademyPage, webhook_id: int) -> HttpResponse:
    """Delete a failed webhook, and return to the log."""
    queries.delete_one(page.academy, queries.rows_of(page.academy), webhook_id)
    messages.success(request, _("Webhook %(id)s has been deleted.") % {"id": webhook_id})
    return redirect(safe_next(request, page.address("telemetry-health-log")))


def filters_of(request: HttpRequest) -> dict[str, str]:
    """Return the filters of the query string; those that are not set are empty strings."""
    lists = {name: ",".join(filter(None, request.GET.getlist(name))).strip() for name in search.LISTS}
    return {name: lists.get(name, request.GET.get(name, "").strip()) for name in search.NAMES}


def lines_of(page: AcademyPage, rows: Sequence[Webhook]) -> list[Line]:
    """Return webhooks as lines of the log."""
    titles = titles_of_webhooks(rows, academy_assets(page.academy))
    return [_line(page, row, titles) for row in rows]


def _line(page: AcademyPage, row: Webhook, titles: Mapping[str, str]) -> Line:
    student, slug = row.student, named_slug(row)
    return Line(
        row,
        learner=student.display_name if student else "",
        subject=titles.get(slug, slug),
        name=slug,
        sentence=staff_text(row),
        url=page.address("telemetry-health-webhook", row.pk),
        learner_url=page.address("learners-one", student.pk) if student else "",
        diagnosis_url=page.address("diagnosis", user=unambiguous(student.pk), asset=slug) if student and slug else "",
    )


def _bulk_url(page: AcademyPage, name: str, filters: Mapping[str, str], query: search.Search) -> str:
    """Return the URL that changes all failed webhooks of the filters; empty where there can be none, or for who may not."""
    failed = query.statuses is None or Webhook.Status.ERROR.value in query.statuses
    if not failed or not page.can("crud_telemetry"):
        return ""
    return page.address(name, **{**filters, "status": Webhook.Status.ERROR.value})


def _csv(rows: Sequence[Webhook]) -> HttpResponse:
    titles = [
        _("Id"),
        timed(_("Time")),
        _("Learner"),
        _("User name"),
        _("Event"),
        _("Asset"),
        _("Slug sent"),
        _("Package id"),
        _("Status"),
        _("Result"),
        timed(_("Changed")),
    ]
    return csv_answer("webhooks", titles, map(_cells, rows))


def _cells(row: Webhook) -> list[object]:
    learner = [row.student.display_name, row.student.username] if row.student else ["", ""]
    subject = [row.event, row.asset.slug if row.asset else "", row.package_slug, row.learnpack_package_id]
    return [row.pk, row.created_at, *learner, *subject, row.status, staff_text(row), row.updated_at]
