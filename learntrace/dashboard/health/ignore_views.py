"""The editor of the ignore rules: as a form or as JSON, with a trial before saving and an undo after it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.core.json import decode
from learntrace.dashboard.components.json_text import pretty
from learntrace.dashboard.health.ignore_changes import Change, changes_between
from learntrace.dashboard.health.ignore_form import MOST_LINES, TITLES, Line, document_of, lines_of, older_form
from learntrace.dashboard.health.webhooks import Line as WebhookLine
from learntrace.dashboard.health.webhooks import lines_of as webhook_lines
from learntrace.dashboard.layout.page import AcademyPage, RoleLacks, academy_page
from learntrace.learnpack.ignore.academy_rules import RulesChanged, checked, replace_rules_seen, rules_of
from learntrace.learnpack.ignore.preview import Hits, Trial, try_rules
from learntrace.learnpack.ignore.rules import FIELDS

EXAMPLES: Final = 5
_SESSION_KEY = "ignore_rules"


class NotThisForm(Problem):
    text = gettext_lazy("This form can't be read. Reload the page.")


class UnknownList(Problem):
    """A rule written as JSON names a list that none has: it would be dropped, and the rule match more than was meant."""

    text = gettext_lazy("Rules have no list “%(name)s”. Their lists are: %(known)s.")


@dataclass(frozen=True)
class HitsShown:
    """The webhooks that rules would have matched; the examples begin with processed ones, which would have been lost."""

    count: int
    done: int
    examples: Sequence[WebhookLine]


@dataclass(frozen=True, kw_only=True)
class TrialShown:
    """The result of a trial: of all rules together, of the older form, and each line with its own hits."""

    lines: Sequence[tuple[Line, HitsShown | None]]
    trial: Trial | None = None
    together: HitsShown | None = None
    older: HitsShown | None = None


@dataclass(frozen=True)
class EditorState:
    """The rules in the editor, as a document or, where they can't be read, as text; `seen` is what was stored when the
    user opened the editor."""

    document: Mapping[str, Any]
    seen: Any
    text: str | None = None
    problem: Problem | None = None


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("read_assignment")
def ignore_rules(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the rules; when posted, run the button's action."""
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


def _opened(request: HttpRequest, page: AcademyPage) -> EditorState:
    """Return the stored rules, with an unsaved one that the query string names, such as `?events=open_step`."""
    stored = rules_of(page.academy)
    try:
        document = checked(stored)
    except Problem as problem:
        # The rules were not written through the API.
        return EditorState({}, stored, pretty(stored), problem)
    more = {field: [request.GET[field][:200]] for field in FIELDS if request.GET.get(field)}
    if more and page.can("crud_telemetry") and more not in document.get("rules", []):
        document = {**document, "rules": [*document.get("rules", []), more]}
    return _as_json(EditorState(document, stored)) if "json" in request.GET else EditorState(document, stored)


def _posted(request: HttpRequest) -> EditorState:
    """Return the rules of a posted form.

    Raises NotThisForm.
    """
    try:
        seen = json.loads(request.POST.get("seen", ""))
        if "document" not in request.POST:
            document = decode(json.dumps(document_of(request.POST)).encode())
            return EditorState(document, seen)
    except ValueError as error:
        raise NotThisForm from error
    text = request.POST["document"]
    try:
        document = decode(text.encode())
        _refuse_unknown_lists(document)
        return EditorState(checked(document), seen, text)
    except Problem as problem:
        return EditorState({}, seen, text, problem)


def _refuse_unknown_lists(document: object) -> None:
    """Refuse a document of which `checked` would drop a part: the page's author should know, a client is bound to it.

    Raises UnknownList.
    """
    rules = document.get("rules") if isinstance(document, dict) else None
    for holder in (document, *(rules if isinstance(rules, list) else ())):
        for name in holder if isinstance(holder, dict) else ():
            if name not in FIELDS and (name != "rules" or holder is not document):
                raise UnknownList(name=name[:100], known=", ".join(FIELDS))


def _edited(state: EditorState, do: str, which: str) -> EditorState:
    """Return the rules with a line added or removed, or in the other view."""
    rules = list(state.document.get("rules", []))
    if do == "add":
        return EditorState({**state.document, "rules": [*rules, {}]}, state.seen)
    if do == "remove":
        place = natural(which)
        return EditorState(
            {**state.document, "rules": [rule for index, rule in enumerate(rules) if index != place]}, state.seen
        )
    if do == "json":
        return _as_json(EditorState(checked(state.document), state.seen))
    return EditorState(state.document, state.seen)


