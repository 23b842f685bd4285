"""What the template of Class now shows: the grid of a page of learners, concerns, errors and the activity of the class."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.safestring import SafeString

from learntrace.dashboard.classroom.cells import CellWords, Endings, cells_html
from learntrace.dashboard.classroom.folding import folded_in
from learntrace.dashboard.classroom.grid import STATES, Grid, Group, Learner, grid_of
from learntrace.dashboard.classroom.path_chart import PathChart, path_chart
from learntrace.dashboard.classroom.pseudonyms import names_somebody
from learntrace.dashboard.classroom.snapshot import ClassActivity, ClassSnapshot
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.charts.sparkline import Spark, sparkline
from learntrace.dashboard.components.filters import Filters
from learntrace.dashboard.components.still import held, shown_before
from learntrace.dashboard.components.table import Paging
from learntrace.dashboard.concerns.cards import Cards, cards_of, masked_cards
from learntrace.dashboard.concerns.hands import WaitingHand, waiting_hands
from learntrace.dashboard.layout.page import AcademyPage
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import titles_of
from learntrace.progress.reports.activity_rate import ActivityRate
from learntrace.progress.reports.errors import ErrorRow
from learntrace.signals.concerns.class_wide import ClassConcern
from learntrace.signals.concerns.reading import ToldConcern


@dataclass(frozen=True)
class Row:
    """A learner's row. `url` is empty on a projector; `seen` is in seconds, None for a learner who was never seen."""

    key: str
    name: str
    url: str
    seen: float | None
    cells: SafeString
    late: int = 0
    extended: int = 0


@dataclass(frozen=True)
class ClassNowContext:
    """The context of classroom/class_now.html.

    `students` says whether the class has anybody, `open_count` how many concerns are open, shown or not.
    `hands` are those raised that nobody helps yet.
    `moved` and `cards_moved` tell how many rows and cards would have another place: they hold still until the reader asks.
    """

    filters: Filters
    projector: bool
    students: bool
    grid: Grid
    path: PathChart | None
    narrowed: bool
    paging: Paging[Learner]
    rows: list[Row]
    cards: Cards
    moved: int
    cards_moved: int
    open_count: int
    errors: Sequence[tuple[ErrorRow, str]]
    rate: ActivityRate
    attempts_line: Spark
    failing_line: Spark
    hands: Sequence[WaitingHand] = ()
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
    if names is None:
        cards, errors = cards_of(page, snapshot.concerns.entries), activity.errors
    else:
        cards = masked_cards(page, _without_names(snapshot), names)
        errors = without_names(activity.errors, snapshot.learners)
    shown = held(
        paging.rows, lambda learner: str(learner.id), shown_before(page.request, "learners"), snapshot.learners
    )
    # What concerns the whole class stands above; what comes while somebody looks stands below until the new order is asked for.
    wanted = sorted(cards.open, key=lambda card: not card.of_class)
    open_cards = held(wanted, lambda card: str(card.id), shown_before(page.request, "concerns"))
    grid = grid_of(snapshot.columns, snapshot.learners, folded_in(page.request))
    return ClassNowContext(
        filters=filters,
        projector=names is not None,
        students=students,
        grid=grid,
        path=path_chart(snapshot.columns, snapshot.learners, snapshot.concerns.now),
        narrowed=snapshot.narrowed,
        paging=paging,
        rows=_rows(page, shown.rows, grid.groups, snapshot.concerns.now, names),
        cards=replace(cards, open=open_cards.rows),
        moved=shown.moved,
        cards_moved=open_cards.moved,
        open_count=snapshot.concerns.open_count,
        errors=_titled(page, snapshot, errors),
        rate=activity.rate,
        attempts_line=sparkline(activity.rate.attempts, top=4),
        failing_line=sparkline(activity.rate.failing_shares, top=1),
        hands=waiting_hands(snapshot.concerns.entries, named=names is None),
    )


def _titled(page: AcademyPage, snapshot: ClassSnapshot, errors: Sequence[ErrorRow]) -> list[tuple[ErrorRow, str]]:
    """Return the errors with their assignments' titles, as the columns have them; else the names."""
    titles = {column.key: column.full_label for column in snapshot.columns}
    others = {error.assignment for error in errors} - titles.keys()
    titles |= titles_of(page.academy.pk, others) if others else {}
    return [(error, titles.get(error.assignment) or error.assignment.removeprefix(PREFIX)) for error in errors]


def without_names(errors: Sequence[ErrorRow], learners: Collection[Learner]) -> list[ErrorRow]:
    """Return the errors whose messages name nobody of the class, such as by a home folder."""
    names = _names_of(learners)
    return [error for error in errors if not names_somebody(error.text, names)]


def _without_names(snapshot: ClassSnapshot) -> list[ToldConcern]:
    """Return the concerns without those of the class whose error names somebody of it."""
    names = _names_of(snapshot.learners)
    return [
        entry
        for entry in snapshot.concerns.entries
        if not (isinstance(entry.concern, ClassConcern) and names_somebody(entry.concern.met.text, names))
    ]


def _names_of(learners: Collection[Learner]) -> set[str]:
    return {name for learner in learners for name in (learner.username, learner.first_name, learner.last_name) if name}


def _rows(
    page: AcademyPage,
    learners: Sequence[Learner],
    groups: Sequence[Group],
    now: datetime,
    names: Mapping[int, str] | None,
) -> list[Row]:
    words = CellWords()
    return [
        Row(
            key=str(learner.id) if names is None else names[learner.id],
            name=learner.name if names is None else names[learner.id],
            url=page.address("learners-one", learner.id) if names is None else "",
            seen=labels.seconds_since(learner.last_seen_at) if learner.last_seen_at else None,
            cells=cells_html(
                learner, groups, words, now, Endings.of(learner.id, page.scope) if names is None else None
            ),
            late=learner.late if names is None else 0,
            extended=learner.extended if names is None else 0,
        )
        for learner in learners
    ]
