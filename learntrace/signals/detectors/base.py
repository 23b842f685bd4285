"""Base classes of detectors: pure steps over a learner's activities, one after the other, with a state of plain JSON.

A group's findings depend on its activities alone, in the learner's order. New activities in that order are stepped over
from the stored state; a late one has the group stepped over again. Both give the same findings.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from learntrace.measures.activity import Activity

State = MutableMapping[str, Any]
Thresholds = Mapping[str, Any]

# Of a long run the first and the last events are kept: how it began, and its present.
MOST_EVIDENCE = 200

# What a group is made by: always one learner's activities in one academy.
CELL, ASSIGNMENT, LEARNER = "cell", "assignment", "learner"

LOW, MEDIUM, HIGH = 1, 2, 3


def gettext_noop(text: str) -> str:
    """Mark a text for the translation catalogues."""
    return text


# Beside a kind's own thresholds: the longest gap that counts as active time, in seconds; an academy's setting for all measures.
ACTIVE_GAP = "active_gap_seconds"

# The words for an error that has neither a name nor a message.
UNKNOWN_ERROR = gettext_noop("an error without a message")


@dataclass(frozen=True)
class Threshold:
    """A number that an academy can set: its default, its minimum and its meaning."""

    default: float
    least: float
    purpose: str
    whole: bool = True


@dataclass
class Finding:
    """What a detector has found. `key` identifies it among findings of its kind in its group, and never changes.

    `facts` fill the sentence. `evidence` are ids of activities, the oldest first.
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
    """A finding that is new or has grown."""

    finding: Finding


@dataclass(frozen=True)
class Resolved:
    """All open findings of the kind in the group are over; `by` is the id of the activity that ended them, or a word."""

    at: datetime
    by: str


Change = Seen | Resolved


class Kind:
    """A kind of signal: its name, its sentence and its thresholds."""

    kind: ClassVar[str]
    # English texts, marked by gettext_noop: a kind does without Django, and the caller translates. The sentence has
    # %(name)s placeholders for a finding's facts, `count`, `learner` and `assignment`, and for numbers with their nouns
    # (`signals.documents`): `attempts`, `failed_attempts`, `minutes`, `successes`.
    name: ClassVar[str]
    sentence: ClassVar[str]
    severity: ClassVar[int] = MEDIUM
    # Whether it is looked for in an academy that hasn't set it.
    enabled: ClassVar[bool] = True
    thresholds: ClassVar[Mapping[str, Threshold]] = {}

    def defaults(self) -> dict[str, float]:
        return {name: threshold.default for name, threshold in self.thresholds.items()}

    def sentence_for(self, facts: Mapping[str, Any]) -> str:
        """Return the sentence, in English, that says no more than these facts."""
        return self.sentence

    def sentence_in(self, translate: Callable[[str], str], **values: object) -> str:
        """Return the sentence in the language of `translate`.

        `values` are the finding's facts, `count`, `learner` and `assignment` (the asset's title, for a kind that looks at
        a whole asset).
        """
        return translate(self.sentence_for(values)) % {"error": translate(UNKNOWN_ERROR), **values}


class Detector(Kind, ABC):
    """A kind of signal that is found by stepping over a group's activities."""

    group: ClassVar[str]
    # The outcome of an attempt after which nothing is open, and nothing before it matters any more: a late activity has
    # the group stepped over again from the last such attempt before it, not from the start.
    restarts_after: ClassVar[str | None] = None

    def begin(self) -> State:
        """Return the state before the first activity."""
        return {}

    @abstractmethod
    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        """Process the group's next activity, change `state` and yield what it changes in the findings."""

    def due(self, state: State, thresholds: Thresholds) -> datetime | None:
        """Return when the detector has to look although nothing happens, None if never."""
        return None

    def tick(self, state: State, at: datetime, thresholds: Thresholds) -> Iterator[Change]:
        """Change `state` because nothing has happened until that moment, and yield what it changes in the findings.

        An activity from before that moment that comes after the tick is a late one, as the state has gone past it.
        """
        return iter(())


def advance(
    detector: Detector, state: State, activities: Iterable[Activity], thresholds: Thresholds
) -> Iterator[Change]:
    """Step over activities in their order. A timer that was due before an activity is evaluated before it, whether or
    not it was in time."""
    for activity in activities:
        due = detector.due(state, thresholds)
        if due is not None and due <= activity.at:
            yield from detector.tick(state, due, thresholds)
        yield from detector.step(state, activity, thresholds)


class Findings:
    """The findings of one kind in one group by their key, as changes are applied to them."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self.by_key = {finding.key: finding for finding in findings}
        self.changed: set[str] = set()
        # Apart from the others: a history may have thousands of findings, of which few are open at a time.
        self._open = {key: finding for key, finding in self.by_key.items() if finding.resolved_at is None}

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if isinstance(change, Seen):
                key = change.finding.key
                self.by_key[key] = self._open[key] = change.finding
                self.changed.add(key)
                continue
            for finding in self._open.values():
                finding.resolved_at, finding.resolved_by = change.at, change.by
            self.changed.update(self._open)
            self._open.clear()

    def changed_findings(self) -> list[Finding]:
        """Return the findings that were changed, in the order of their keys."""
        return [self.by_key[key] for key in sorted(self.changed)]


def with_evidence(evidence: list[str], event_id: str) -> list[str]:
    """Return the evidence with one more event; the middle is left out where there is too much."""
    if len(evidence) < MOST_EVIDENCE:
        return [*evidence, event_id]
    half = MOST_EVIDENCE // 2
    return [*evidence[:half], *evidence[half + 1 :], event_id]
