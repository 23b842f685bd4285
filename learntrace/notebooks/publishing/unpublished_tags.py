"""Flag events whose assignment no published notebook has, or which come from another cell than the published one.

They count. The tag may be a typing error of its author, or the cell a copy that the learner tries things in.

Only in academies that have published notebooks: elsewhere every assignment would be unknown.
"""

from collections.abc import Collection

from learntrace.core.sql import execute
from learntrace.notebooks.validation.event import OTHER_CELL, UNKNOWN_ASSIGNMENT

# A notebook without cell ids has none that could be compared.
_FLAG = """
WITH found AS (
    SELECT e.id, CASE WHEN p.id IS NULL THEN %(unknown)s
                      WHEN e.verb = 'executed' AND e.object ->> 'part' IS DISTINCT FROM 'check'
                           AND p.cell_id <> '' AND p.cell_id <> e.object_id THEN %(other)s END AS flag
      FROM events e
      LEFT JOIN notebooks_notebookassignment p ON p.academy_id = e.academy_id AND p.tag = e.object ->> 'assignment'
     WHERE e.id = ANY(%(events)s::uuid[]) AND e.object ->> 'assignment' IS NOT NULL
       AND EXISTS (SELECT FROM notebooks_notebookassignment p WHERE p.academy_id = e.academy_id)
)
UPDATE events e SET flags = e.flags || to_jsonb(found.flag)
  FROM found WHERE found.id = e.id AND found.flag IS NOT NULL AND NOT e.flags ? found.flag
"""
_UNFLAG = """
UPDATE events e SET flags = e.flags - %s::text
 WHERE e.academy_id = %s AND e.object ->> 'assignment' = ANY(%s) AND e.flags ? %s
"""


def flag_unknown(event_ids: Collection[str]) -> int:
    """Flag the given events whose assignment isn't published, or not with their cell, in the open transaction; return how
    many."""
    if not event_ids:
        return 0
    return execute(_FLAG, {"unknown": UNKNOWN_ASSIGNMENT, "other": OTHER_CELL, "events": list(event_ids)})


def unflag_known(academy_id: int, tags: Collection[str]) -> int:
    """Remove the flag from events on tags that are now published, in the open transaction; return how many."""
    if not tags:
        return 0
    return execute(_UNFLAG, [UNKNOWN_ASSIGNMENT, academy_id, list(tags), UNKNOWN_ASSIGNMENT])
