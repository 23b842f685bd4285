"""The grid of learners and assignments as values and text: order, headings and cells. Reads nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import groupby
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import escape

from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.class_cells.cells import Cell, derive, same
from learntrace.progress.reports.class_now import ClassLearner, PublishedAssignment
from learntrace.signals.class_signals import Trouble

STATES = ("stuck", "struggling", "working", "done", "not_started")
# A grid with more columns begins with all lessons folded but the one that the class works on.
MOST_UNFOLDED = 16
# Columns are wider where there are few.
MOST_WIDE = 6
# The bits of a count of learners.
_LANE = 32


@dataclass(frozen=True)
class Column:
    """An assignment. `name` is its key without the prefix, `label` its title, else what tells its name from the asset's others.

    `asset_id` is 0 where the assignment isn't published. `due` and `late_text` tell until when its asset is due, and how many
    learners are late or have an extension; empty where nothing is.
    """

    key: str
    name: str
    title: str
    label: str
    asset: str
    asset_slug: str
    asset_id: int = 0
    due: str = ""
    late_text: str = ""

    @cached_property
    def url(self) -> str:
        """The URL of the assignment's page, escaped for an attribute."""
        return escape(reverse("assignments-one", args=[self.name]))

    @cached_property
    def why(self) -> str:
        """The beginning of the URLs that ask why a learner's telemetry on it is missing, escaped for an attribute."""
        return escape(f"{reverse('diagnosis')}?{urlencode({'asset': self.key})}&user=")

    @property
    def full_label(self) -> str:
        """The label with the asset's title, for who does not see the column's place."""
        return f"{self.asset}: {self.label}" if self.asset and self.asset != self.label else self.label


@dataclass(frozen=True)
class Learner(ClassLearner):
    """A learner of the class with the highest severity and the number of the learner's open signals."""

    severity: int = 0
    open_signals: int = 0
    # How the learner stands towards due dates (`assignments.due_dates.standing`), by assignment.
    timeliness: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, learner: ClassLearner, trouble: Trouble, timeliness: Mapping[str, str] | None = None) -> "Learner":
        """Return a learner of the class with the learner's trouble, and what is late or extended."""
        return cls(
            learner.id,
            learner.username,
            learner.first_name,
            learner.last_name,
            learner.last_seen_at,
            learner.cells,
            learner.in_hand,
            learner.worked_at,
            trouble.severity,
            trouble.open_signals,
            timeliness or {},
        )

    @property
    def late(self) -> int:
        """On how many of the assignments shown the learner is late."""
        return sum(word == "late" for word in self.timeliness.values())

    @property
    def extended(self) -> int:
        """On how many of the assignments shown the learner has an extension that still runs."""
        return sum(word == "extended" for word in self.timeliness.values())

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username


@dataclass(frozen=True)
class Group:
    """A lesson: an asset's columns, side by side, or folded into one that counts what is done. `key` is the asset's id.

    `done` counts the learners who have done each of its columns, all of it where it is folded; `start`: whether the grid
    begins here.
    """

    key: int
    title: str
    slug: str
    columns: Sequence[Column]
    folded: bool = False
    done: Sequence[int] = ()
    start: bool = False

    @property
    def due(self) -> str:
        return self.columns[0].due

    @property
    def late_text(self) -> str:
        return self.columns[0].late_text


@dataclass(frozen=True)
class Grid:
    """The columns by lesson; `wide` says that columns have room."""

    columns: Sequence[Column]
    groups: Sequence[Group]
    wide: bool

    @property
    def folded(self) -> str:
        """The keys of the folded groups, as the cookie has them."""
        return ".".join(str(group.key) for group in self.groups if group.folded)


def grid_of(columns: Sequence[Column], learners: Sequence[Learner], folded: Collection[int] | None = None) -> Grid:
    """Return the grid of a class, whichever of its learners are on the page.

    `folded` are the keys of the groups to fold; None where nobody has chosen, as when a browser comes for the first time.
    """
    done = done_by_column(learners, columns)
    groups = groups_of(columns)
    all_done = _done_by_group(learners, columns, groups)
    current = current_column(done, len(learners), columns)
    here = columns[current].asset_id if columns else 0
    if folded is None:
        folded = {group.key for group in groups if group.key != here} if len(columns) > MOST_UNFOLDED else ()
    by_key = {column.key: count for column, count in zip(columns, done, strict=True)}
    laid_out = []
    for group, done_all in zip(groups, all_done, strict=True):
        is_folded = group.key in folded and len(groups) > 1 and len(group.columns) > 1
        counts = [done_all] if is_folded else [by_key[column.key] for column in group.columns]
        laid_out.append(replace(group, folded=is_folded, done=counts, start=group.key == here))
    shown = sum(len(group.done) for group in laid_out)
    return Grid(columns, laid_out, wide=shown <= MOST_WIDE)


