"""What is looked at of a class: an academy's learners and assignments in a span of the learners' clock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class ClassWindow:
    """What happened in an academy after one moment and up to another, by these learners on these assignments; None means
    all of them."""

    academy_id: int
    since: datetime
    now: datetime
    learners: Collection[int] | None = None
    keys: Collection[str] | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a statement."""
        return {
            "academy": self.academy_id,
            "since": self.since,
            "now": self.now,
            "learners": None if self.learners is None else sorted(self.learners),
            "keys": None if self.keys is None else sorted(self.keys),
        }
