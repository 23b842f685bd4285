"""The page that says why a learner's telemetry is missing: the walk of `learntrace diagnose` and its endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from learntrace.accounts.models import Academy
from learntrace.accounts.scope import learners_of
from learntrace.core.errors import Problem
from learntrace.core.filters import natural
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.diagnosis.findings import Check
from learntrace.diagnosis.question import NotAQuestion, read_question
from learntrace.diagnosis.reading import gather
from learntrace.diagnosis.verdicts import ALL_WELL
from learntrace.diagnosis.walk import Diagnosis, walk
from learntrace.diagnosis.words import CHECKS, EVIDENCE, RESULTS
from learntrace.registry.shelves import academy_shelf

MOST_SUGGESTIONS = 500
MARKS = {"ok": "✓", "no": "✗", "warning": "!", "skipped": "\u2013"}


@dataclass(frozen=True)
class Suggestion:
    """Something to choose in a field: what is put there, and how people call it."""

    value: str
    title: str


@dataclass(frozen=True)
class Fact:
    """A piece of evidence; a time is told as such."""

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


@require_safe
@academy_page("read_assignment")
def diagnosis(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Ask for a learner and an asset, or a task, and show the verdict with all checks."""
    asked = _asked(request)
    shown: dict[str, Any] = {"question": asked, "most": MOST_SUGGESTIONS}
    shown |= {"learners": _learners(page.academy), "assets": _assets(page.academy)}
    if not any(asked.values()):
        return page.show("diagnosis.html", shown)
    try:
        found = walk(gather(page.academy, read_question(asked)))
    except Problem as problem:
        return page.show("diagnosis.html", shown | {"problem": _told(problem)}, problem.status_code)
    lines = [_line(name, check) for name, check in found.checks.items()]
    shown |= {"found": found, "well": found.verdict == ALL_WELL, "lines": lines, **_addresses(page, found)}
    return page.show("diagnosis.html", shown)


def _addresses(page: AcademyPage, found: Diagnosis) -> dict[str, str]:
    """The pages of the learner and of the asset, as far as the walk has found them."""
    places = {"learner": ("learners-one", "user_id"), "asset": ("assets-one", "asset_id")}
    return {
        f"its_{check}": page.address(place, found.checks[check].evidence[key])
        for check, (place, key) in places.items()
        if check in found.checks and key in found.checks[check].evidence
    }


def _told(problem: Problem) -> str:
    """What is wrong with a question, in the words of the form."""
    if isinstance(problem, NotAQuestion):
        return _("Fill in both fields; or leave the learner empty, and give a task's id.")
    return problem.sentence()


def _asked(request: HttpRequest) -> dict[str, str]:
    """What is asked; a number without a learner is a task's."""
    asked = {name: request.GET.get(name, "").strip() for name in ("user", "asset", "task")}
    if asked["asset"] and not asked["user"] and not asked["task"] and natural(asked["asset"]) is not None:
        return {"user": "", "asset": "", "task": asked["asset"]}
    return asked


def _learners(academy: Academy) -> list[Suggestion]:
    rows = learners_of(academy).only("username", "first_name", "last_name").order_by("username")[:MOST_SUGGESTIONS]
    return [Suggestion(user.username, user.get_full_name()) for user in rows]


def _assets(academy: Academy) -> list[Suggestion]:
    rows = academy_shelf(academy).order_by("-updated_at", "-pk").values_list("slug", "title")[:MOST_SUGGESTIONS]
    return [Suggestion(slug, title) for slug, title in rows]


def _line(name: str, check: Check) -> Line:
    return Line(
        name=name,
        title=str(CHECKS[name]),
        result=check.result,
        word=str(RESULTS[check.result]),
        mark=MARKS[check.result],
        detail=check.detail,
        evidence=[_fact(key, value) for key, value in check.evidence.items() if value not in (None, "", [], {})],
    )


def _fact(name: str, value: object) -> Fact:
    title = str(EVIDENCE.get(name, name))
    if isinstance(value, str) and name.endswith(("_at", "since")):
        return Fact(title, value, datetime.fromisoformat(value))
    if isinstance(value, Mapping):
        return Fact(title, ", ".join(f"{key}: {one}" for key, one in value.items()))
    if isinstance(value, list):
        return Fact(title, ", ".join(map(str, value)))
    return Fact(title, {True: "✓", False: "✗"}[value] if isinstance(value, bool) else str(value))
