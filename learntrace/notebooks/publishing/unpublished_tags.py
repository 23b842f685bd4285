"""Flag events whose assignment no published notebook has: they count, but the tag may be a typing error of its author.

Only in academies that have published notebooks: elsewhere every assignment would be unknown.
"""

from collections.abc import Collection

from learntrace.core.sql import execute
from learntrace.notebooks.validation.event import UNKNOWN_ASSIGNMENT

_FLAG = """
UPDATE events e
   SET flags = e.flags || to_jsonb(%s::text)
 WHERE e.id = ANY(%s::uuid[]) AND e.object ->> 'assignment' IS NOT NULL AND NOT e.flags ? %s
   AND EXISTS (SELECT FROM notebooks_notebookassignment p WHERE p.academy_id = e.academy_id)
   AND NOT EXISTS (SELECT FROM notebooks_notebookassignment p
                    WHERE p.academy_id = e.academy_id AND p.tag = e.object ->> 'assignment')
"""
_UNFLAG = """
UPDATE events e SET flags = e.flags - %s::text
 WHERE e.academy_id = %s AND e.object ->> 'assignment' = ANY(%s) AND e.flags ? %s
"""


def flag_unknown(event_ids: Collection[str]) -> int:
    """Flag the given events whose assignment isn't published, in the open transaction; return how many."""
    if not event_ids:
        return 0
    return execute(_FLAG, [UNKNOWN_ASSIGNMENT, list(event_ids), UNKNOWN_ASSIGNMENT], prepared=True)


def unflag_known(academy_id: int, tags: Collection[str]) -> int:
    """Remove the flag from events on tags that are now published, in the open transaction; return how many."""
    if not tags:
        return 0
    return execute(_UNFLAG, [UNKNOWN_ASSIGNMENT, academy_id, list(tags), UNKNOWN_ASSIGNMENT])
