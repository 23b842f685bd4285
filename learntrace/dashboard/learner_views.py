"""Learners: how each does, and everything about one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from learntrace.accounts.models import User
from learntrace.dashboard import learner_tables
from learntrace.dashboard.asking import asked, selection_of
from learntrace.dashboard.assignment_views import told_failures
from learntrace.dashboard.attempts import Attempt, timeline_of
from learntrace.dashboard.class_grid import state_shown
from learntrace.dashboard.class_signals import lines_of
from learntrace.dashboard.json_text import pretty
from learntrace.dashboard.learner_reading import (
    Telemetry,
    raw_telemetry,
    recent_attempts,
    signals_of,
    tasks_of,
    telemetry_of,
)
from learntrace.dashboard.score_lines import ScoreLine, class_bands, score_line
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.dashboard.status import name_of
from learntrace.dashboard.table import Table, csv_answer, csv_of, paged, sorted_rows, wants_csv
from learntrace.progress.keys import PREFIX
from learntrace.progress.learners import LearnerRow, learner_rows, with_assignments
from learntrace.progress.standings import by_name, learner_named
from learntrace.signals.clock import now_in

# As much of a raw document as a page shows; the API has all of it.
MOST_RAW = 200_000

_LEARNERS: Mapping[str, Callable[[LearnerRow], Any]] = {
    "learner": lambda row: by_name(row.learner),
    "completion_rate": attrgetter("completion_rate"),
    "attempts": attrgetter("attempts"),
    "errors": attrgetter("errors"),
    "active_time": attrgetter("active_time"),
    "error_quotient": attrgetter("error_quotient"),
    "open_signals": attrgetter("open_signals"),
    "last_seen_at": attrgetter("last_seen_at"),
}


@require_safe
@academy_page("read_assignment")
def learners(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """How each learner does over all assignments, or an asset's."""
    choices, choice = asked(request, page)
    rows = sorted_rows(learner_rows(selection_of(choice)), request, _LEARNERS, "learner")
    if wants_csv(request):
        titles = [
            _("Learner"), _("User name"), _("Assignments"), _("Done"), _("Completed (%)"), _("Attempts"), _("Errors"),
            _("Active time (s)"), _("Error Quotient"), _("Open signals"), _("Last seen"),
        ]  # fmt: skip
        return csv_answer("learners", titles, map(_as_list, rows))
    paging = paged(rows, request)
    named = [(name_of(row.learner), row) for row in paging.rows]
    return page.show(
        "learners.html",
        {"choices": choices, "choice": choice, "paging": paging, "rows": named, "default_sort": "learner"},
    )


@require_safe
@academy_page("read_assignment")
def learner(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Everything about one learner."""
    user = learner_named(page.academy, user_id)
    selection = replace(selection_of(asked(request, page)[1]), learners=frozenset({user.pk}), cohorts=None, assets=None)
    row = learner_rows(selection)[0]
    with_assignments(selection, row)
    tables = _tables(page, user, row)
    if (answer := csv_of(request, f"learner-{user.username}", tables)) is not None:
        return answer
    attempts = [
        Attempt(str(one.pk), one.at, one.assignment or "", one.outcome or "", told_failures(one.failures))
        for one in recent_attempts(page.academy, user)
    ]
    signals = lines_of(page, signals_of(page.academy, user), now_in(page.academy.pk))
    names = {
        key: (name, page.address("assignments-attempts", name, user.pk))
        for key in {one.key for one in attempts} for name in [key.removeprefix(PREFIX)]
    }  # fmt: skip
    telemetry = telemetry_of(page.academy, user)
    shown: dict[str, Any] = {
        "learner": user, "learner_name": name_of(user), "row": row, "states": _states(page, row),
        "timeline": timeline_of(
            attempts, names, [(one.opened_at, one.shape, one.sentence, one.evidence) for one in signals]
        ),
        "attempts": attempts, "signals": signals, "telemetry": telemetry[::-1],
        **_scores(page, telemetry),
        "tasks": tasks_of(page.academy, user),
    }  # fmt: skip
    return page.show("learner.html", shown)


@require_safe
@academy_page("read_assignment")
def telemetry(request: HttpRequest, page: AcademyPage, user_id: int, slug: str) -> HttpResponse:
    """A learner's raw telemetry on an asset, as the source sent it last."""
    user = learner_named(page.academy, user_id)
    text = pretty(raw_telemetry(page.academy, user, slug))
    shown = {
        "learner": user, "learner_name": name_of(user), "slug": slug, "text": text[:MOST_RAW],
        "left_out": max(len(text) - MOST_RAW, 0),
    }  # fmt: skip
    return page.show("raw_telemetry.html", shown)


def _states(page: AcademyPage, row: LearnerRow) -> list[dict[str, Any]]:
    found = []
    for one in row.by_assignment:
        standing = one.standing
        name = standing.assignment.removeprefix(PREFIX)
        found.append({
            "name": name, "title": one.title, "asset": one.asset, "standing": standing,
            "state": state_shown(standing.state, standing.concerns),
            "address": page.address("assignments-attempts", name, row.learner.pk) if standing.last_seen_at else "",
        })  # fmt: skip
    return found


def _scores(page: AcademyPage, telemetry: Sequence[Telemetry]) -> dict[str, ScoreLine]:
    """Both scores, with the class's, over the assets in the order in which they were worked on last."""
    bands = class_bands(page.academy, [one.slug for one in telemetry]) if telemetry else {}
    return {
        name: score_line([(one.slug, one.title, getattr(one, name)) for one in telemetry], bands.get(name, {}))
        for name in ("engagement", "frustration")
    }


def _tables(page: AcademyPage, user: User, row: LearnerRow) -> dict[str, Callable[[], Table]]:
    """The tables of a learner's page, whole."""
    academy = page.academy
    return {
        "assignments": lambda: learner_tables.assignments(row),
        "telemetry": lambda: learner_tables.telemetry(telemetry_of(academy, user, None)[::-1]),
        "signals": lambda: learner_tables.signals(lines_of(page, signals_of(academy, user, None), now_in(academy.pk))),
        "tasks": lambda: learner_tables.tasks(tasks_of(academy, user, None)),
    }


def _as_list(row: LearnerRow) -> list[object]:
    return [
        name_of(row.learner), row.learner.username, row.assignments, row.done, row.completion_rate, row.attempts,
        row.errors, round(row.active_time, 1), row.error_quotient, row.open_signals, row.last_seen_at,
    ]  # fmt: skip
