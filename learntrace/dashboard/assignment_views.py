"""Assignments: how a class does on each, what it stumbles over, and any learner's way through one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from learntrace.dashboard import words
from learntrace.dashboard.asking import asked, selection_of
from learntrace.dashboard.attempts import Attempt, timeline_of
from learntrace.dashboard.charts import strip_of
from learntrace.dashboard.class_grid import state_shown
from learntrace.dashboard.class_signals import lines_of
from learntrace.dashboard.errors_met import ErrorMet, errors_ever
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.dashboard.status import name_of
from learntrace.dashboard.table import Table, csv_answer, csv_of, paged, paged_rows, sorted_rows, wants_csv
from learntrace.progress.assignments import AssignmentRow, assignments_of
from learntrace.progress.attempts import attempts_of
from learntrace.progress.keys import PREFIX, key_of
from learntrace.progress.models import Activity
from learntrace.progress.standings import Standing, by_name, learner_named, standings
from learntrace.signals.clock import now_in
from learntrace.signals.models import Signal

MOST_ERRORS = 25
MOST_ERRORS_IN_FILE = 10_000
ATTEMPTS_PER_PAGE = 200
_STATES = ("stuck", "struggling", "working", "not_started", "done")

_ASSIGNMENTS: Mapping[str, Callable[[AssignmentRow], Any]] = {
    "place": lambda row: 0,
    "assignment": attrgetter("assignment"),
    "learners_seen": attrgetter("learners_seen"),
    "completion_rate": attrgetter("completion_rate"),
    "attempts": attrgetter("attempts"),
    "failed": lambda row: failed_share(row),
    "median_active_time": attrgetter("median_active_time"),
    "last_seen_at": attrgetter("last_seen_at"),
}


@dataclass(frozen=True)
class LearnerLine:
    """A learner on an assignment; `state` tells also who is stuck."""

    standing: Standing
    state: str
    address: str

    @property
    def name(self) -> str:
        return name_of(self.standing.learner)


_LEARNERS: Mapping[str, Callable[[LearnerLine], Any]] = {
    "need": lambda line: (_STATES.index(line.state), -line.standing.errors, by_name(line.standing.learner)),
    "learner": lambda line: by_name(line.standing.learner),
    "state": lambda line: _STATES.index(line.state),
    "attempts": attrgetter("standing.attempts"),
    "errors": attrgetter("standing.errors"),
    "active_time": attrgetter("standing.active_time"),
    "error_quotient": attrgetter("standing.error_quotient"),
    "last_seen_at": attrgetter("standing.last_seen_at"),
}


def failed_share(row: AssignmentRow) -> float | None:
    """Failed attempts as a part of all that count, 0 to 1; None without any."""
    return row.errors / row.attempts if row.attempts else None


@require_safe
@academy_page("read_assignment")
def assignments(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """How the class does on each assignment."""
    choices, choice = asked(request, page)
    rows = sorted_rows(assignments_of(selection_of(choice)), request, _ASSIGNMENTS, "place")
    if wants_csv(request):
        titles = [
            _("Asset"), _("Assignment"), _("Title"), _("Learners"), _("Seen"), _("Done"), _("Completed (%)"),
            _("Attempts"), _("Errors"), _("Median active time (s)"), _("Last seen"),
        ]  # fmt: skip
        return csv_answer("assignments", titles, map(_as_list, rows))
    paging = paged(rows, request)
    shown = [(row, failed_share(row)) for row in paging.rows]
    return page.show(
        "assignments.html",
        {"choices": choices, "choice": choice, "paging": paging, "rows": shown, "default_sort": "place"},
    )


@require_safe
@academy_page("read_assignment")
def assignment(request: HttpRequest, page: AcademyPage, key: str) -> HttpResponse:
    """How the class does on one assignment, beside the others; what it met there; who needs help."""
    key = key_of(page.academy, key)
    choices, choice = asked(request, page)
    selection = replace(selection_of(choice), assets=None)
    lines = sorted_rows(_lines(page, standings(selection, key)), request, _LEARNERS, "need")
    tables: dict[str, Callable[[], Table]] = {
        "learners": lambda: _learners_table(lines),
        "errors": lambda: _errors_table(
            errors_ever(page.academy.pk, [key], selection.learner_ids, MOST_ERRORS_IN_FILE)
        ),
    }
    if (answer := csv_of(request, key.removeprefix(PREFIX), tables)) is not None:
        return answer
    others = [row for row in assignments_of(selection) if row.learners_seen or row.assignment == key]
    mine = next((row for row in others if row.assignment == key), None)
    counts = {state: sum(line.state == state for line in lines) for state in _STATES}
    signals = Signal.objects.filter(academy=page.academy, assignment=key, state=Signal.State.OPEN).select_related(
        "user"
    )
    if selection.learners is not None:
        signals = signals.filter(user__in=selection.learners)
    shown: dict[str, Any] = {
        "key": key, "name": key.removeprefix(PREFIX), "mine": mine, "choices": choices, "choice": choice,
        "counts": counts, "bars": _bars(counts), "strips": _strips(others, key),
        "errors": errors_ever(page.academy.pk, [key], selection.learner_ids, MOST_ERRORS),
        "wanting": lines_of(page, signals.order_by("-severity", "-last_seen_at")[:10], now_in(page.academy.pk)),
        "paging": paged(lines, request), "default_sort": "need",
    }  # fmt: skip
    return page.show("assignment.html", shown)


@require_safe
@academy_page("read_assignment")
def attempts(request: HttpRequest, page: AcademyPage, key: str, user_id: int) -> HttpResponse:
    """A learner's way through an assignment, attempt by attempt."""
    key = key_of(page.academy, key)
    learner = learner_named(page.academy, user_id)
    rows = attempts_of(page.academy, key, learner.pk)
    if wants_csv(request):
        titles = [_("Time"), _("Outcome"), _("Errors"), _("Session"), _("Code")]
        return csv_answer(f"attempts-{user_id}", titles, map(_attempt_list, rows.iterator()))
    standing = next(
        (one for one in standings(replace(selection_of(asked(request, page)[1]), learners=frozenset({user_id})), key)),
        Standing(learner, key),
    )
    signals = list(
        Signal.objects.filter(academy=page.academy, user=learner, assignment=key)
        .exclude(state=Signal.State.WITHDRAWN)
        .select_related("user", "acknowledged_by")
        .order_by("-last_seen_at")[:20]
    )
    pointed_out = next((one for one in signals if str(one.pk) == request.GET.get("signal", "")), None)
    evidence = frozenset(str(one) for one in pointed_out.evidence) if pointed_out else frozenset()
    paging = paged_rows(rows, request, ATTEMPTS_PER_PAGE)
    found = [_attempt(row) for row in paging.rows]
    lines = lines_of(page, signals, now_in(page.academy.pk))
    above = [(line.opened_at, line.shape, line.sentence, "") for line in lines]
    name = key.removeprefix(PREFIX)
    shown: dict[str, Any] = {
        "key": key, "name": name, "learner": learner, "learner_name": name_of(learner), "standing": standing,
        "state": state_shown(standing.state, standing.concerns), "paging": paging, "evidence": evidence,
        "timeline": timeline_of(found, {key: (name, "")}, above, evidence), "attempts": _steps(found),
        "signals": lines, "first_evidence": next((one.id for one in found if one.id in evidence), ""),
    }  # fmt: skip
    return page.show("attempts.html", shown)


