"""Deleting or retrying all failed webhooks that filters leave: a page says how many, and only those are meant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request

from learntrace.core.errors import Problem
from learntrace.core.filters import natural
from learntrace.dashboard.health_log import filters_of, lines_of
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.learnpack import bulk, search
from learntrace.learnpack.models import Webhook

EXAMPLES: Final = 5


@dataclass(frozen=True)
class Action:
    """What is done to failed webhooks; `done` tells how many it happened to."""

    slug: str
    title: str | Promise
    perform: Callable[[QuerySet[Webhook], bulk.Counted], int]
    done: Callable[[int], str]


def _deleted(count: int) -> str:
    return ngettext("%(count)s webhook has been deleted.", "%(count)s webhooks have been deleted.", count)


def _queued(count: int) -> str:
    return ngettext("%(count)s webhook will be processed again.", "%(count)s webhooks will be processed again.", count)


DELETE: Final = Action("delete", _("Delete failed webhooks"), bulk.delete_counted, _deleted)
RETRY: Final = Action("retry", _("Process failed webhooks again"), bulk.retry_counted, _queued)


class NothingCounted(Problem):
    """The form lacks the count, so nobody has seen how many it would be."""

    text = _("Open this page anew: it says how many webhooks are meant before anything happens.")


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_telemetry")
def delete_failed(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Say how many failed webhooks the filters leave; when posted, delete those."""
    return _answer(request, page, DELETE)


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_telemetry")
def retry_failed(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Say how many failed webhooks the filters leave; when posted, put those back into the queue."""
    return _answer(request, page, RETRY)


def _answer(request: HttpRequest, page: AcademyPage, action: Action) -> HttpResponse:
    rows = search.search_of(page.academy, Request(request)).rows().filter(status=Webhook.Status.ERROR)
    if request.method != "POST":
        return _confirm(request, page, action, rows)
    try:
        count = action.perform(rows, _counted(request.POST))
    except bulk.MoreThanCounted as problem:
        return _confirm(request, page, action, rows, problem)
    messages.success(request, action.done(count) % {"count": count})
    return redirect(page.address("telemetry-health-log", **{**filters_of(request), "status": "", "cause": ""}))


def _confirm(
    request: HttpRequest, page: AcademyPage, action: Action, rows: QuerySet[Webhook], problem: Problem | None = None
) -> HttpResponse:
    counted = bulk.count_failed(rows)
    examples = rows.select_related("student", "asset").defer("payload").order_by("-created_at", "-pk")[:EXAMPLES]
    filters = filters_of(request)
    shown = {
        "action": action, "counted": counted, "filters": {name: text for name, text in filters.items() if text},
        "examples": lines_of(page, list(examples)), "problem": problem and problem.sentence(),
        "back": page.address("telemetry-health-log", **filters),
    }  # fmt: skip
    return page.show("webhooks_confirm.html", shown, problem.status_code if problem else 200)


def _counted(form: Mapping[str, str]) -> bulk.Counted:
    rows, newest = natural(form.get("rows", "")), natural(form.get("newest", ""))
    try:
        at = datetime.fromisoformat(form.get("at", ""))
    except ValueError:
        at = None
    if rows is None or newest is None or at is None or at.tzinfo is None:
        raise NothingCounted
    return bulk.Counted(rows, newest, at)
