"""The diagnosis page: why a learner's telemetry is missing, like `learntrace diagnose` and the API's endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from learntrace.assignments.models import Task
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.components.labels import LEARNPACK_EVENTS
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.diagnosis.fact_queries.gather import gather
from learntrace.diagnosis.findings import Check
from learntrace.diagnosis.labels import CHECKS, EVIDENCE, RESULTS
from learntrace.diagnosis.question import NotAQuestion, read_question
from learntrace.diagnosis.verdicts import ALL_WELL, NEW_KEY_HELPS
from learntrace.diagnosis.walk import Diagnosis, walk
from learntrace.intake.refusal_counts import REASONS
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.front_ends import front_end_name

MARKS = {"ok": "✓", "no": "✗", "warning": "!", "skipped": "\u2013"}


@dataclass(frozen=True)
class Fact:
    """A piece of evidence; a time is a `moment`."""

    name: str
    text: str
    moment: datetime | None = None


@dataclass(frozen=True)
class Line:
    """A check as a line of the page."""

    name: str
    title: str
    result: str
    word: str
    mark: str
    detail: str
    evidence: Sequence[Fact]


@dataclass(frozen=True)
class DiagnosisContext:
    """The context of `diagnosis.html`, without a diagnosis before a question and where the question has a `problem`.

    `learner_url` and `asset_url` are the URLs of their pages, empty where they are unknown; `key_url` is where a new key is
    made for the learner, empty where that isn't what helps, or for who may not.
    """

    question: Mapping[str, str]
    problem: str = ""
    answer: Diagnosis | None = None
    well: bool = False
    lines: Sequence[Line] = ()
    learner_url: str = ""
    asset_url: str = ""
    key_url: str = ""


@require_safe
@academy_page("read_assignment")
def diagnosis(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Ask for a learner and an asset, or a task, and show the verdict with all checks."""
    question = _question(request)
    if not any(question.values()):
        return page.show("diagnosis.html", DiagnosisContext(question))
    try:
        answer = walk(gather(page.academy, read_question(question)))
    except Problem as problem:
        context = DiagnosisContext(question, problem=_sentence(problem))
        return page.show("diagnosis.html", context, problem.status_code)
    context = DiagnosisContext(
        question,
        answer=answer,
        well=answer.verdict == ALL_WELL,
        lines=[_line(name, check) for name, check in answer.checks.items()],
        learner_url=_url_of(page, "learners-one", answer.checks.get("learner"), "user_id"),
        asset_url=_url_of(page, "assets-one", answer.checks.get("asset"), "asset_id"),
        key_url=_key_url(page, answer),
    )
    return page.show("diagnosis.html", context)


def _key_url(page: AcademyPage, answer: Diagnosis) -> str:
    """Return the URL of the form that makes a key for the learner, where a key is what the client lacks."""
    check = answer.checks.get("learner")
    if answer.verdict not in NEW_KEY_HELPS or check is None or not page.can("crud_academy_auth_settings"):
        return ""
    return page.address("keys", **{"for": check.evidence["user_id"]}) if "user_id" in check.evidence else ""


def _url_of(page: AcademyPage, name: str, check: Check | None, key: str) -> str:
    """Return the URL of the page of what a check has found, empty where it has found nothing."""
    return page.address(name, check.evidence[key]) if check is not None and key in check.evidence else ""


def _sentence(problem: Problem) -> str:
    """Return the sentence of a problem, in terms of the form's fields."""
    if isinstance(problem, NotAQuestion):
        return _("Fill in both fields, or leave the learner empty and enter a task's id.")
    return problem.told()


def _question(request: HttpRequest) -> dict[str, str]:
    """Return the fields of the question; a number as the asset, without a learner, is a task's id."""
    fields = {name: request.GET.get(name, "").strip() for name in ("user", "asset", "task")}
    if fields["asset"] and not fields["user"] and not fields["task"] and natural(fields["asset"]) is not None:
        return {"user": "", "asset": "", "task": fields["asset"]}
    return fields


def _line(name: str, check: Check) -> Line:
    return Line(
        name=name,
        title=str(CHECKS[name]),
        result=check.result,
        word=str(RESULTS[check.result]),
        mark=MARKS[check.result],
        detail=check.detail,
        evidence=[
            _fact(key, value)
            for key, value in check.evidence.items()
            if value not in (None, "", [], {}) and not (key in _SENTENCES and str(value) in check.detail)
        ],
    )


# Evidence that the check's own sentence may hold already.
_SENTENCES: Final = frozenset(("rule", "text"))
# The values of evidence that have words; others, such as slugs, are shown as they are.
_VALUES: Mapping[str, Mapping[str, str | Promise]] = {
    "event": LEARNPACK_EVENTS,
    "reason": REASONS,
    "sent_by": {"learner": gettext_lazy("the learner's own key"), "service": gettext_lazy("a program's key")},
    "status": dict(Webhook.Status.choices),
    "statuses": dict(Webhook.Status.choices),
    "task_status": dict(Task.Status.choices),
    "task_type": dict(Task.Type.choices),
}


def _fact(name: str, value: object) -> Fact:
    title, words = str(EVIDENCE.get(name, name)), _VALUES.get(name, {})
    if isinstance(value, str) and name.endswith(("_at", "since")):
        return Fact(title, value, datetime.fromisoformat(value))
    if isinstance(value, Mapping):
        return Fact(title, ", ".join(f"{words.get(key, key)}: {count}" for key, count in value.items()))
    if isinstance(value, list):
        return Fact(title, ", ".join(map(str, value)))
    if isinstance(value, bool):
        return Fact(title, _("yes") if value else _("no"))
    if isinstance(value, float):
        return Fact(title, floatformat(value, "-1"))
    if name == "frontend":
        return Fact(title, front_end_name(str(value)))
    return Fact(title, str(words.get(str(value), value)))
