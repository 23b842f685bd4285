"""Signals as pages and answers about a class may name them: without the step, where it is one that a learner made up."""

from collections.abc import Iterable, Mapping, Set
from copy import copy

from learntrace.progress.catalogue import shown_keys
from learntrace.signals.models import Signal

Shown = Mapping[int | None, Set[str]]
"""The assignments that a class may be told of, by academy."""


def shown_of(signals: Iterable[Signal]) -> Shown:
    """Return those of the signals' assignments that a class may be told of.

    One query an academy, and none where all signals are about a notebook or an asset.
    """
    keys: dict[int | None, set[str]] = {}
    for signal in signals:
        if signal.assignment:
            keys.setdefault(signal.academy_id, set()).add(signal.assignment)
    return {academy: shown_keys(academy, wanted) for academy, wanted in keys.items() if academy is not None}


def named_for_class(signals: Iterable[Signal], shown: Shown | None = None) -> list[Signal]:
    """Return the signals; in place of those whose step is not published, copies that name their asset only.

    `shown` is `shown_of` them, where it is known.
    """
    signals = list(signals)
    shown = shown_of(signals) if shown is None else shown
    return [
        _without_step(signal, signal.assignment)
        if signal.assignment and signal.assignment not in shown.get(signal.academy_id, ())
        else signal
        for signal in signals
    ]


def _without_step(signal: Signal, assignment: str) -> Signal:
    masked = copy(signal)
    masked.asset_slug = signal.asset_slug or assignment.partition("/")[0]
    masked.assignment = None
    return masked
