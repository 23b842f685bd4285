"""The grid of learners and assignments as values and text: order, headings and cells. Reads nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.reports.class_now import ClassLearner, PublishedAssignment
from learntrace.signals.class_signals import Trouble

STATES = ("stuck", "struggling", "working", "done", "not_started")
_LONGEST_LABEL = 14


@dataclass(frozen=True)
class Column:
    """An assignment. `name` is its key without the prefix, `label` the shortest text that differs within its asset."""

    key: str
    name: str
    title: str
    label: str
    asset: str
    asset_slug: str

    @cached_property
    def url(self) -> str:
        """The URL of the assignment's page, escaped for an attribute."""
        return escape(reverse("assignments-one", args=[self.name]))

    @property
    def tooltip(self) -> str:
        """The title with the name, or the name alone."""
        return f"{self.title} ({self.name})" if self.title and self.title != self.name else self.name


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
            trouble.severity,
            trouble.open_signals,
            timeliness or {},
        )

    @property
    def late(self) -> int:
        """On how many of the assignments shown the learner is late."""
        return sum(word == "late" for word in self.timeliness.values())

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username


@dataclass(frozen=True)
class Group:
    """The heading above an asset's columns; `width` is their number."""

    title: str
    slug: str
    width: int


@dataclass(frozen=True)
class Grid:
    """The columns with their headings; `start` is the column to scroll to, `done` the learners done by column."""

    columns: Sequence[Column]
    groups: Sequence[Group]
    start: int
    done: Sequence[int]


def grid_of(columns: Sequence[Column], learners: Sequence[Learner]) -> Grid:
    """Return the grid of a class, whichever of its learners are on the page."""
    done = done_by_column(learners, columns)
    return Grid(columns, groups_of(columns), current_column(done, len(learners), columns), done)


def columns_of(published: Iterable[PublishedAssignment], unpublished: Iterable[str]) -> list[Column]:
    """Return the columns of published assignments, and of the keys of unpublished ones after them."""
    rows = [(row.key, row.title, row.asset_slug, row.asset_title or row.asset_slug) for row in published]
    rows += [(key, "", "", "") for key in unpublished]
    columns: list[Column] = []
    for (slug, asset), group in groupby(rows, key=lambda row: (row[2], row[3])):
        of_asset = list(group)
        names = [key.removeprefix(PREFIX) for key, *_rest in of_asset]
        columns += [
            Column(key, name, title, label, asset, slug)
            for (key, title, *_rest), name, label in zip(of_asset, names, labels_of(names), strict=True)
        ]
    return columns


def labels_of(names: Sequence[str]) -> list[str]:
    """Return short labels of an asset's assignments: their names without the common beginning, up to a - or a /."""
    # What the first and the last in order share, all between them share as well.
    first, last = min(names, default=""), max(names, default="")
    common = first[: next((i for i, letter in enumerate(first) if last[i : i + 1] != letter), len(first))]
    cut = max(common.rfind("-"), common.rfind("/")) + 1
    if len(names) == 1:
        cut = names[0].rfind("/") + 1
    return [_short(name[cut:] or name) for name in names]


def _short(label: str) -> str:
    digits = label[: len(label) - len(label.lstrip("0123456789"))]
    if digits and len(label) > 4:
        # The steps of a package are numbered: 01-hello-world.
        return digits
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def groups_of(columns: Sequence[Column]) -> list[Group]:
    """Return the headings above the columns."""
    by_asset = groupby(columns, key=lambda column: (column.asset, column.asset_slug))
    return [Group(title, slug, len(list(group))) for (title, slug), group in by_asset]


def by_need(learners: Iterable[Learner], keys: Iterable[str]) -> list[Learner]:
    """Return the learners with those who need help first.

    They are ordered by the highest severity of an open signal, then by the number of assignments shown on which they are
    stuck or struggling, then by their failed attempts on assignments that are not done; then the last seen first.
    """
    shown = frozenset(keys)

    def need(learner: Learner) -> tuple[int, int, int, float, str]:
        cells = [cell for key, cell in learner.cells.items() if key in shown]
        troubled = sum(cell.state in ("stuck", "struggling") for cell in cells)
        failed = sum(cell.errors for cell in cells if cell.state != "done")
        seen = learner.last_seen_at.timestamp() if learner.last_seen_at else 0.0
        return -learner.severity, -troubled, -failed, -seen, learner.name.casefold()

    return sorted(learners, key=need)


def done_by_column(learners: Sequence[Learner], columns: Sequence[Column]) -> list[int]:
    """Return how many learners have done each assignment."""
    counts = dict.fromkeys((column.key for column in columns), 0)
    for learner in learners:
        for key, cell in learner.cells.items():
            if cell.state == "done" and key in counts:
                counts[key] += 1
    return [counts[column.key] for column in columns]


def current_column(done: Sequence[int], learners: int, columns: Sequence[Column]) -> int:
    """Return the first column of the first asset with an assignment that half of the class has not done."""
    index = next((index for index, count in enumerate(done) if 2 * count < learners), max(len(done) - 1, 0))
    while index > 0 and columns[index - 1].asset_slug == columns[index].asset_slug:
        index -= 1
    return index


def cells_html(learner: Learner, columns: Sequence[Column], words: Mapping[str, str], ending: str | None) -> SafeString:
    """Return a learner's cells as HTML; with Django's templates alone a class of 300 would take seconds.

    `words` are the labels of states, of "trying_again", and of what is late or extended. `ending` is the end of the URLs of
    the learner's attempts (`attempts_ending`); without it cells are no links.
    """
    parts: list[str] = []
    for column in columns:
        cell = learner.cells.get(column.key)
        told = learner.timeliness.get(column.key, "")
        if cell is None or cell.state == "not_started":
            parts.append(f"<td>{_due_mark(told, words, alone=True)}</td>")
            continue
        count = str(cell.errors) if cell.errors and cell.state in ("stuck", "struggling") else ""
        # There are thousands of cells: what the style sheet can say is not repeated in each.
        mark = f'<svg><use href="#shape-{cell.state}"/></svg>{count}{_due_mark(told, words)}'
        word = f"{words['trying_again' if cell.standing.trying_again else cell.state]} {count}".rstrip()
        word = f"{word}, {words[told]}" if told else word
        if ending is None:
            parts.append(f'<td><span class="mark {cell.state}" role="img" aria-label="{word}">{mark}</span></td>')
        else:
            parts.append(
                f'<td><a class="mark {cell.state}" href="{column.url}{ending}" aria-label="{word}">{mark}</a></td>'
            )
    # Built from our own words, numbers, and URLs that have been escaped (`Column.url`).
    return mark_safe("".join(parts))  # noqa: S308


def _due_mark(told: str, words: Mapping[str, str], *, alone: bool = False) -> str:
    """Return the small mark of what is late or extended; `alone`: in a cell without anything else."""
    if not told:
        return ""
    mark = f'<svg class="{told}"><use href="#shape-{"late" if told == "done_late" else told}"/></svg>'
    if not alone:
        return mark
    return f'<span class="mark" role="img" aria-label="{words["not_started"]}, {words[told]}">{mark}</span>'


def attempts_ending(user_id: int, scope: str) -> str:
    """Return the end of the URLs of a learner's attempts at any assignment, escaped for an attribute."""
    return escape(f"/learner/{user_id}{scope}")
