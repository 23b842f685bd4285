"""This process's share of the learners, where several workers divide them among themselves.

Claims take a learner's rows only in the worker whose share the learner is in (`core.fair_claims`). Shares only keep workers
out of each other's way: whose rows are worked on by whom is decided by locks, so that nothing depends on shares being right.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Share:
    """The parts that this process works for, of so many; all of them unless somebody has divided the learners."""

    parts: int = 1
    own: list[int] = field(default_factory=lambda: [0])

    def take(self, parts: int, own: Iterable[int]) -> None:
        """Work for these parts of so many from now on."""
        self.parts, self.own = parts, sorted(set(own))

    def parameters(self) -> dict[str, int | list[int]]:
        """Return the parameters of `condition`."""
        return {"parts": self.parts, "own": self.own}


SHARE = Share()


def condition(learner: str) -> str:
    """Return SQL that says whether a learner is in this process's share; `learner` is SQL for a bigint."""
    return f"(%(parts)s = 1 OR (hashint8({learner}) & 2147483647) %% %(parts)s = ANY(%(own)s))"
