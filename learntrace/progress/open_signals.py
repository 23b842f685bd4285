"""What is open of learners: known to a room above, which says here how to read it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenSignal:
    """A signal that isn't over, acknowledged or not; `assignment` is None for one that tells of a learner as a whole."""

    user_id: int
    assignment: str | None
    kind: str


# (academy id, user ids, assignment or None for all) -> what is open
Reader = Callable[[int, Collection[int], str | None], Sequence[OpenSignal]]
_readers: list[Reader] = []


def read_with(reader: Reader) -> None:
    """Have open signals read by a room above; it calls this when it is ready."""
    if reader not in _readers:
        _readers.append(reader)


def open_signals(academy_id: int, user_ids: Collection[int], assignment: str | None = None) -> list[OpenSignal]:
    """What is open of these learners, on one assignment or everywhere."""
    return [signal for reader in _readers for signal in reader(academy_id, user_ids, assignment)] if user_ids else []