@dataclass(frozen=True)
class Step:
    """An attempt with what is new against the one before: seconds since, and whether the code is another."""

    attempt: Attempt
    number: int
    since: float | None
    changed: bool | None


def _steps(found: list[Attempt]) -> list[Step]:
    steps = []
    before: Attempt | None = None
    for number, one in enumerate(found, start=1):
        since = (one.at - before.at).total_seconds() if before else None
        changed = one.code != before.code if before and one.code and before.code else None
        steps.append(Step(one, number, since, changed))
        before = one
    return steps


def _attempt(row: Activity) -> Attempt:
    return Attempt(
        str(row.pk), row.at, row.assignment or "", row.outcome or "", told_failures(row.failures), row.session_id or "",
        row.code_hash or "",
    )  # fmt: skip


def told_failures(failures: list[list[str]]) -> tuple[str, ...]:
    """Stored failures ([[name, message], ...]) as people read them."""
    return tuple(": ".join(part for part in pair if part) for pair in failures)


def _attempt_list(row: Activity) -> list[object]:
    outcome = words.OUTCOMES.get(row.outcome or "", row.outcome)
    return [row.at, outcome, "; ".join(told_failures(row.failures)), row.session_id, row.code_hash]


def _as_list(row: AssignmentRow) -> list[object]:
    return [
        row.asset["slug"] if row.asset else "", row.assignment.removeprefix(PREFIX), row.title, row.learners,
        row.learners_seen, row.learners_done, row.completion_rate, row.attempts, row.errors, row.median_active_time,
        row.last_seen_at,
    ]  # fmt: skip


