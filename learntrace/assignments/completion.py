"""Bringing tasks in line with a learner's completion of an asset (contract, 3.3)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from learntrace.core.sql import fetch, json_rows

COMPLETE = 99.999
DESCRIPTION = "You have completed all steps on this exercise"

# The academy that a task belongs to (`tasks.tasks_seen_in`) is none of those that are closed. Almost nothing is closed: the
# academy is looked up only where something is.
_IN_SCOPE = """
CASE WHEN cardinality({asked}.closed) = 0 THEN true
     ELSE coalesce((SELECT c.academy_id FROM accounts_cohort c WHERE c.id = t.cohort_id),
                   (SELECT a.academy_id FROM registry_asset a JOIN registry_assetalias l ON l.asset_id = a.id
                     WHERE l.slug = t.associated_slug),
                   (SELECT a.academy_id FROM registry_asset a WHERE a.slug = t.associated_slug), 0) <> ALL({asked}.closed)
 END"""
# Only exercises, only on a change, never back from DONE. Tasks are locked in the order of their ids.
_APPLY_WITHIN = """
WITH completion AS (
    SELECT DISTINCT ON (user_id, slug) user_id, slug, complete, closed
      FROM jsonb_to_recordset(%(completions)s::jsonb)
        AS r(user_id bigint, slug text, complete boolean, closed bigint[])
     ORDER BY user_id, slug, complete DESC
), task AS (
    SELECT t.id, completion.complete
      FROM assignments_task t JOIN completion ON completion.user_id = t.user_id AND completion.slug = t.associated_slug
     WHERE t.task_type = 'EXERCISE'
       AND CASE WHEN completion.complete THEN t.task_status <> 'DONE' OR t.revision_status <> 'APPROVED'
                ELSE t.task_status <> 'DONE' END
       AND {scope}
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
_WITH_TASKS_WITHIN = """
SELECT DISTINCT asked.user_id, asked.slug, asked.closed
  FROM jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, slug text, closed bigint[])
  JOIN assignments_task t ON t.user_id = asked.user_id AND t.associated_slug = asked.slug
 WHERE {scope}
"""
_APPLY = _APPLY_WITHIN.format(scope=_IN_SCOPE.format(asked="completion"))
_WITH_TASKS = _WITH_TASKS_WITHIN.format(scope=_IN_SCOPE.format(asked="asked"))


@dataclass(frozen=True)
class Completion:
    """Whether a learner has completed an asset, with every slug under which tasks may refer to the asset.

    `closed`: the academies whose tasks it leaves alone (`write_scope.closed_to`).
    """

    user_id: int
    slugs: tuple[str, ...]
    complete: bool
    closed: frozenset[int] = frozenset()


class TaskKey(NamedTuple):
    """A learner, a slug by which tasks may refer to an asset, and the academies whose tasks don't count."""

    user_id: int
    slug: str
    closed: frozenset[int] = frozenset()


def apply_completion(completions: Sequence[Completion]) -> list[int]:
    """Bring the learners' EXERCISE tasks in line, in the open transaction; return the ids of the tasks changed."""
    rows = [
        {
            "user_id": completion.user_id,
            "slug": slug,
            "complete": completion.complete,
            "closed": sorted(completion.closed),
        }
        for completion in completions
        for slug in completion.slugs
    ]
    if not rows:
        return []
    changed = fetch(_APPLY, {"completions": json_rows(rows), "description": DESCRIPTION})
    return [task_id for (task_id,) in changed]


def with_tasks(keys: Collection[TaskKey]) -> set[TaskKey]:
    """Return those of the keys for which the user has a task of any type that counts."""
    if not keys:
        return set()
    rows = json_rows({"user_id": user, "slug": slug, "closed": sorted(closed)} for user, slug, closed in keys)
    return {TaskKey(user_id, slug, frozenset(closed)) for user_id, slug, closed in fetch(_WITH_TASKS, [rows])}
