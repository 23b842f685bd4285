"""Keys of the groups of a learner's activities that a detector looks at together."""

import json
from functools import lru_cache
from hashlib import blake2b

from learntrace.measures.activity import Activity
from learntrace.signals.detectors.base import ASSIGNMENT, CELL, LEARNER


def group_key(group: str, activity: Activity) -> str | None:
    """Return the key of the group of that kind to which a learner's activity belongs, None if it belongs to none.

    A key is a digest of 32 hex digits, the same on every machine and in every version. An unknown session or object
    counts as one of its own.
    """
    parts: list[str | None]
    if group == LEARNER:
        parts = []
    elif activity.assignment is None:
        return None
    elif group == ASSIGNMENT:
        parts = [activity.assignment]
    elif group == CELL:
        parts = [activity.session_id, activity.object_id, activity.assignment]
    else:
        raise ValueError(f"no such group: {group}")
    return _digest(group, *parts)


def asset_key(slug: str) -> str:
    """Return the key of the group for signals about a learner on a whole asset."""
    return _digest("asset", slug)


# Activities of a class come in few groups again and again. A digest depends on its parts alone, so none can be outdated.
@lru_cache(maxsize=8192)
def _digest(*parts: str | None) -> str:
    # In JSON, None differs from every text, and no name can contain the separator.
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
