"""Excluding attempts on a page: of one learner or of a class, always with the number of attempts before anything happens."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.assignments.renamed_steps import at_renamed_step
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.layout.sign_in import safe_next
from learntrace.progress.assignment_keys import PREFIX, key_of
from learntrace.progress.catalogue import titles_of
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusion_requests import meant_by
from learntrace.progress.models import Activity
from learntrace.progress.reports.learner_assignments import learner_named

SPAN: Final = "span"


@dataclass(frozen=True)
class Choice:
    """What can be excluded: `fields` as the API takes them, and the number of attempts, None for a span."""

    slug: str
    title: str | Promise
    fields: Mapping[str, object]
    count: exclusions.Count | None = None


@dataclass(frozen=True)
class ExcludeContext:
    """The context of `assignments/exclude.html`; `title` is the assignment's, else its name.

    `asks` is the number of attempts to confirm, None where none is asked.
    """

    title: str
    learner_name: str
    attempt_at: datetime | None
    choices: Sequence[Choice]
    chosen: str
    since: str
    until: str
    reason: str
    problem: str
    asks: exclusions.Count | None
    back: str
    longest: int = exclusions.MAX_REASON


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_telemetry")
@at_renamed_step
def exclude(request: HttpRequest, page: AcademyPage, key: str, user_id: int | None = None) -> HttpResponse:
    """Show what can be excluded of a learner, or of the class, with the number of attempts; when posted, exclude it."""
    learner = None if user_id is None else learner_named(page.academy, user_id)
    name = key_of(page.academy, key, user_id)
    attempt = None if user_id is None else _attempt(page.academy, user_id, request.GET.get("attempt", ""))
    choices = _choices(page.academy, name, user_id, attempt)
    back = _back(page, name, user_id)
    problem: Problem | None = None
    if request.method == "POST":
        try:
            excluded = _exclude(request, page, choices)
        except Problem as refused:
            problem = refused
        else:
            messages.success(request, _done(excluded))
            return redirect(back)
    context = ExcludeContext(
        title=titles_of(page.academy.pk, [name]).get(name) or name.removeprefix(PREFIX),
        learner_name=learner.display_name if learner else "",
        attempt_at=attempt.at if attempt else None,
        choices=choices,
        chosen=request.POST.get("what", choices[0].slug),
        since=request.POST.get("since", ""),
        until=request.POST.get("until", ""),
        reason=request.POST.get("reason", ""),
        problem=problem.told() if problem else "",
        asks=problem.count if isinstance(problem, exclusions.NotConfirmed) else None,
        back=back,
    )
    return page.show("assignments/exclude.html", context, problem.status_code if problem else 200)


@require_POST
@academy_page("crud_telemetry")
def lift(request: HttpRequest, page: AcademyPage, exclusion_id: int) -> HttpResponse:
    """Lift an exclusion, with `together` all that the same request made; return to the page that had the button."""
    exclusion = exclusions.exclusion_in(page.academy, exclusion_id)
    together = exclusions.made_together_with(page.academy, exclusion) if request.POST.get("together") else [exclusion]
    exclusions.lift(page.academy, together, page.user)
    messages.success(request, _("These attempts count again."))
    return redirect(safe_next(request))


def _back(page: AcademyPage, key: str, user_id: int | None) -> str:
    name = key.removeprefix(PREFIX)
    if user_id is None:
        return page.address("assignments-one", name)
    return page.address("assignments-attempts", name, user_id)


def _attempt(academy: Academy, user_id: int, text: str) -> Activity | None:
    try:
        wanted = uuid.UUID(text)
    except ValueError:
        return None
    rows = Activity.objects.filter(seen(academy), pk=wanted, academy=academy, user=user_id, outcome__isnull=False)
    return rows.first()


def _choices(academy: Academy, key: str, user_id: int | None, attempt: Activity | None) -> list[Choice]:
    whose: dict[str, object] = {"everyone": True} if user_id is None else {"learner": user_id}
    choices = []
    if attempt is not None:
        choices.append(Choice("attempt", _("This attempt"), {"attempt": str(attempt.pk)}))
        if attempt.session_id:
            choices.append(Choice("session", _("Its session"), {**whose, "session": attempt.session_id}))
    on_assignment = {**whose, "assignment": key}
    choices.append(Choice("assignment", _("All attempts at this assignment"), on_assignment))
    choices.append(Choice(SPAN, _("Attempts at this assignment in a period"), on_assignment))
    if user_id is not None:
        choices.append(Choice("all", _("All attempts at all assignments"), whose))
    return [
        choice
        if choice.slug == SPAN
        else Choice(
            choice.slug, choice.title, choice.fields, exclusions.count(academy, meant_by(academy, choice.fields))
        )
        for choice in choices
    ]


def _exclude(request: HttpRequest, page: AcademyPage, choices: Sequence[Choice]) -> int:
    """Exclude what the form says; return how many attempts that were until now.

    Raises Problem.
    """
    form = request.POST
    choice = next((option for option in choices if option.slug == form.get("what")), None)
    if choice is None:
        raise exclusions.InvalidExclusion(_("Choose what to exclude"))
    fields = dict(choice.fields)
    if choice.slug == SPAN:
        fields |= {name: _in_utc(form[name]) for name in ("since", "until") if form.get(name)}
        if len(fields) == len(choice.fields):
            raise exclusions.InvalidExclusion(_("Enter when the period begins or ends"))
    meant = meant_by(page.academy, fields)
    attempts = exclusions.count(page.academy, meant).attempts
    exclusions.exclude(page.academy, meant, form.get("reason", ""), page.user, natural(form.get("confirm", "").strip()))
    return attempts


def _in_utc(text: str) -> str:
    """Return a time of the form, which is in the reader's time zone, with its zone; other text as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=get_current_timezone())).astimezone(UTC).isoformat()


def _done(attempts: int) -> str:
    if not attempts:
        return gettext("There is no attempt yet that this excludes. What arrives later won't count.")
    return ngettext(
        "%(count)s attempt was excluded. It stays visible, struck out, but doesn't count.",
        "%(count)s attempts were excluded. They stay visible, struck out, but don't count.",
        attempts,
    ) % {"count": attempts}
