"""The cells of a learner's row on Class now as HTML: the state, since when, and which assignment the learner has in hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.people.naming import unambiguous
from learntrace.dashboard.classroom.grid import Column, Group, Learner
from learntrace.dashboard.components import labels
from learntrace.progress.class_cells.cells import Cell

# Who came back to nothing for longer has no assignment in hand.
IN_HAND_FOR = timedelta(minutes=30)
# In this order a folded lesson shows the worst of its states; others it doesn't show.
_WORST = ("stuck", "struggling")


@dataclass(frozen=True)
class Endings:
    """The ends of the URLs to which a learner's cells lead, escaped for an attribute: attempts, and why there is nothing."""

    attempts: str
    why: str

    @classmethod
    def of(cls, user_id: int, scope: str) -> "Endings":
        """Return those of a learner; `scope` is the query string that names the academy, or empty."""
        why = quote(unambiguous(user_id), safe=":") + scope.replace("?", "&")
        return cls(escape(f"/learner/{user_id}{scope}"), escape(why))


class CellWords:
    """The texts of cells in the active language, each made once: there are thousands of cells and few texts."""

    def __init__(self) -> None:
        self._states = {state: str(word) for state, word in labels.STATES.items()}
        self._trying_again = str(labels.TRYING_AGAIN)
        self._texts: dict[tuple[str, bool, str, int], str] = {}
        self._in_hand = _("current assignment")
        self._not_started = str(labels.STATES["not_started"])
        self._timeliness = {slug: labels.timeliness_text(slug) for slug in labels.TIMELINESS}
        states = {"": self._not_started, **{slug: self.alone(slug) for slug in self._timeliness}}
        self._missing = {slug: _("%(state)s: why is it missing?") % {"state": told} for slug, told in states.items()}

    def alone(self, timeliness: str) -> str:
        """Return what a cell says that nothing was seen on."""
        return f"{self._not_started}, {self._timeliness[timeliness]}"

    def missing(self, timeliness: str) -> str:
        """Return what the link of such a cell says."""
        return self._missing[timeliness]

    def text(self, cell: Cell, age: str, timeliness: str, *, in_hand: bool) -> str:
        """Return what a cell says: "Stuck for 12 min, 7 failed attempts, late, current assignment"."""
        key = (cell.state, cell.standing.trying_again, age, cell.errors)
        told = self._texts.get(key) or self._texts.setdefault(key, self._told(*key))
        told = f"{told}, {self._timeliness[timeliness]}" if timeliness else told
        return f"{told}, {self._in_hand}" if in_hand else told

    def _told(self, state: str, trying_again: bool, age: str, errors: int) -> str:
        values = {"state": self._trying_again if trying_again else self._states[state], "age": age}
        if state == "done":
            return _("%(state)s, %(age)s ago") % values
        told = _("%(state)s for %(age)s") % values
        if not errors:
            return told
        failed = ngettext("%(count)s failed attempt", "%(count)s failed attempts", errors) % {"count": errors}
        return f"{told}, {failed}"


def cells_html(
    learner: Learner, groups: Sequence[Group], words: CellWords, now: datetime, endings: Endings | None
) -> SafeString:
    """Return a learner's cells; with Django's templates alone a class of 300 would take seconds.

    A cell leads to the learner's attempts, an empty one to why it is; without `endings` cells are no links.
    """
    in_hand = learner.in_hand if learner.worked_at and now - learner.worked_at < IN_HAND_FOR else None
    parts: list[str] = []
    for group in groups:
        if group.folded:
            parts.append(_folded(learner, group, in_hand))
        else:
            parts += _unfolded(learner, group.columns, words, in_hand, endings)
    # Built from our own words, numbers, and URLs that have been escaped (`Column.url`).
    return mark_safe("".join(parts))  # noqa: S308


def _unfolded(
    learner: Learner, columns: Sequence[Column], words: CellWords, in_hand: str | None, endings: Endings | None
) -> Iterator[str]:
    for column in columns:
        cell = learner.cells.get(column.key)
        due = learner.timeliness.get(column.key, "")
        if cell is None or cell.standing.since is None:
            yield f"<td>{_nothing_seen(column, words, due, endings)}</td>"
            continue
        here = column.key == in_hand
        age = age_of(labels.seconds_since(cell.standing.since))
        # There are thousands of cells: what the style sheet can say is not repeated in each.
        mark = f'<svg><use href="#shape-{cell.state}"/></svg>'
        if cell.state != "done":
            mark += age if not cell.errors else f"{age}<small>{cell.errors}&times;</small>"
        mark += _due_mark(due)
        opening = '<td class="hand">' if here else "<td>"
        told = words.text(cell, age, due, in_hand=here)
        if endings is None:
            yield f'{opening}<span class="mark {cell.state}" role="img" aria-label="{told}">{mark}</span></td>'
        else:
            href = f"{column.url}{endings.attempts}"
            yield f'{opening}<a class="mark {cell.state}" href="{href}" aria-label="{told}">{mark}</a></td>'


def _nothing_seen(column: Column, words: CellWords, due: str, endings: Endings | None) -> str:
    """Return what stands in a cell that nothing was seen on: what is late or extended, and the way to why it is empty."""
    if endings is not None:
        href = f"{column.why}{endings.why}"
        return f'<a class="mark" href="{href}" aria-label="{words.missing(due)}">{_due_mark(due)}</a>'
    return f'<span class="mark" role="img" aria-label="{words.alone(due)}">{_due_mark(due)}</span>' if due else ""


def _due_mark(timeliness: str) -> str:
    """Return the small mark of what is late or extended, empty for anything else."""
    if not timeliness:
        return ""
    shape = "late" if timeliness == "done_late" else timeliness
    return f'<svg class="{timeliness}"><use href="#shape-{shape}"/></svg>'


def _folded(learner: Learner, group: Group, in_hand: str | None) -> str:
    """Return the one cell of a folded lesson: how many of its assignments are done, with the worst trouble on others."""
    states = [cell.state for column in group.columns if (cell := learner.cells.get(column.key))]
    worst = next((state for state in _WORST if state in states), "")
    mark = f'<svg><use href="#shape-{worst}"/></svg>' if worst else ""
    word = f'<span class="hidden">{labels.STATES[worst]}</span> ' if worst else ""
    hand = ' class="hand"' if any(column.key == in_hand for column in group.columns) else ""
    mark += _folded_late(sum(learner.timeliness.get(column.key) == "late" for column in group.columns))
    return f'<td{hand}><span class="mark {worst}">{mark}{word}{states.count("done")}/{len(group.columns)}</span></td>'


def _folded_late(count: int) -> str:
    if not count:
        return ""
    told = ngettext("%(number)s late", "%(number)s late", count) % {"number": count}
    return f'{_due_mark("late")}<span class="hidden">{told}</span> '


def age_of(seconds: float) -> str:
    """Return a time span in whole minutes, hours or days, never in seconds: cells would change all the time."""
    return "<1 min".replace("<", "&lt;") if seconds < 60 else labels.age(seconds)
