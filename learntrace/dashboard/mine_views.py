"""My learning: what is collected about oneself and why, how one does, and what one may decide about it."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from learntrace.dashboard import mine_tables
from learntrace.dashboard.mine_collected import academies_of, collected, deciding_academy
from learntrace.dashboard.mine_days import active_days
from learntrace.dashboard.mine_reading import OwnProgress, own_progress, own_signals
from learntrace.dashboard.mine_words import own_lines
from learntrace.dashboard.shell import Page, signed_in_page
from learntrace.dashboard.table import Table, csv_of
from learntrace.notebooks import consent
from learntrace.personal.download import export_answer
from learntrace.personal.erasing import academy_against, check_allowed, erase, plan_of

MOST_ASSETS = 60


@require_safe
@signed_in_page
def my_learning(request: HttpRequest, page: Page) -> HttpResponse:
    """All that concerns oneself, over all academies."""
    user, now = page.user, timezone.now()
    academies = academies_of(user)
    progress = own_progress(user, [academy.pk for academy in academies])
    signals = own_lines(user, own_signals(user))
    days = active_days(user, {academy.pk for academy in academies}, now)
    tables: dict[str, Callable[[], Table]] = {
        "assignments": lambda: mine_tables.assignments(progress), "days": lambda: mine_tables.days(days),
        "signals": lambda: mine_tables.signals(signals), "tasks": lambda: mine_tables.tasks(progress),
    }  # fmt: skip
    if answer := csv_of(request, "my-learning", tables):
        return answer
    shown: dict[str, Any] = {
        "academies": academies, "progress": progress, "assets": progress.assets[:MOST_ASSETS],
        "hidden_assets": max(len(progress.assets) - MOST_ASSETS, 0), "days": days,
        "open_signals": [one for one in signals if one.standing], "over": [one for one in signals if not one.standing],
        "found": collected(user, academies), "retention": settings.RETENTION_DAYS, "against": academy_against(user),
        "erasure": user.erasures.order_by("-erased_at").first(), "nothing": _nothing(progress),
    }  # fmt: skip
    return page.show("mine.html", shown)


def _nothing(progress: OwnProgress) -> bool:
    return not (progress.assets or progress.tasks)


@require_POST
@signed_in_page
def change_consent(request: HttpRequest, page: Page) -> HttpResponse:
    """Turn the collection of one's notebook events off, where an academy of one's own allows it, or on."""
    consent.change(page.user, deciding_academy(page.user), collecting=request.POST.get("collecting") == "yes")
    return redirect("my-learning")


@require_safe
@signed_in_page
def export(request: HttpRequest, page: Page) -> HttpResponseBase:
    """All that is held about oneself, as a ZIP file."""
    return export_answer(request, page.user)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_page
def erase_all(request: HttpRequest, page: Page) -> HttpResponse:
    """What an erasure would do, and, with one's user name typed, the erasure."""
    check_allowed(page.user)
    problem = ""
    if request.method == "POST":
        if request.POST.get("name", "").strip() == page.user.get_username():
            erase(page.user)
            return redirect("my-learning")
        problem = _("This is not your user name. Nothing was erased.")
    plan = plan_of(page.user)
    shown = {
        "plan": plan, "goes": [(one, count) for one, count in plan.goes.items() if count],
        "stays": [(one, count) for one, count in plan.stays.items() if count], "problem": problem,
    }  # fmt: skip
    return page.show("mine_erase.html", shown, status=400 if problem else 200)
