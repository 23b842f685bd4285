"""What the template of Class now shows: the grid of a page of learners, signals, errors and the activity of the class."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from learntrace.dashboard.classroom.grid import (
    STATES,
    Column,
    Grid,
    Learner,
    attempts_ending,
    cells_html,
    grid_of,
)
from learntrace.dashboard.classroom.pseudonyms import names_somebody
from learntrace.dashboard.classroom.snapshot import ClassActivity, ClassSnapshot
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.charts.sparkline import Spark, sparkline
from learntrace.dashboard.components.filters import Filters
from learntrace.dashboard.components.signal_lines import SignalLine, lines_of, masked_lines
from learntrace.dashboard.components.table import Paging
from learntrace.dashboard.layout.page import AcademyPage
from learntrace.progress.reports.activity_rate import ActivityRate
from learntrace.progress.reports.errors import ErrorRow


@dataclass(frozen=True)
class Row:
    """A learner's row. `url` is empty on a projector; `seen` is in seconds, None for a learner who was never seen."""

    key: str
    name: str
    url: str
    seen: float | None
    cells: SafeString


@dataclass(frozen=True)
class ClassNowContext:
    """The context of classroom/class_now.html.

    `students` says whether the class has anybody, `wanting` are the open signals, `seen` the acknowledged ones.
    """

    filters: Filters
    projector: bool
    students: bool
    grid: Grid
    narrowed: bool
    paging: Paging[Learner]
    rows: list[Row]
    wanting: list[SignalLine]
    seen: list[SignalLine]
    open_count: int
    errors: Sequence[ErrorRow]
    rate: ActivityRate
    attempts_line: Spark
    failing_line: Spark
    legend: Sequence[str] = STATES


def class_now_context(
    page: AcademyPage,
    filters: Filters,
    snapshot: ClassSnapshot,
    activity: ClassActivity,
    paging: Paging[Learner],
    *,
    students: bool,
    names: Mapping[int, str] | None,
) -> ClassNowContext:
    """Return the context; `names` are pseudonyms for a projector, None where staff alone is looking."""
    signals = snapshot.signals
    if names is None:
        lines, errors = lines_of(page, signals.worst, signals.now), activity.errors
    else:
        lines = masked_lines(signals.worst, names, signals.now)
        errors = without_names(activity.errors, snapshot.learners)
    return ClassNowContext(
        filters=filters,
        projector=names is not None,
        students=students,
        grid=grid_of(snapshot.columns, snapshot.learners),
        narrowed=snapshot.narrowed,
        paging=paging,
        rows=_rows(page, paging.rows, snapshot.columns, names),
        wanting=[line for line in lines if line.open],
        seen=[line for line in lines if not line.open],
        open_count=signals.open_count,
        errors=errors,
        rate=activity.rate,
        attempts_line=sparkline(activity.rate.attempts, top=4),
        failing_line=sparkline(activity.rate.failing_shares, top=1),
    )


def without_names(errors: Sequence[ErrorRow], learners: Collection[Learner]) -> list[ErrorRow]:
    """Return the errors whose messages name nobody of the class, such as by a home folder."""
    names = {name for learner in learners for name in (learner.username, learner.first_name, learner.last_name) if name}
    return [error for error in errors if not names_somebody(error.text, names)]


def _rows(
    page: AcademyPage,
    learners: Sequence[Learner],
    columns: Sequence[Column],
    names: Mapping[int, str] | None,
) -> list[Row]:
    words = {state: str(word) for state, word in labels.STATES.items()} | {"trying_again": str(labels.TRYING_AGAIN)}
    return [
        Row(
            key=str(learner.id) if names is None else names[learner.id],
            name=learner.name if names is None else names[learner.id],
            url=page.address("learners-one", learner.id) if names is None else "",
            seen=labels.seconds_since(learner.last_seen_at) if learner.last_seen_at else None,
            cells=cells_html(
                learner, columns, words, attempts_ending(learner.id, page.scope) if names is None else None
            ),
        )
        for learner in learners
    ]
