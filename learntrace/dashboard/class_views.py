"""Class now: who needs help, on what, this minute."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from learntrace.dashboard import words
from learntrace.dashboard.charts import sparkline
from learntrace.dashboard.class_grid import (
    STATES,
    Column,
    Learner,
    attempts_ending,
    by_need,
    cells_html,
    current_column,
    done_by_column,
    groups_of,
)
from learntrace.dashboard.class_now import (
    MOST_SIGNALS,
    Choice,
    ClassNow,
    choice_of,
    choices_of,
    has_students,
    read_class,
    signals_of,
)
from learntrace.dashboard.class_signals import lines_of, masked_lines
from learntrace.dashboard.errors_met import ErrorMet, errors_lately
from learntrace.dashboard.pseudonyms import names_somebody, pseudonyms
from learntrace.dashboard.pulse import Pulse, Scope, pulse_of
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.dashboard.sign_in import safe_next
from learntrace.dashboard.table import csv_answer, paged, wants_csv
from learntrace.signals.acknowledging import change_state
from learntrace.signals.clock import now_in
from learntrace.signals.models import Signal

# Those who need help come first; a page of more takes a school laptop longer to lay out than anybody looks at it.
LEARNERS_PER_PAGE = 60
MOST_ERRORS = 5
_SESSION_KEY = "projector"


@dataclass(frozen=True)
class Row:
    """A learner's line: `address` is empty on a projector, `seen` seconds ago or None."""

    key: str
    name: str
    address: str
    seen: float | None
    cells: SafeString


@require_safe
@academy_page("read_assignment")
def class_now(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Learners and assignments as a grid, what is open of them, how busy the class is."""
    choices = choices_of(page.academy)
    choice = choice_of(page.academy, choices, request.GET.get("cohort", ""), request.GET.get("asset", ""))
    found = read_class(choice)
    learners = by_need(found.learners, [column.key for column in found.columns])
    now = now_in(page.academy.pk)
    if wants_csv(request):
        return _csv(found, learners)
    projector = request.GET.get("projector") == "1"
    names = pseudonyms([one.id for one in learners], _secret_of(request)) if projector else None
    rows = paged(learners, request, LEARNERS_PER_PAGE)
    signals = signals_of(choice, [one.id for one in learners])
    some = list(signals[:MOST_SIGNALS])
    lines = lines_of(page, some, now) if names is None else masked_lines(some, names, now)
    scope = _scope(choice, found, now)
    errors = errors_lately(scope, MOST_ERRORS)
    done = done_by_column(learners, found.columns)
    shown: dict[str, Any] = {
        "choices": choices, "choice": choice, "projector": projector, "legend": STATES,
        "students": bool(learners) or has_students(page.academy), "found": found, "groups": groups_of(found.columns),
        "start": current_column(done, len(learners), found.columns), "done": done, "paging": rows,
        "rows": _rows(page, rows.rows, found.columns, now, names), "wanting": [one for one in lines if one.open],
        "seen": [one for one in lines if not one.open], "open_count": signals.filter(state=Signal.State.OPEN).count(),
        "errors": _without_names(errors, learners) if projector else errors, **_busy(pulse_of(scope)),
    }  # fmt: skip
    return page.show("class_now.html", shown)


@require_POST
@academy_page("read_assignment")
def signal_state(request: HttpRequest, page: AcademyPage, signal_id: int) -> HttpResponse:
    """Acknowledge a signal, or take that back, and go on where one was."""
    change_state(page.academy, signal_id, request.POST.get("state", ""), page.user)
    return redirect(safe_next(request))


def _rows(
    page: AcademyPage,
    learners: Sequence[Learner],
    columns: Sequence[Column],
    now: datetime,
    names: dict[int, str] | None,
) -> list[Row]:
    told = {state: str(word) for state, word in words.STATES.items()}
    return [
        Row(
            key=str(one.id) if names is None else names[one.id],
            name=one.name if names is None else names[one.id],
            address=page.address("learners-one", one.id) if names is None else "",
            seen=max((now - one.last_seen_at).total_seconds(), 0.0) if one.last_seen_at else None,
            cells=cells_html(one, columns, told, attempts_ending(one.id, page.scope) if names is None else None),
        )
        for one in learners
    ]


def _scope(choice: Choice, found: ClassNow, now: datetime) -> Scope:
    if choice.cohort is None and choice.asset is None:
        return Scope(choice.academy.pk, now)
    keys = [column.key for column in found.columns] if choice.asset else None
    return Scope(choice.academy.pk, now, [one.id for one in found.learners], keys)


def _busy(pulse: Pulse) -> dict[str, Any]:
    return {
        "pulse": pulse,
        "attempts_line": sparkline(pulse.attempts, top=4),
        "failing_line": sparkline(pulse.shares, top=1),
    }


def _secret_of(request: HttpRequest) -> str:
    """What pseudonyms are made from: for as long as the session lasts the same."""
    found: str = request.session.get(_SESSION_KEY) or secrets.token_hex(16)
    request.session[_SESSION_KEY] = found
    return found


def _without_names(errors: list[ErrorMet], learners: Sequence[Learner]) -> list[ErrorMet]:
    """Errors whose messages name nobody of the class, such as by a home folder."""
    names = {name for one in learners for name in (one.username, one.first_name, one.last_name) if name}
    return [one for one in errors if not names_somebody(f"{one.name} {one.message}", names)]


def _csv(found: ClassNow, learners: Sequence[Learner]) -> HttpResponse:
    titles = [_("Learner"), _("User name"), _("Last seen"), _("Open signals"), *(one.name for one in found.columns)]
    told = {state: str(word) for state, word in words.STATES.items()}

    def row(learner: Learner) -> list[object]:
        cells = [learner.cells.get(column.key) for column in found.columns]
        states = [told[cell.state] if cell else told["not_started"] for cell in cells]
        return [learner.name, learner.username, learner.last_seen_at, learner.open_signals, *states]

    return csv_answer("class-now", titles, map(row, learners))
