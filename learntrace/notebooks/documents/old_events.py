"""The events of attempts that an academy no longer keeps."""

from collections.abc import Collection
from datetime import datetime

from learntrace.core.sql import execute
from learntrace.progress.corrections.floors import Learner

_DELETE = """
DELETE FROM events
 WHERE user_id = %s AND academy_id = %s AND object ->> 'assignment' = ANY(%s)
   AND occurred_at - coalesce(clock_offset_ms, 0) * interval '1 millisecond' < %s
"""


def delete_old_events(learner: Learner, assignments: Collection[str], until: datetime) -> None:
    """Delete a learner's events on assignments that happened before a time."""
    execute(_DELETE, [learner.user_id, learner.academy_id, list(assignments), until])
