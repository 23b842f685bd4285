"""My learning: a learner's own progress, what is collected about the learner and why, and the learner's choices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from learntrace.accounts.memberships import active_academies
from learntrace.accounts.models import Academy, User
from learntrace.accounts.page_features import help_text_of
from learntrace.accounts.signing_in.passwords import confirm
from learntrace.core.errors import Problem
from learntrace.core.personal_data import PersonalDataset
from learntrace.dashboard.components.earlier_runs import EarlierRunLine, earlier_run_lines, earlier_runs_table
from learntrace.dashboard.components.sentences import of_learner
from learntrace.dashboard.components.table import Table, csv_of
from learntrace.dashboard.layout.page import Page, signed_in_page
from learntrace.dashboard.my_learning import csv_export
from learntrace.dashboard.my_learning.active_days import Days, active_days
from learntrace.dashboard.my_learning.advice import OwnSignal, own_lines
from learntrace.dashboard.my_learning.collected import Collected, collected, deciding_academy
from learntrace.dashboard.my_learning.hands import OwnHands, own_hands
from learntrace.notebooks import consent
from learntrace.personal import pending
from learntrace.personal.download import export_answer
from learntrace.personal.erasing import academy_against, check_allowed, erase, plan_of
from learntrace.personal.erasure_queries import latest_erasure
from learntrace.personal.models import Erasure
from learntrace.progress.reports.earlier_runs import earlier_runs
from learntrace.progress.reports.own_progress import OwnAsset, OwnProgress, own_progress, own_titles
from learntrace.progress.standings.current_work import current_work
from learntrace.signals.own_signals import own_signals

MOST_ASSETS = 60
MOST_EARLIER = 100


@dataclass(frozen=True)
class MyLearningContext:
    """The context of `my_learning/my_learning.html`.

    `sentence` tells where the learner stands, `help_texts` are the academies' own, `over` are the signals that are no longer
    open, `retention` is in days, `against` is an academy that doesn't allow erasing.
    """

    academies: Sequence[Academy]
    sentence: str
    help_texts: Sequence[str]
    progress: OwnProgress
    assets: Sequence[OwnAsset]
    hidden_assets: int
    days: Days
    open_signals: Sequence[OwnSignal]
    over: Sequence[OwnSignal]
    found: Collected
    retention: int
    against: Academy | None
    erasure: Erasure | None
    erases_at: datetime | None
    earlier_runs: Sequence[EarlierRunLine]
    own: OwnHands


@dataclass(frozen=True)
class EraseContext:
    """The context of `my_learning/erase.html`: kinds of data with their numbers of rows."""

    goes: Sequence[tuple[PersonalDataset, int]]
    stays: Sequence[tuple[PersonalDataset, int]]
    problem: str
    asks_password: bool


@require_safe
@signed_in_page
def my_learning(request: HttpRequest, page: Page) -> HttpResponse:
    """Show all that concerns the user, over all academies."""
    user, now = page.user, timezone.now()
    academies = active_academies(user)
    progress = own_progress(user, [academy.pk for academy in academies])
    titles = own_titles(progress)
    signals = own_lines(user, own_signals(user), titles)
    days = active_days(user, {academy.pk for academy in academies}, now)
    if answer := csv_of(request, "my-learning", _tables(user, progress, days, signals)):
        return answer
    context = MyLearningContext(
        academies=academies,
        sentence=of_learner(current_work([user.pk]).get(user.pk), progress.done, progress.total),
        help_texts=[text for text in map(help_text_of, academies) if text],
        progress=progress,
        assets=progress.assets[:MOST_ASSETS],
        hidden_assets=max(len(progress.assets) - MOST_ASSETS, 0),
        days=days,
        open_signals=[signal for signal in signals if signal.standing],
        over=[signal for signal in signals if not signal.standing],
        found=collected(user, academies),
        retention=settings.RETENTION_DAYS,
        against=academy_against(user),
        erasure=latest_erasure(user),
        erases_at=pending.erases_at(user),
        earlier_runs=earlier_run_lines(earlier_runs(user)[:MOST_EARLIER]),
        own=own_hands(user, progress, titles),
    )
    return page.show("my_learning/my_learning.html", context)


def _tables(
    user: User, progress: OwnProgress, days: Days, signals: Sequence[OwnSignal]
) -> dict[str, Callable[[], Table]]:
    return {
        "assignments": lambda: csv_export.assignments(progress),
        "days": lambda: csv_export.days(days),
        "signals": lambda: csv_export.signals(signals),
        "tasks": lambda: csv_export.tasks(progress),
        "earlier": lambda: earlier_runs_table(earlier_runs(user)),
    }


@require_POST
@signed_in_page
def change_consent(request: HttpRequest, page: Page) -> HttpResponse:
    """Turn the collection of the user's notebook events on, or off where an academy of the user allows it."""
    consent.change(page.user, deciding_academy(page.user), collecting=request.POST.get("collecting") == "yes")
    return redirect("my-learning")


@require_safe
@signed_in_page
def export(request: HttpRequest, page: Page) -> HttpResponseBase:
    """Send all that is held about the user as a ZIP file."""
    return export_answer(request, page.user)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_page
def erase_all(request: HttpRequest, page: Page) -> HttpResponse:
    """Show what an erasure would do; erase when the user has given user name and password."""
    check_allowed(page.user)
    problem, status = "", 200
    if request.method == "POST":
        try:
            _erase(request, page.user)
        except Problem as refused:
            problem, status = _("%(reason)s Nothing was erased.") % {"reason": refused.told()}, refused.status_code
        else:
            return redirect("my-learning")
    plan = plan_of(page.user)
    context = EraseContext(
        goes=_with_rows(plan.goes),
        stays=_with_rows(plan.stays),
        problem=problem,
        asks_password=_has_password(page.user),
    )
    return page.show("my_learning/erase.html", context, status=status)


def _has_password(user: User) -> bool:
    return bool(user.password) and user.has_usable_password()


def _erase(request: HttpRequest, user: User) -> None:
    """Erase if user name and password are given.

    Raises Problem.
    """
    if request.POST.get("name", "").strip() != user.get_username():
        raise Problem(_("This is not your user name."))
    if _has_password(user):
        confirm(request, user, request.POST.get("password", ""))
    erase(user)


@require_POST
@signed_in_page
def keep(request: HttpRequest, page: Page) -> HttpResponse:
    """Undo an erasure to come."""
    pending.keep(page.user)
    return redirect("my-learning")


def _with_rows(counts: Mapping[PersonalDataset, int]) -> Sequence[tuple[PersonalDataset, int]]:
    return [(dataset, count) for dataset, count in counts.items() if count]
