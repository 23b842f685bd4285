"""Registry of the sources of activities: a recomputation asks each to derive a learner's activities again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from learntrace.progress.recording.activity_store import TOLD_ONCE, LearnerActivity


@dataclass(frozen=True)
class Source:
    """A room that records activities.

    `derive(user_id)` returns all activities of a learner that follow from what the source still stores. `learners(assignment)`
    returns the ids of the learners it stores anything about, on that assignment or, with None, at all.

    `told_once`: its clients tell nothing again, and its inbox refuses what was before an erasure. Of other sources nothing is
    stored that was before one.
    """

    name: str
    derive: Callable[[int], list[LearnerActivity]]
    learners: Callable[[str | None], Iterable[int]]
    told_once: bool = False


SOURCES: dict[str, Source] = {}


def register(source: Source) -> None:
    """Register a source; its room calls this when it is ready."""
    SOURCES[source.name] = source
    if source.told_once:
        TOLD_ONCE.add(source.name)
