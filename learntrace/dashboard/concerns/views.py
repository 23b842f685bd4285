"""What staff does with concerns on pages: sent in the background, or as a form that leads back to its page."""

from collections.abc import Mapping
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.concerns.answers import answer
from learntrace.dashboard.concerns.hands import UNDO_PREFIX
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.signals.concerns import acts
from learntrace.signals.concerns.acts import Handled, Wanted, handle, handle_all
from learntrace.signals.help_requests.helping import handle_hand

# A year: nobody means more.
_LONGEST_SNOOZE = 366 * 24 * 60


@require_POST
@academy_page("read_assignment")
def handle_concerns(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Do what was chosen with one concern or several, and say what became of it and how it is undone."""
    concern_ids = [number for text in request.POST.getlist("concern") if (number := natural(text)) is not None]
    try:
        wanted = _wanted(request)
        outcomes: Mapping[int, Handled | Problem] = handle_all(page.academy, concern_ids, wanted, page.user)
    except FieldProblem as problem:
        return _answer(request, problem.told(), {}, failed=True)
    problems = [outcome for outcome in outcomes.values() if isinstance(outcome, Problem)]
    undo = {
        number: outcome.act.pk
        for number, outcome in outcomes.items()
        if isinstance(outcome, Handled) and outcome.act is not None
    }
    if problems:
        return _answer(request, problems[0].told(), undo, failed=True)
    return _answer(request, _told(wanted, len(outcomes)), undo)


@require_POST
@academy_page("read_assignment")
def undo_acts(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Undo acts, each named as `<concern>:<act>`, or `hand.<id>:<act>` for what was done with a raised hand."""
    problem: Problem | None = None
    for pair in request.POST.getlist("undo"):
        concern, _colon, act = pair.partition(":")
        try:
            if concern.startswith(UNDO_PREFIX):
                number = natural(concern.removeprefix(UNDO_PREFIX)) or 0
                handle_hand(page.academy, number, f"undo_{act}", page.user)
                continue
            handle(page.academy, natural(concern) or 0, Wanted(acts.UNDO, undo=natural(act) or 0), page.user)
        except Problem as refused:
            problem = refused
    return _answer(request, problem.told() if problem else _("Undone"), {}, failed=problem is not None)


def _wanted(request: HttpRequest) -> Wanted:
    """Return what a form asks for: its button's `act`, with what its fields say."""
    given = request.POST
    act, _colon, minutes = given.get("act", "").partition(":")
    until = None
    if act == acts.SNOOZE and (number := natural(minutes)) is not None:
        until = timezone.now() + timedelta(minutes=min(number, _LONGEST_SNOOZE))
    return Wanted(
        act,
        until=until,
        assignee=natural(given.get("assignee", "")),
        note=given.get("note", ""),
        version=natural(given.get("version", "")),
    )


def _told(wanted: Wanted, count: int) -> str:
    """Return what was done, for the message that offers to undo it."""
    match wanted.act:
        case acts.ACKNOWLEDGE:
            return _("Concern acknowledged") if count == 1 else _("%(count)s concerns acknowledged") % {"count": count}
        case acts.REOPEN:
            return _("Concern opened again") if count == 1 else _("%(count)s concerns opened again") % {"count": count}
        case acts.SNOOZE:
            return _("Concern snoozed") if count == 1 else _("%(count)s concerns snoozed") % {"count": count}
        case acts.ASSIGN:
            return _("Unassigned") if wanted.assignee is None else _("Assigned")
    return _("Note saved")


def _answer(request: HttpRequest, told: str, undo: Mapping[int, int], *, failed: bool = False) -> HttpResponse:
    return answer(request, told, [f"{concern}:{act}" for concern, act in undo.items()], failed=failed)
