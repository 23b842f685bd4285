"""Callback registry: lets progress read open signals without importing signals."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenSignal:
    """An open or acknowledged signal; `assignment` is None for one that is about the learner as a whole."""

    user_id: int
    assignment: str | None
    kind: str


# (academy id, user ids, assignment or None for all) -> open signals
Reader = Callable[[int, Collection[int], str | None], Sequence[OpenSignal]]
_readers: list[Reader] = []


def register_signal_reader(reader: Reader) -> None:
    """Register how a room above reads open signals; it calls this when it is ready."""
    if reader not in _readers:
        _readers.append(reader)


def open_signals(academy_id: int, user_ids: Collection[int], assignment: str | None = None) -> list[OpenSignal]:
    """Return the open signals of these learners, on one assignment or on all."""
    return [signal for reader in _readers for signal in reader(academy_id, user_ids, assignment)] if user_ids else []