def _done_by_group(learners: Sequence[Learner], columns: Sequence[Column], groups: Sequence[Group]) -> list[int]:
    """Return how many learners have done all of each lesson."""
    keys = same(tuple(column.key for column in columns))
    sizes = [len(group.columns) for group in groups]
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    masks = [((1 << size) - 1) << start for size, start in zip(sizes, starts, strict=True)]

    def lanes(learner: Learner) -> int:
        done = _done(learner, keys)
        return sum(1 << (_LANE * number) for number, mask in enumerate(masks) if done & mask == mask)

    # Lessons are told apart by their assignments' order alone.
    asked = same((*keys, *map(str, masks)))
    return _lanes(
        sum(derive(learner.cells, "lessons done", asked, partial(lanes, learner)) for learner in learners), len(groups)
    )


def _done(learner: Learner, keys: tuple[str, ...]) -> int:
    """Return which assignments a learner has done, a bit for each."""

    def bits() -> int:
        places = {key: 1 << place for place, key in enumerate(keys)}
        return sum(places[key] for key, cell in learner.cells.items() if cell.state == "done" and key in places)

    return derive(learner.cells, "done", keys, bits)


def _lanes(total: int, number: int) -> list[int]:
    """Return the counts in a sum of integers, each of which has a one in the lanes that it counts for.

    To add whole integers takes a thousandth of the time that counting 3,000 learners' cells takes.
    """
    return [total >> (_LANE * lane) & (1 << _LANE) - 1 for lane in range(number)]


def columns_of(published: Iterable[PublishedAssignment], unpublished: Iterable[str]) -> list[Column]:
    """Return the columns of published assignments, and of the keys of unpublished ones after them."""
    rows = [(row.key, row.title, row.asset_slug, row.asset_title or row.asset_slug, row.asset_id) for row in published]
    rows += [(key, "", "", "", 0) for key in unpublished]
    columns: list[Column] = []
    for (asset_id, slug, asset), group in groupby(rows, key=lambda row: (row[4], row[2], row[3])):
        of_asset = list(group)
        names = [key.removeprefix(PREFIX) for key, *_rest in of_asset]
        columns += [
            Column(key, name, title, title or label, asset, slug, asset_id)
            for (key, title, *_rest), name, label in zip(of_asset, names, labels_of(names), strict=True)
        ]
    return columns


def labels_of(names: Sequence[str]) -> list[str]:
    """Return labels of an asset's assignments: their names without the words that all begin with, never a number alone."""
    # What the first and the last in order share, all between them share as well.
    first, last = min(names, default=""), max(names, default="")
    common = first[: next((i for i, letter in enumerate(first) if last[i : i + 1] != letter), len(first))]
    cut = _word_before(common)
    if len(names) == 1:
        cut = names[0].rfind("/") + 1
    elif any(name[cut:].isdigit() for name in names):
        cut = _word_before(common[: max(cut - 1, 0)])
    return [name[cut:] or name for name in names]


def _word_before(text: str) -> int:
    """Return where the last word of a text begins: after a - or a /."""
    return max(text.rfind("-"), text.rfind("/")) + 1


def groups_of(columns: Sequence[Column]) -> list[Group]:
    """Return the columns by lesson."""
    by_asset = groupby(columns, key=lambda column: (column.asset_id, column.asset, column.asset_slug))
    return [Group(key, title, slug, list(group)) for (key, title, slug), group in by_asset]


def by_need(learners: Iterable[Learner], keys: Iterable[str]) -> list[Learner]:
    """Return the learners with those who need help first.

    They are ordered by the highest severity of an open signal, then by the number of assignments shown on which they are
    stuck or struggling, then by their failed attempts on assignments that are not done; then those who were ever seen, by
    name: in this order nobody changes places with an equal.
    """
    asked = same(tuple(keys))
    shown = frozenset(asked)

    def trouble_of(cells: Mapping[str, Cell]) -> tuple[int, int]:
        on_shown = [cell for key, cell in cells.items() if key in shown]
        troubled = sum(cell.state in ("stuck", "struggling") for cell in on_shown)
        return -troubled, -sum(cell.errors for cell in on_shown if cell.state != "done")

    def need(learner: Learner) -> tuple[int, int, int, bool, str, int]:
        troubled, failed = derive(learner.cells, "trouble", asked, partial(trouble_of, learner.cells))
        never = learner.last_seen_at is None
        return -learner.severity, troubled, failed, never, learner.name.casefold(), learner.id

    return sorted(learners, key=need)


def done_by_column(learners: Sequence[Learner], columns: Sequence[Column]) -> list[int]:
    """Return how many learners have done each assignment."""
    keys = same(tuple(column.key for column in columns))

    def lanes(learner: Learner) -> int:
        done = _done(learner, keys)
        return sum(1 << (_LANE * place) for place in range(len(keys)) if done >> place & 1)

    return _lanes(
        sum(derive(learner.cells, "lanes done", keys, partial(lanes, learner)) for learner in learners), len(keys)
    )


def current_column(done: Sequence[int], learners: int, columns: Sequence[Column]) -> int:
    """Return the first column of the first asset with an assignment that half of the class has not done."""
    index = next((index for index, count in enumerate(done) if 2 * count < learners), max(len(done) - 1, 0))
    while index > 0 and columns[index - 1].asset_slug == columns[index].asset_slug:
        index -= 1
    return index