def _as_json(state: EditorState) -> EditorState:
    return EditorState(state.document, state.seen, pretty(state.document))


def _save(request: HttpRequest, page: AcademyPage, state: EditorState) -> HttpResponse:
    try:
        stored = replace_rules_seen(page.academy, state.document, state.seen)
    except RulesChanged as problem:
        now = rules_of(page.academy)
        # The page shows what is stored now, so that saving once more replaces it knowingly.
        return _show(
            request,
            page,
            EditorState(state.document, now, state.text, problem),
            theirs=changes_between(state.seen, now),
        )
    except Problem as problem:
        return _show(request, page, EditorState(state.document, state.seen, state.text, problem))
    if stored == state.seen:
        messages.info(request, _("Nothing has changed."))
    else:
        request.session[_SESSION_KEY] = {"academy": page.academy.pk, "before": state.seen, "after": stored}
        messages.success(request, _("The rules have been saved. They apply to every request from now on."))
    return redirect(page.address("telemetry-health-ignore"))


def _undo(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Restore the rules that the user's last save replaced, unless they have changed since."""
    last = _last_change(request, page)
    if last is None:
        messages.error(request, RulesChanged().told())
    else:
        replace_rules_seen(page.academy, last["before"], last["after"])
        del request.session[_SESSION_KEY]
        messages.success(request, _("The rules are as they were before."))
    return redirect(page.address("telemetry-health-ignore"))


def _last_change(request: HttpRequest, page: AcademyPage) -> Any:
    """Return the user's last save at this academy, None if other rules are stored now."""
    last = request.session.get(_SESSION_KEY)
    return last if last and last["academy"] == page.academy.pk and last["after"] == rules_of(page.academy) else None


@dataclass(frozen=True, kw_only=True)
class IgnoreRulesContext(TrialShown):
    """The context of `health/ignore_rules.html`.

    `text` is the rules as JSON, None in the form; `theirs` are the changes of somebody else, `changes` the unsaved ones,
    `last` those of the user's last save; `at_document` says that the problem is in the text.
    """

    older_form: Line | None
    text: str | None
    seen: str
    rules_kept: bool
    count: int
    too_many: bool
    problem: str
    at_document: bool
    theirs: Sequence[Change]
    changes: Sequence[Change]
    last: Sequence[Change]
    may: bool
    most: int = MOST_LINES


def _show(
    request: HttpRequest,
    page: AcademyPage,
    state: EditorState,
    *,
    trial: Trial | None = None,
    theirs: Sequence[Change] = (),
) -> HttpResponse:
    lines = lines_of(state.document)
    too_many = state.text is None and len(lines) > MOST_LINES
    last = _last_change(request, page)
    problem = state.problem
    context = IgnoreRulesContext(
        **vars(_trial_shown(page, trial, lines)),
        older_form=older_form(state.document),
        text=pretty(state.document) if too_many else state.text,
        seen=json.dumps(state.seen),
        rules_kept="rules" in state.document,
        count=len(lines),
        too_many=too_many,
        problem=_told(problem, state) if problem else "",
        at_document=problem is not None and problem.status_code == 400,
        theirs=theirs,
        changes=changes_between(state.seen, state.document) if not problem or theirs else [],
        last=changes_between(last["before"], last["after"]) if last else [],
        may=page.can("crud_telemetry"),
    )
    return page.show("health/ignore_rules.html", context, problem.status_code if problem else 200)


def _told(problem: Problem, state: EditorState) -> str:
    """Return the problem's sentence; in the form, a list of ids is called by its title."""
    title = TITLES.get(str(problem.values.get("field")))
    if state.text is None and title and problem.values.get("value"):
        return _("%(title)s: %(value)s is not an id. Ids are numbers.") % {**problem.values, "title": title}
    return problem.told()


def _trial_shown(page: AcademyPage, trial: Trial | None, lines: Sequence[Line]) -> TrialShown:
    if trial is None:
        return TrialShown(lines=[(line, None) for line in lines])
    return TrialShown(
        lines=[(line, _hits_shown(page, hits)) for line, hits in zip(lines, trial.rules, strict=True)],
        trial=trial,
        together=_hits_shown(page, trial.together),
        older=_hits_shown(page, trial.older_form),
    )


def _hits_shown(page: AcademyPage, hits: Hits) -> HitsShown:
    done = hits.done
    others = [row for row in hits.rows if row not in done]
    return HitsShown(len(hits.rows), len(done), webhook_lines(page, [*done, *others][:EXAMPLES]))
