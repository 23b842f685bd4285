"""The sources of activities, as far as recomputing needs them: each offers to derive all of a learner's again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from learntrace.progress.reading import Done


@dataclass(frozen=True)
class Source:
    """A room that hands over activities.

    `derive(user_id)` makes all of a learner's from what the source keeps; `learners(assignment)` are the ids of those of
    whom it keeps anything, or anything on that assignment.
    """

    name: str
    derive: Callable[[int], list[Done]]
    learners: Callable[[str | None], Iterable[int]]


SOURCES: dict[str, Source] = {}


def register(source: Source) -> None:
    """Called by a source when it is ready."""
    SOURCES[source.name] = source
