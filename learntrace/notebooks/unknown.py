"""Assignments that no published notebook has: their events count, and are flagged, as the tag may be a slip of its author.

Only where an academy has published anything: elsewhere every assignment would be unknown.
"""

from collections.abc import Collection

from django.db import connection

from learntrace.notebooks.checking import UNKNOWN_ASSIGNMENT

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
    """Flag those of the events whose assignment isn't published, in the open transaction; how many."""
    if not event_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_FLAG, [UNKNOWN_ASSIGNMENT, list(event_ids), UNKNOWN_ASSIGNMENT])
        return int(cursor.rowcount)


def unflag_known(academy_id: int, tags: Collection[str]) -> int:
    """Take the flag from events on tags that are published now, in the open transaction; how many."""
    if not tags:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_UNFLAG, [UNKNOWN_ASSIGNMENT, academy_id, list(tags), UNKNOWN_ASSIGNMENT])
        return int(cursor.rowcount)
