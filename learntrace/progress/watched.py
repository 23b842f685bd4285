"""What those who watch an academy get to see of measures that have changed."""

from collections.abc import Collection

from django.db import connection

from learntrace.core import live
from learntrace.metrics.completion import state_of
from learntrace.progress.folding import asked_for
from learntrace.progress.reading import Place

_READ = """
SELECT p.user_id, p.academy_id, p.assignment, p.attempts, p.errors, p.last_outcome, p.last_seen_at,
       ARRAY(SELECT jsonb_array_elements_text(p.concerns))
  FROM progress_progress p
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, about text)
    ON p.user_id = asked.learner AND p.assignment = asked.about AND p.academy_id = asked.academy
 ORDER BY p.last_seen_at
"""


def progress_changes(places: Collection[Place]) -> list[live.Change]:
    """How learners stand on these assignments now; nothing of those that no academy sees."""
    if not places:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_READ, [asked_for(places)])
        return [
            live.Change(
                academy,
                live.PROGRESS,
                {
                    "learner": learner, "assignment": assignment, "state": state_of(outcome, attempts, concerns, seen=True),
                    "attempts": attempts, "errors": errors, "last_outcome": outcome, "last_seen_at": seen_at,
                },
            )
            for learner, academy, assignment, attempts, errors, outcome, seen_at, concerns in cursor.fetchall()
        ]  # fmt: skip
