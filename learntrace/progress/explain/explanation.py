"""The explanation of a number in the API (`?explain=1`): its meaning, the inputs of its computation, and the events."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from learntrace.progress.explain.definitions import DEFINITIONS

# Long lists of events and of inputs are cut to the latest; events come with their full count.
MOST = 200
# A page of explained rows is shorter, as each row brings its inputs.
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
    """Return one number's explanation.

    `events` are ids, oldest first. `details` is the URL of the list that the number was made from. `agrees` says whether
    computing the number again just now gave the same.
    """
    definition = DEFINITIONS[name]
    explanation: dict[str, Any] = {
        "definition": str(definition.text),
        "unit": definition.unit,
        "source": definition.source,
        "inputs": dict(inputs),
    }
    if events is not None:
        explanation |= {"events": list(events[-MOST:]), "event_count": len(events)}
    if details:
        explanation["details"] = details
    if agrees is not None:
        explanation["agrees"] = agrees
    return explanation


def latest(values: Iterable[Any]) -> list[Any]:
    """Return the latest of a list of inputs."""
    return list(values)[-MOST:]


def same(stored: float | None, computed: float | None) -> bool:
    """Whether a stored and a computed number agree, up to the last bits of a sum."""
    if stored is None or computed is None:
        return stored is computed
    return math.isclose(stored, computed, rel_tol=1e-9, abs_tol=1e-9)


def learners_url(key: str) -> str:
    """Return the URL of an assignment's learners."""
    return f"{BASE}/assignment/{quote(key)}/learner"


def attempts_url(key: str, user_id: int) -> str:
    """Return the URL of a learner's attempts at an assignment."""
    return f"{learners_url(key)}/{user_id}/attempt"


def learner_url(user_id: int) -> str:
    """Return the URL of a learner's assignments."""
    return f"{BASE}/learner/{user_id}"
