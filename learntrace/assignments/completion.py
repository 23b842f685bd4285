"""What a learner's completion of an asset means for the tasks on it (contract, 3.3)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
from django.db import connection

COMPLETE = 99.999
DESCRIPTION = "You have completed all steps on this exercise"

# Only exercises, only on a change, never back from DONE. Tasks are locked in the order of their ids.
_APPLY = """
WITH told AS (
    SELECT DISTINCT ON (user_id, slug) user_id, slug, complete
      FROM jsonb_to_recordset(%(told)s::jsonb) AS r(user_id bigint, slug text, complete boolean)
     ORDER BY user_id, slug, complete DESC
), task AS (
    SELECT t.id, told.complete
      FROM assignments_task t JOIN told ON told.user_id = t.user_id AND told.slug = t.associated_slug
     WHERE t.task_type = 'EXERCISE'
       AND CASE WHEN told.complete THEN t.task_status <> 'DONE' OR t.revision_status <> 'APPROVED'
                ELSE t.task_status <> 'DONE' END
     ORDER BY t.id
       FOR UPDATE OF t
)
UPDATE assignments_task t
   SET task_status = CASE WHEN task.complete THEN 'DONE' ELSE 'PENDING' END,
       revision_status = CASE WHEN task.complete THEN 'APPROVED' ELSE 'PENDING' END,
       description = CASE WHEN task.complete THEN %(description)s ELSE t.description END,
       delivered_at = CASE WHEN task.complete THEN now() ELSE t.delivered_at END,
       reviewed_at = now(),
       updated_at = now()
  FROM task
 WHERE t.id = task.id
RETURNING t.id
"""
_WITH_TASKS = """
SELECT DISTINCT asked.user_id, asked.slug
  FROM jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, slug text)
  JOIN assignments_task t ON t.user_id = asked.user_id AND t.associated_slug = asked.slug
"""


@dataclass(frozen=True)
class Completion:
    """How far a learner is on an asset, told with every slug under which tasks may know the asset."""

    user_id: int
    slugs: tuple[str, ...]
    complete: bool


def apply_completion(completions: Sequence[Completion]) -> list[int]:
    """Bring the learners' EXERCISE tasks in line, in the open transaction; return the ids of the tasks changed."""
    told = [
        {"user_id": one.user_id, "slug": slug, "complete": one.complete} for one in completions for slug in one.slugs
    ]
    if not told:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_APPLY, {"told": msgspec.json.encode(told).decode(), "description": DESCRIPTION})
        return [row[0] for row in cursor.fetchall()]


def with_tasks(pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Of (user id, slug) pairs, those for which the user has a task of any type."""
    if not pairs:
        return set()
    asked = msgspec.json.encode([{"user_id": user_id, "slug": slug} for user_id, slug in pairs])
    with connection.cursor() as cursor:
        cursor.execute(_WITH_TASKS, [asked.decode()])
        return {(row[0], row[1]) for row in cursor.fetchall()}
