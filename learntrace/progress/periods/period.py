"""A range of times over which figures are told; without ends, all times."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Period:
    """The times from `since` on and before `until`; None is open. One without ends is false: all that is stored counts."""

    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    def parameters(self) -> dict[str, Any]:
        """Return the ends as parameters of a statement, which casts them to timestamptz."""
        return {"since": self.since or "-infinity", "until": self.until or "infinity"}


ALL_TIMES = Period()
