"""The editor of the ignore rules: as a form or as JSON, tried before they are saved, and put back if need be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from learntrace.core.errors import Problem
from learntrace.core.filters import natural
from learntrace.core.json import decode
from learntrace.dashboard.health_log import Line as Row
from learntrace.dashboard.health_log import lines_of as rows_of
from learntrace.dashboard.ignore_changes import changes_between
from learntrace.dashboard.ignore_form import MOST_LINES, Line, document_of, lines_of, older_form
from learntrace.dashboard.json_text import pretty
from learntrace.dashboard.shell import AcademyPage, RoleLacks, academy_page
from learntrace.learnpack.academy_rules import RulesChanged, checked, replace_rules_seen, rules_of
from learntrace.learnpack.ignore import FIELDS
from learntrace.learnpack.trying import Hits, Trial, try_rules

EXAMPLES: Final = 5
_SESSION_KEY = "ignore_rules"


class NotThisForm(Problem):
    text = _("This form can't be read. Open the page anew.")


@dataclass(frozen=True)
class Shown:
    """The webhooks that a rule would have matched: some that were processed first, as those are what one would lose."""

    count: int
    done: int
    examples: list[Row]


@dataclass(frozen=True)
class State:
    """What the editor holds: the rules, as a document or, where they can't be read, as text; `seen` is what was stored."""

    document: Mapping[str, Any]
    seen: Any
    text: str | None = None
    problem: Problem | None = None


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("read_assignment")
def ignore_rules(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the rules; when posted, do what the button says."""
    if request.method != "POST":
        return _show(request, page, _opened(request, page))
    if not page.can("crud_telemetry"):
        raise RoleLacks(academy=page.academy.name)
    do, _colon, which = request.POST.get("do", "").partition(":")
    if do == "undo":
        return _undo(request, page)
    state = _posted(request)
    if state.problem:
        return _show(request, page, state)
    if do == "save":
        return _save(request, page, state)
    if do == "try":
        return _show(request, page, state, trial=try_rules(page.academy, state.document))
    return _show(request, page, _edited(state, do, which))


def _opened(request: HttpRequest, page: AcademyPage) -> State:
    """The stored rules; with one more that the address names, such as `?events=open_step`, not yet saved."""
    stored = rules_of(page.academy)
    try:
        document = checked(stored)
    except Problem as problem:
        # Written past the API.
        return State({}, stored, pretty(stored), problem)
    more = {field: [request.GET[field][:200]] for field in FIELDS if request.GET.get(field)}
    if more and page.can("crud_telemetry") and more not in document.get("rules", []):
        document = {**document, "rules": [*document.get("rules", []), more]}
    return _as_json(State(document, stored)) if "json" in request.GET else State(document, stored)


def _posted(request: HttpRequest) -> State:
    """What the form holds.

    Raises NotThisForm.
    """
    try:
        seen = json.loads(request.POST.get("seen", ""))
        if "document" not in request.POST:
            document = decode(json.dumps(document_of(request.POST)).encode())
            return State(document, seen)
    except ValueError as error:
        raise NotThisForm from error
    text = request.POST["document"]
    try:
        return State(checked(decode(text.encode())), seen, text)
    except Problem as problem:
        return State({}, seen, text, problem)


def _edited(state: State, do: str, which: str) -> State:
    """The rules with a line more or less, or in the other view."""
    rules = list(state.document.get("rules", []))
    if do == "add":
        return State({**state.document, "rules": [*rules, {}]}, state.seen)
    if do == "remove":
        place = natural(which)
        return State({**state.document, "rules": [one for at, one in enumerate(rules) if at != place]}, state.seen)
    if do == "json":
        return _as_json(State(checked(state.document), state.seen))
    return State(state.document, state.seen)


def _as_json(state: State) -> State:
    return State(state.document, state.seen, pretty(state.document))


def _save(request: HttpRequest, page: AcademyPage, state: State) -> HttpResponse:
    try:
        stored = replace_rules_seen(page.academy, state.document, state.seen)
    except RulesChanged as problem:
        now = rules_of(page.academy)
        # Whoever saves once more has seen what is stored now.
        return _show(
            request, page, State(state.document, now, state.text, problem), theirs=changes_between(state.seen, now)
        )
    except Problem as problem:
        return _show(request, page, State(state.document, state.seen, state.text, problem))
    if stored == state.seen:
        messages.info(request, _("Nothing has changed."))
    else:
        request.session[_SESSION_KEY] = {"academy": page.academy.pk, "before": state.seen, "after": stored}
        messages.success(request, _("The rules have been saved. They hold for every request from now on."))
    return redirect(page.address("telemetry-health-ignore"))


def _undo(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Put back what one has replaced, unless something else is stored by now."""
    last = _last_change(request, page)
    if last is None:
        messages.error(request, RulesChanged().sentence())
    else:
        replace_rules_seen(page.academy, last["before"], last["after"])
        del request.session[_SESSION_KEY]
        messages.success(request, _("The rules are as they were before."))
    return redirect(page.address("telemetry-health-ignore"))


def _last_change(request: HttpRequest, page: AcademyPage) -> Any:
    """What one has saved last here, if it is what is stored."""
    last = request.session.get(_SESSION_KEY)
    return last if last and last["academy"] == page.academy.pk and last["after"] == rules_of(page.academy) else None


def _show(
    request: HttpRequest, page: AcademyPage, state: State, *, trial: Trial | None = None, theirs: Sequence[Any] = ()
) -> HttpResponse:
    lines = lines_of(state.document)
    text = state.text
    too_many = text is None and len(lines) > MOST_LINES
    if too_many:
        text = pretty(state.document)
    last = _last_change(request, page)
    problem = state.problem
    shown = {
        "older_form": older_form(state.document), "text": text, "seen": json.dumps(state.seen),
        "rules_kept": "rules" in state.document, "count": len(lines), "too_many": too_many, "most": MOST_LINES,
        "problem": problem and problem.sentence(),
        "at_document": problem is not None and problem.status_code == 400, "theirs": theirs,
        "changes": changes_between(state.seen, state.document) if not problem or theirs else [],
        "last": changes_between(last["before"], last["after"]) if last else [], "may": page.can("crud_telemetry"),
        **_tried(page, trial, lines),
    }  # fmt: skip
    return page.show("ignore_rules.html", shown, problem.status_code if problem else 200)


def _tried(page: AcademyPage, trial: Trial | None, lines: Sequence[Line]) -> dict[str, Any]:
    """The lines, each with what it would have matched where that was asked."""
    if trial is None:
        return {"lines": [(line, None) for line in lines]}
    return {
        "trial": trial, "together": _shown(page, trial.together), "older": _shown(page, trial.older_form),
        "lines": [(line, _shown(page, hits)) for line, hits in zip(lines, trial.rules, strict=True)],
    }  # fmt: skip


def _shown(page: AcademyPage, hits: Hits) -> Shown:
    done = hits.done
    others = [row for row in hits.rows if row not in done]
    return Shown(len(hits.rows), len(done), rows_of(page, [*done, *others][:EXAMPLES]))
