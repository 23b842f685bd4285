"""How a number came about, as the API tells it (`?explain=1`): what it means, what it was computed from, which events."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from learntrace.progress.definitions import DEFINITIONS

# Of long lists, of events and of inputs, the latest are told, and how many there are.
MOST = 200
# A page of explained rows is shorter: each brings what it was made from.
MOST_ROWS = 50

BASE = "/v1/progress/academy"


def explained(
    name: str,
    inputs: Mapping[str, Any],
    *,
    events: Sequence[str] | None = None,
    details: str = "",
    agrees: bool | None = None,
) -> dict[str, Any]:
    """One number's explanation.

    `events` are ids, the oldest first. `details` is the address where what it was made from is listed. `agrees` says
    whether the number came out the same when it was computed again just now.
    """
    definition = DEFINITIONS[name]
    told: dict[str, Any] = {
        "definition": str(definition.text), "unit": definition.unit, "source": definition.source, "inputs": dict(inputs),
    }  # fmt: skip
    if events is not None:
        told |= {"events": list(events[-MOST:]), "event_count": len(events)}
    if details:
        told["details"] = details
    if agrees is not None:
        told["agrees"] = agrees
    return told


def latest(values: Iterable[Any]) -> list[Any]:
    """As much of a list of inputs as is told."""
    return list(values)[-MOST:]


def same(stored: float | None, computed: float | None) -> bool:
    """Whether two ways to a number came to the same, up to the last bits of a sum."""
    if stored is None or computed is None:
        return stored is computed
    return math.isclose(stored, computed, rel_tol=1e-9, abs_tol=1e-9)


def learners_address(key: str) -> str:
    """Where an assignment's learners are listed."""
    return f"{BASE}/assignment/{quote(key)}/learner"


def attempts_address(key: str, user_id: int) -> str:
    """Where a learner's attempts at an assignment are listed."""
    return f"{learners_address(key)}/{user_id}/attempt"


def learner_address(user_id: int) -> str:
    """Where a learner's assignments are listed."""
    return f"{BASE}/learner/{user_id}"
