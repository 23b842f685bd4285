"""What the list of learners shows, as values: each learner with the work in hand, in order, and the class in figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from learntrace.dashboard.components.sentences import ClassStanding, standing_of_class
from learntrace.measures.learner_state import NOT_STARTED, STATES, Standing
from learntrace.progress.reports.learner_assignments import by_name
from learntrace.progress.reports.learners import LearnerRow
from learntrace.progress.standings.current_work import CurrentWork


@dataclass(frozen=True)
class LearnerLine:
    """A learner's numbers and work in hand, None for one who wasn't seen; `url` leads to the attempts at that, where the line
    is shown."""

    row: LearnerRow
    work: CurrentWork | None
    url: str = ""

    @property
    def name(self) -> str:
        return self.row.learner.display_name

    @property
    def standing(self) -> Standing:
        """How the learner stands on the work in hand."""
        return self.work.standing if self.work else NOT_STARTED

    @property
    def need(self) -> tuple[Any, ...]:
        """The place in the order of a teacher's looks: who is stuck, who struggles, who has most concerns."""
        return STATES.index(self.standing.state), -self.row.concerns, by_name(self.row.learner)


ORDERS: Mapping[str, Callable[[LearnerLine], Any]] = {
    "need": attrgetter("need"),
    "learner": lambda line: by_name(line.row.learner),
    "now": lambda line: (STATES.index(line.standing.state), line.work.name if line.work else ""),
    "concerns": attrgetter("row.concerns"),
    "completion_rate": attrgetter("row.completion_rate"),
    "attempts": attrgetter("row.attempts"),
    "errors": attrgetter("row.errors"),
    "active_time": attrgetter("row.active_time"),
    "error_quotient": attrgetter("row.error_quotient"),
    "open_signals": attrgetter("row.open_signals"),
    "last_seen_at": attrgetter("row.last_seen_at"),
}


def class_of(lines: Sequence[LearnerLine], completion_rates: Sequence[float]) -> ClassStanding:
    """Return the figures of the learners of a list, whose completion rates are those of now."""
    return standing_of_class([line.work for line in lines], completion_rates)