def _lines(page: AcademyPage, found: list[Standing]) -> list[LearnerLine]:
    return [
        LearnerLine(
            one,
            state_shown(one.state, one.concerns),
            page.address("assignments-attempts", one.assignment.removeprefix(PREFIX), one.learner.pk),
        )
        for one in found
    ]


def _learners_table(lines: list[LearnerLine]) -> Table:
    titles = [
        _("Learner"), _("User name"), _("State"), _("Attempts"), _("Errors"), _("Active time (s)"),
        _("Error Quotient"), _("Last seen"),
    ]  # fmt: skip
    return titles, (
        [line.name, line.standing.learner.username, words.STATES[line.state], line.standing.attempts,
         line.standing.errors, round(line.standing.active_time, 1), line.standing.error_quotient,
         line.standing.last_seen_at]
        for line in lines
    )  # fmt: skip


def _errors_table(found: list[ErrorMet]) -> Table:
    titles = [_("Error"), _("Message"), _("Learners"), _("Times"), _("Median until solved (s)"), _("Solved by")]
    return titles, ([one.name, one.message, one.learners, one.times, one.median_seconds, one.solved] for one in found)


def _bars(counts: Mapping[str, int]) -> list[tuple[str, str, str, int]]:
    """The class as one bar: (state, x, width, learners), places in percent, who is done first."""
    total = sum(counts.values())
    found, x = [], 0.0
    for state in ("done", "working", "struggling", "stuck", "not_started"):
        if counts[state]:
            width = 100 * counts[state] / total
            found.append((state, f"{x:.2f}%", f"{width:.2f}%", counts[state]))
            x += width
    return found


def _strips(rows: list[AssignmentRow], key: str) -> list[dict[str, Any]]:
    """Where the assignment stands among those that somebody was seen on."""

    def strip(measure: Callable[[AssignmentRow], float | None], least: float = 0.0) -> Any:
        return strip_of([(row.assignment, measure(row)) for row in rows], key, least)

    return [
        {"name": "completion_rate", "title": _("Completed"), "unit": "percent",
         "strip": strip(attrgetter("completion_rate"), 100.0)},
        {"name": "attempts", "title": _("Attempts of each learner seen"), "unit": "number",
         "strip": strip(lambda row: row.attempts / row.learners_seen if row.learners_seen else None)},
        {"name": "failed_share", "title": _("Failed attempts"), "unit": "share", "strip": strip(failed_share, 1.0)},
        {"name": "median_active_time", "title": _("Median active time"), "unit": "seconds",
         "strip": strip(attrgetter("median_active_time"))},
    ]  # fmt: skip
