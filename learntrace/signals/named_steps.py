"""Signals as pages and answers about a class may name them: without the step, where it is one that a learner made up."""

from collections.abc import Iterable
from copy import copy

from learntrace.progress.catalogue import shown_keys
from learntrace.signals.models import Signal


def named_for_class(signals: Iterable[Signal]) -> list[Signal]:
    """Return the signals; in place of those whose step is not published, copies that name their asset only.

    One query an academy, and none where all signals are about a notebook or an asset.
    """
    signals = list(signals)
    keys: dict[int | None, set[str]] = {}
    for signal in signals:
        if signal.assignment:
            keys.setdefault(signal.academy_id, set()).add(signal.assignment)
    shown: dict[int | None, set[str]] = {
        academy: shown_keys(academy, wanted) for academy, wanted in keys.items() if academy is not None
    }
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
