"""Which of a learner's activities a detector looks at together."""

import json
from hashlib import blake2b

from learntrace.metrics.attempts import Activity
from learntrace.signals.detection import ASSIGNMENT, CELL, LEARNER


def group_key(group: str, activity: Activity) -> str | None:
    """The digest (32 hex digits, the same everywhere and for ever) of the group of that kind that an activity of a
    learner belongs to; None if it belongs to none. An unknown session or object is one like any other."""
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
    """The same of what is seen of a learner on a whole asset."""
    return _digest("asset", slug)


def _digest(*parts: str | None) -> str:
    # As JSON, None is no text and no separator can stand in a name.
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
