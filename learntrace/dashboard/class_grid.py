"""The grid of learners and assignments: states, order, headings and cells as values and text. Reads nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import groupby

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from learntrace.metrics.completion import state_of
from learntrace.progress.keys import PREFIX
from learntrace.signals.detection import HIGH
from learntrace.signals.detectors import KINDS

# The signals that make somebody stuck, not only struggling.
GRAVE = tuple(kind.kind for kind in KINDS.values() if kind.severity == HIGH)
STATES = ("stuck", "struggling", "working", "done", "not_started")
_LONGEST_LABEL = 14


@dataclass(frozen=True, slots=True)
class Cell:
    """How a learner stands on an assignment; counts of attempts."""

    state: str
    attempts: int
    errors: int

    # The same few, asked for thousands of times.
    @classmethod
    @lru_cache(4096)
    def of(cls, last_outcome: str | None, attempts: int, errors: int, troubled: bool, grave: bool) -> "Cell":
        """From the stored measures: whether any signal of trouble is open, and whether a grave one."""
        state: str = state_of(last_outcome, attempts, ("concern",) if troubled else (), seen=True)
        return cls("stuck" if grave and state == "struggling" else state, attempts, errors)


def state_shown(state: str, concerns: Collection[str]) -> str:
    """How pages call a learner's state on an assignment: of who is struggling, those with a grave signal are stuck."""
    return "stuck" if state == "struggling" and not set(GRAVE).isdisjoint(concerns) else state


@dataclass(frozen=True)
class Column:
    """An assignment: `name` is its key without prefix, `label` as short as tells it from its asset's others."""

    key: str
    name: str
    title: str
    label: str
    asset: str
    asset_slug: str

    @cached_property
    def address(self) -> str:
        """The assignment's page, ready for an attribute."""
        return escape(reverse("assignments-one", args=[self.name]))

    @property
    def told(self) -> str:
        return f"{self.title} ({self.name})" if self.title and self.title != self.name else self.name


@dataclass(frozen=True)
class Learner:
    """A row: a learner with the cells that are not empty, by assignment."""

    id: int
    username: str
    first_name: str
    last_name: str
    last_seen_at: datetime | None
    cells: Mapping[str, Cell]
    severity: int = 0
    open_signals: int = 0

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username


@dataclass(frozen=True)
class Group:
    """An asset's columns, side by side."""

    title: str
    slug: str
    width: int


def columns_of(published: Iterable[tuple[str, str, int, str, str]], seen_only: Iterable[str]) -> list[Column]:
    """Columns of what is published, (key, title, asset id, asset's slug, asset's title), and of what was only seen."""
    rows = [(key, title, slug, about or slug) for key, title, _id, slug, about in published]
    rows += [(key, "", "", "") for key in seen_only]
    columns: list[Column] = []
    for (slug, about), some in groupby(rows, key=lambda row: (row[2], row[3])):
        mine = list(some)
        names = [key.removeprefix(PREFIX) for key, *_rest in mine]
        labels = labels_of(names)
        columns += [
            Column(key, name, title, label, about, slug)
            for (key, title, *_rest), name, label in zip(mine, names, labels, strict=True)
        ]
    return columns


def labels_of(names: Sequence[str]) -> list[str]:
    """What tells an asset's assignments apart: their names without what all begin with, up to a - or a /."""
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
        # A package's steps are numbered: 01-hello-world.
        return digits
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def groups_of(columns: Sequence[Column]) -> list[Group]:
    """The headings above the columns."""
    found = groupby(columns, key=lambda column: (column.asset, column.asset_slug))
    return [Group(title, slug, len(list(some))) for (title, slug), some in found]


def by_need(learners: Iterable[Learner], keys: Iterable[str]) -> list[Learner]:
    """Who needs help comes first.

    By the most severe open signal, on how many of the assignments shown somebody is stuck or struggling, and how often
    somebody failed on those that aren't done; then those seen last.
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
    """How many learners have done each assignment."""
    counts = dict.fromkeys((column.key for column in columns), 0)
    for learner in learners:
        for key, cell in learner.cells.items():
            if cell.state == "done" and key in counts:
                counts[key] += 1
    return [counts[column.key] for column in columns]


def current_column(done: Sequence[int], learners: int, columns: Sequence[Column]) -> int:
    """Where the class is at work: the first column of the first asset with an assignment that half of it hasn't done."""
    place = next((place for place, count in enumerate(done) if 2 * count < learners), max(len(done) - 1, 0))
    while place > 0 and columns[place - 1].asset_slug == columns[place].asset_slug:
        place -= 1
    return place


def cells_html(learner: Learner, columns: Sequence[Column], words: Mapping[str, str], ending: str | None) -> SafeString:
    """A learner's cells, as text: with Django's templates alone a class of 300 would take seconds.

    `words` are the states' names. `ending` is how the addresses of the learner's attempts end (`attempts_ending`);
    without one cells are no links.
    """
    parts: list[str] = []
    for column in columns:
        cell = learner.cells.get(column.key)
        if cell is None or cell.state == "not_started":
            parts.append("<td></td>")
            continue
        count = str(cell.errors) if cell.errors and cell.state in ("stuck", "struggling") else ""
        # Thousands of them: what can be said in the style sheet is not said in each.
        mark = f'<svg><use href="#shape-{cell.state}"/></svg>{count}'
        word = f"{words[cell.state]} {count}".rstrip()
        if ending is None:
            parts.append(f'<td><span class="mark {cell.state}" role="img" aria-label="{word}">{mark}</span></td>')
        else:
            parts.append(
                f'<td><a class="mark {cell.state}" href="{column.address}{ending}" aria-label="{word}">{mark}</a></td>'
            )
    # Made of our own words, numbers, and addresses that have been escaped (`Column.address`).
    return mark_safe("".join(parts))  # noqa: S308


def attempts_ending(user_id: int, scope: str) -> str:
    """How the addresses of a learner's attempts end, whatever the assignment: ready for an attribute."""
    return escape(f"/learner/{user_id}{scope}")
