"""What a detector is: a pure step over a learner's activities, one after the other, whose state is plain JSON.

A group's findings follow from its activities alone, in the learner's order. New ones in that order are stepped over from
the stored state; a late one has the group stepped over again. Both come to the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from learntrace.metrics.attempts import Activity

State = MutableMapping[str, Any]
Thresholds = Mapping[str, Any]

# Of a long run the first and the last events are kept: how it began, and what is seen now.
MOST_EVIDENCE = 200

# Which activities a group holds together, always one learner's in one academy.
CELL, ASSIGNMENT, LEARNER = "cell", "assignment", "learner"

LOW, MEDIUM, HIGH = 1, 2, 3


def gettext_noop(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


# Beside a kind's own thresholds: the longest gap that counts as active, in seconds, which the academy sets for all measures.
ACTIVE_GAP = "active_gap_seconds"

# What a sentence says of an attempt whose error has neither a name nor a message.
UNKNOWN_ERROR = gettext_noop("an error")


@dataclass(frozen=True)
class Threshold:
    """A number that an academy can set: its default, the least it may be, and what it means."""

    default: float
    least: float
    purpose: str
    whole: bool = True


@dataclass
class Finding:
    """What a detector has seen. `key` tells it from others of its kind in its group, and never changes.

    `facts` fill the sentences. `evidence` are ids of activities, the oldest first.
    """

    key: str
    opened_at: datetime
    last_seen_at: datetime
    count: int
    evidence: list[str]
    severity: int
    facts: dict[str, Any] = field(default_factory=dict)
    assignment: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""


@dataclass(frozen=True)
class Seen:
    """A finding is new, or has grown."""

    finding: Finding


@dataclass(frozen=True)
class Resolved:
    """All open findings of the kind in the group are over; `by` is the activity that ended them, or a word."""

    at: datetime
    by: str


Change = Seen | Resolved


class Kind:
    """A kind of signal: how it is named, told and set."""

    kind: ClassVar[str]
    # English texts that gettext_noop has marked, as a kind needs no Django: whoever shows them translates them. The
    # sentence has %(names)s that a finding's facts, and `count`, `learner` and `assignment`, fill.
    name: ClassVar[str]
    sentence: ClassVar[str]
    severity: ClassVar[int] = MEDIUM
    thresholds: ClassVar[Mapping[str, Threshold]] = {}

    def defaults(self) -> dict[str, float]:
        return {name: threshold.default for name, threshold in self.thresholds.items()}

    def tell(self, translate: Callable[[str], str], **known: object) -> str:
        """The sentence in the language of `translate`. `known` are the finding's facts, `count`, `learner` and
        `assignment` (of a kind that looks at a whole asset: the asset's title)."""
        return translate(self.sentence) % {"error": translate(UNKNOWN_ERROR), **known}


class Detector(Kind, ABC):
    """A kind of signal that is seen by stepping over a group's activities."""

    group: ClassVar[str]
    # After an attempt with this outcome nothing is open, and nothing before it matters to what is seen later: what comes
    # late has the group stepped over again from the last such attempt before it, not from the start.
    restarts_after: ClassVar[str | None] = None

    def begin(self) -> State:
        """The state before the first activity."""
        return {}

    @abstractmethod
    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        """Take the group's next activity in; changes `state`."""

    def due(self, state: State, thresholds: Thresholds) -> datetime | None:
        """When something is to be seen although nothing happens; None if never."""
        return None

    def tick(self, state: State, at: datetime, thresholds: Thresholds) -> Iterator[Change]:
        """What is seen at that moment, because nothing has happened; changes `state`.

        An activity from before that moment that comes after the tick is a late one, as the state has gone past it.
        """
        return iter(())


def advance(
    detector: Detector, state: State, activities: Iterable[Activity], thresholds: Thresholds
) -> Iterator[Change]:
    """Step over activities in their order. What was due before an activity is seen before it, whether or not it was
    looked at in time."""
    for activity in activities:
        due = detector.due(state, thresholds)
        if due is not None and due <= activity.at:
            yield from detector.tick(state, due, thresholds)
        yield from detector.step(state, activity, thresholds)


class Findings:
    """What changes add up to: the findings of one kind in one group, by their key."""

    def __init__(self, known: Iterable[Finding] = ()) -> None:
        self.by_key = {finding.key: finding for finding in known}
        self.changed: set[str] = set()

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if isinstance(change, Seen):
                self.by_key[change.finding.key] = change.finding
                self.changed.add(change.finding.key)
                continue
            for key, finding in self.by_key.items():
                if finding.resolved_at is None:
                    finding.resolved_at, finding.resolved_by = change.at, change.by
                    self.changed.add(key)


def with_evidence(evidence: list[str], event_id: str) -> list[str]:
    """The evidence with one more event; of very much the middle is left out."""
    if len(evidence) < MOST_EVIDENCE:
        return [*evidence, event_id]
    half = MOST_EVIDENCE // 2
    return [*evidence[:half], *evidence[half + 1 :], event_id]
