"""Changes of concerns for live clients: what the stream says when signals change, or staff does something."""

from collections.abc import Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from learntrace.core import live_events
from learntrace.progress.catalogue import shown_keys
from learntrace.signals.concerns.class_wide import ClassConcern
from learntrace.signals.concerns.documents import brief, brief_over
from learntrace.signals.concerns.reading import AnyConcern
from learntrace.signals.concerns.standing import Subject, of_subjects, subject_of, subjects_known
from learntrace.signals.models import Concern, Signal
from learntrace.signals.named_steps import Shown


def subject_of_signal(signal: Signal) -> Subject:
    """Return the subject of the concern that a signal belongs to."""
    return Subject(signal.user_id, signal.assignment, None if signal.assignment else signal.asset_slug or "")


def handled_signals(signals: Iterable[Signal]) -> frozenset[int]:
    """Return the ids of those signals whose concern staff has acknowledged or snoozed."""
    signals = list(signals)
    handled: set[tuple[int, Subject]] = set()
    for academy_id, subjects in _subjects(signals).items():
        handled |= {
            (academy_id, subject_of(concern.row))
            for concern in of_subjects(academy_id, subjects)
            if concern.state != "open"
        }
    return frozenset(
        signal.pk
        for signal in signals
        if signal.academy_id is not None and (signal.academy_id, subject_of_signal(signal)) in handled
    )


def _subjects(signals: Iterable[Signal]) -> dict[int, set[Subject]]:
    by_academy: dict[int, set[Subject]] = {}
    for signal in signals:
        if signal.academy_id is not None:
            by_academy.setdefault(signal.academy_id, set()).add(subject_of_signal(signal))
    return by_academy


def changes_with(signals: Iterable[Signal], shown: Shown | None = None) -> list[live_events.Change]:
    """Return the changes of the concerns to which changed signals belong; `shown` is `shown_of` them, where it is known."""
    changes: list[live_events.Change] = []
    for academy_id, subjects in _subjects(signals).items():
        standing = of_subjects(academy_id, subjects)
        gone = subjects.difference(subject_of(concern.row) for concern in standing)
        over = list(subjects_known(academy_id, gone).values())
        told = None if shown is None else shown.get(academy_id, frozenset())
        changes += changes_of(academy_id, standing, over, shown=told)
    return changes


def changes_of(
    academy_id: int,
    standing: Sequence[AnyConcern],
    over: Sequence[Concern] = (),
    before: Mapping[int, ClassConcern] = MappingProxyType({}),
    shown: Set[str] | None = None,
) -> list[live_events.Change]:
    """Return the stream's documents of concerns: those that stand, and those that have ended.

    `before` has the concerns of the class as they were told last, by their ids: of which cohorts they were. `shown` are
    those of their assignments that the class may be told of, where it is known.
    """
    if shown is None:
        keys = {row.assignment for row in [*(concern.row for concern in standing), *over] if row.assignment}
        shown = shown_keys(academy_id, keys)
    documents = [
        *({**brief(concern, shown), **_audience(concern, before.get(concern.row.pk))} for concern in standing),
        *({**brief_over(row, shown), **_audience(None, before.get(row.pk))} for row in over),
    ]
    return [live_events.Change(academy_id, live_events.CONCERN, document) for document in documents]


def _audience(concern: AnyConcern | None, before: ClassConcern | None) -> dict[str, Any]:
    """Return to whom a change of a concern of the class goes, beside those who see the whole academy."""
    now = concern if isinstance(concern, ClassConcern) else None
    if now is None and before is None:
        return {}
    audience = live_events.Audience(
        cohorts=sorted(now.cohorts) if now else [],
        left=sorted(before.cohorts - (now.cohorts if now else frozenset())) if before else [],
        learners=sorted(now.met.learners) if now else [],
    )
    return {live_events.AUDIENCE: audience._asdict()}
