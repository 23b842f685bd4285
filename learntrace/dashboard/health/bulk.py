"""Deleting or retrying all failed webhooks of a search: a page shows how many, and only those are changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request

from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.components.labels import LEARNPACK_EVENTS, STATUSES
from learntrace.dashboard.health.webhooks import Line, filters_of, lines_of
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.templatetags.pages import day_time
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import status_text
from learntrace.learnpack.webhook_log import bulk, search
from learntrace.learnpack.webhook_log.causes import cleaned
from learntrace.learnpack.webhook_log.newest import failed_among, newest_among

EXAMPLES: Final = 5


@dataclass(frozen=True)
class Action:
    """A change of failed webhooks; `done` is the sentence that says how many were changed."""

    slug: str
    title: str | Promise
    perform: Callable[[Academy, QuerySet[Webhook], bulk.Counted], int]
    done: Callable[[int], str]


def _deleted(count: int) -> str:
    return ngettext("%(count)s webhook has been deleted.", "%(count)s webhooks have been deleted.", count)


def _queued(count: int) -> str:
    return ngettext("%(count)s webhook will be processed again.", "%(count)s webhooks will be processed again.", count)


DELETE: Final = Action("delete", _("Delete failed webhooks"), bulk.delete_counted, _deleted)
RETRY: Final = Action("retry", _("Retry failed webhooks"), bulk.retry_counted, _queued)


class NothingCounted(Problem):
    """The form lacks the count, so its sender has not seen how many webhooks would be changed."""

    text = _("Reload this page: it shows how many webhooks are affected before anything happens.")


@dataclass(frozen=True)
class ConfirmContext:
    """The context of `health/webhooks_confirm.html`; `filters` are those that are set, `back` is the log's URL."""

    action: Action
    counted: bulk.Counted
    filters: Mapping[str, str]
    examples: Sequence[Line]
    problem: str
    back: str


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_telemetry")
def delete_failed(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show how many failed webhooks the filters leave; when posted, delete them."""
    return _answer(request, page, DELETE)


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_telemetry")
def retry_failed(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show how many failed webhooks the filters leave; when posted, put them back into the queue."""
    return _answer(request, page, RETRY)


def _answer(request: HttpRequest, page: AcademyPage, action: Action) -> HttpResponse:
    rows = failed_among(search.search_of(page.academy, Request(request)).rows())
    if request.method != "POST":
        return _confirm(request, page, action, rows)
    try:
        count = action.perform(page.academy, rows, _counted(request.POST))
    except bulk.MoreThanCounted as problem:
        return _confirm(request, page, action, rows, problem)
    messages.success(request, action.done(count) % {"count": count})
    return redirect(page.address("telemetry-health-log", **{**filters_of(request), "status": "", "cause": ""}))


def _confirm(
    request: HttpRequest, page: AcademyPage, action: Action, rows: QuerySet[Webhook], problem: Problem | None = None
) -> HttpResponse:
    filters, newest = filters_of(request), list(newest_among(rows, EXAMPLES))
    context = ConfirmContext(
        action,
        counted=bulk.count_failed(rows),
        filters={name: _shown(name, text, newest) for name, text in filters.items() if text},
        examples=lines_of(page, newest),
        problem=problem.told() if problem else "",
        back=page.address("telemetry-health-log", **filters),
    )
    return page.show("health/webhooks_confirm.html", context, problem.status_code if problem else 200)


def _shown(name: str, text: str, newest: Sequence[Webhook]) -> str:
    """Return a filter as the log shows it: statuses and events in words, causes in the reader's, moments in its zone."""
    if name == "cause" and newest:
        return cleaned(status_text(newest[0]) or "") or text
    if name == "status":
        return str(STATUSES.get(text.lower(), text))
    if name == "event":
        return str(LEARNPACK_EVENTS.get(text, text))
    moment = parse_datetime(text) if name in ("since", "until") else None
    return day_time(moment) if moment and moment.tzinfo else text


def _counted(form: Mapping[str, str]) -> bulk.Counted:
    rows, newest = natural(form.get("rows", "")), natural(form.get("newest", ""))
    try:
        at = datetime.fromisoformat(form.get("at", ""))
    except ValueError:
        at = None
    if rows is None or newest is None or at is None or at.tzinfo is None:
        raise NothingCounted
    return bulk.Counted(rows, newest, at)
