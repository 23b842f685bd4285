"""Live changes for measures that have changed, as the pages and streams of an academy receive them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from learntrace.core import live_events
from learntrace.core.sql import fetch
from learntrace.measures.learner_state import Evidence, learner_state
from learntrace.progress.catalogue import SHOWN_TO_CLASS
from learntrace.progress.evidence import EVIDENCE
from learntrace.progress.recording.activity_store import AssignmentKey, key_rows

# "IS NOT DISTINCT FROM" keeps PostgreSQL from looking a key up by academy and assignment. While it has no statistics of the
# table, as in a new installation, that seems as good as by learner and assignment, and it reads the whole class for each key.
_READ_SHOWN = """
SELECT p.user_id, p.academy_id, p.assignment, p.attempts, p.errors, p.last_outcome, p.last_seen_at,
       {evidence}
  FROM progress_progress p
  JOIN jsonb_to_recordset(%s::jsonb) AS key(learner bigint, academy bigint, about text)
    ON p.user_id = key.learner AND p.assignment = key.about AND p.academy_id IS NOT DISTINCT FROM key.academy
 WHERE key.academy IS NOT NULL AND {shown}
 ORDER BY p.last_seen_at
"""
_READ = _READ_SHOWN.format(
    evidence=EVIDENCE.format(row="p"), shown=SHOWN_TO_CLASS.format(academy="p.academy_id", key="p.assignment")
)
# Where nothing counts any longer there are no measures.
_READ_GONE = """
SELECT key.learner, key.academy, key.about
  FROM jsonb_to_recordset(%s::jsonb) AS key(learner bigint, academy bigint, about text)
 WHERE key.academy IS NOT NULL AND {shown}
   AND NOT EXISTS (SELECT FROM progress_progress p
                    WHERE p.user_id = key.learner AND p.assignment = key.about
                      AND p.academy_id IS NOT DISTINCT FROM key.academy)
""".format(shown=SHOWN_TO_CLASS.format(academy="key.academy", key="key.about"))  # noqa: S608 (only texts of this module)


def progress_changes(keys: Collection[AssignmentKey]) -> list[live_events.Change]:
    """Return a change with the present state of each of these assignments; none for those that no class sees."""
    if not keys:
        return []
    asked = key_rows(keys)
    rows = fetch(_READ, [asked])
    gone = fetch(_READ_GONE, [asked]) if len(rows) < len(keys) else []
    return [_change(*place, 0, 0, None, None) for place in gone] + [_change(*row) for row in rows]


def _change(
    learner: int,
    academy: int,
    assignment: str,
    attempts: int,
    errors: int,
    outcome: str | None,
    seen_at: datetime | None,
    *evidence: Any,
) -> live_events.Change:
    standing = learner_state(Evidence(*evidence))
    return live_events.Change(
        academy,
        live_events.PROGRESS,
        {
            "learner": learner,
            "assignment": assignment,
            **standing._asdict(),
            "attempts": attempts,
            "errors": errors,
            "last_outcome": outcome,
            "last_seen_at": seen_at,
        },
    )
