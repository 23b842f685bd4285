"""What the assignments' pages show, as values: learners in order, the class as a bar, comparisons, steps. Reads nothing."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.dashboard.components.charts.sparkline import Strip, strip_of
from learntrace.dashboard.components.timeline import Attempt
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import Title
from learntrace.progress.models import Exclusion
from learntrace.progress.reports.assignments import AssignmentRow
from learntrace.progress.reports.learner_assignments import LearnerAssignmentRow, by_name

# In the order in which a teacher looks at learners, and from left to right in the bar of a class.
STATES = ("stuck", "struggling", "working", "not_started", "done")
_BAR_ORDER = ("done", "working", "struggling", "stuck", "not_started")


@dataclass(frozen=True)
class LearnerLine:
    """A learner's measures on an assignment; with the URLs of the learner's attempts and of the diagnosis, where the line is
    shown."""

    measures: LearnerAssignmentRow
    url: str = ""
    diagnosis_url: str = ""

    @property
    def name(self) -> str:
        return self.measures.learner.display_name


@dataclass(frozen=True)
class Bar:
    """A part of the class's bar: the learners in a state, with its place and width in percent."""

    state: str
    x: str
    width: str
    learners: int


@dataclass(frozen=True)
class Comparison:
    """A measure of an assignment beside those of the others; `name` is that of its explanation."""

    name: str
    title: str | Promise
    unit: str
    strip: Strip


@dataclass(frozen=True)
class Step:
    """An attempt compared with the one before: seconds since, and whether the code changed (None if that is unknown).

    `text` is its code where that is kept and isn't the code of the one before. `excluded` is the exclusion for which it
    counts for nothing, `earlier_run` whether it is of an earlier course run; such an attempt is compared with none.
    """

    attempt: Attempt
    number: int
    since: float | None
    changed: bool | None
    text: str = ""
    excluded: Exclusion | None = None
    earlier_run: bool = False


def failed_share(row: AssignmentRow) -> float | None:
    """Return failed attempts as a part of all that count, 0 to 1; None without any."""
    return row.errors / row.attempts if row.attempts else None


def _attempts_per_learner(row: AssignmentRow) -> float | None:
    return row.attempts / row.learners_seen if row.learners_seen else None


ASSIGNMENT_ORDERS: Mapping[str, Callable[[AssignmentRow], Any]] = {
    "place": lambda row: 0,
    "assignment": attrgetter("assignment"),
    "learners_seen": attrgetter("learners_seen"),
    "completion_rate": attrgetter("completion_rate"),
    "attempts": attrgetter("attempts"),
    "failed": failed_share,
    "median_active_time": attrgetter("median_active_time"),
    "last_seen_at": attrgetter("last_seen_at"),
}
LEARNER_ORDERS: Mapping[str, Callable[[LearnerLine], Any]] = {
    "need": lambda line: (STATES.index(line.measures.state), -line.measures.errors, by_name(line.measures.learner)),
    "learner": lambda line: by_name(line.measures.learner),
    "state": lambda line: STATES.index(line.measures.state),
    "attempts": attrgetter("measures.attempts"),
    "errors": attrgetter("measures.errors"),
    "active_time": attrgetter("measures.active_time"),
    "error_quotient": attrgetter("measures.error_quotient"),
    "last_seen_at": attrgetter("measures.last_seen_at"),
}

# Name, title, unit, measure, and the least that the scale reaches to.
_COMPARED: Sequence[tuple[str, str | Promise, str, Callable[[AssignmentRow], float | None], float]] = (
    ("completion_rate", _("Completed"), "percent", attrgetter("completion_rate"), 100.0),
    ("attempts", _("Attempts per active learner"), "number", _attempts_per_learner, 0.0),
    ("failed_share", _("Failed attempts"), "share", failed_share, 1.0),
    ("median_active_time", _("Median active time"), "seconds", attrgetter("median_active_time"), 0.0),
)


def comparisons(rows: Sequence[AssignmentRow], key: str) -> list[Comparison]:
    """Return the measures of the assignment with that key beside those of all rows, which are named by their titles."""
    titles = {row.assignment: _title(row) for row in rows}
    return [
        Comparison(
            name, title, unit, _titled(strip_of([(row.assignment, measure(row)) for row in rows], key, least), titles)
        )
        for name, title, unit, measure, least in _COMPARED
    ]


def _title(row: AssignmentRow) -> str:
    return str(Title(row.title or row.assignment.removeprefix(PREFIX), row.asset["title"] if row.asset else ""))


def _titled(strip: Strip, titles: Mapping[str, str]) -> Strip:
    return replace(strip, ticks=tuple(replace(tick, title=titles[tick.title]) for tick in strip.ticks))


def counts_of(lines: Sequence[LearnerLine]) -> dict[str, int]:
    """Return the number of learners in each state."""
    return {state: sum(line.measures.state == state for line in lines) for state in STATES}


def bars_of(counts: Mapping[str, int]) -> list[Bar]:
    """Return the class as one bar; states without learners are left out."""
    total = sum(counts.values())
    bars, x = [], 0.0
    for state in _BAR_ORDER:
        if counts[state]:
            width = 100 * counts[state] / total
            bars.append(Bar(state, f"{x:.2f}%", f"{width:.2f}%", counts[state]))
            x += width
    return bars


def steps_of(
    attempts: Iterable[Attempt],
    texts: Mapping[str, str],
    excluded: Mapping[str, Exclusion],
    earlier: Collection[str] = (),
) -> list[Step]:
    """Return attempts in their order, each that counts compared with the one before.

    `texts` has their code by its hash, `excluded` and `earlier` tell by ids what doesn't count.
    """
    steps: list[Step] = []
    before: Attempt | None = None
    for number, attempt in enumerate(attempts, start=1):
        if attempt.id in excluded or attempt.id in earlier:
            text = texts.get(attempt.code, "")
            steps.append(Step(attempt, number, None, None, text, excluded.get(attempt.id), attempt.id in earlier))
            continue
        since = (attempt.at - before.at).total_seconds() if before else None
        changed = attempt.code != before.code if before and attempt.code and before.code else None
        text = "" if changed is False else texts.get(attempt.code, "")
        steps.append(Step(attempt, number, since, changed, text))
        before = attempt
    return steps
