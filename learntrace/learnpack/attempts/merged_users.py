"""Attempts of a user who is merged into another: their ids are made from the user too, and follow.

Otherwise the next document would tell all runs again as the other user's, and each would be stored twice.
"""

from typing import Any

from learntrace.core.sql import execute, fetch
from learntrace.learnpack.attempts.earlier_ids import Stored, change_earlier_ids
from learntrace.learnpack.attempts.moved_assets import change_ids, store_as
from learntrace.learnpack.models import ReadingPosition
from learntrace.learnpack.processing.streaming import SOURCE

_READ = """
SELECT a.id::text, a.verb, a.object_id, a.at, a.outcome, a.code_hash, a.assignment, a.told_as, to_jsonb(a)::text
  FROM progress_activity a WHERE a.user_id = %s AND a.source = %s
"""
_PUT_BACK = """
INSERT INTO progress_activity SELECT r.* FROM jsonb_populate_record(NULL::progress_activity, %s::jsonb) AS r
    ON CONFLICT DO NOTHING
"""


def before_merge(merged: int, into: int) -> Any:
    """Give the merged user's runs the ids of the other's; return the new ids, and the rows that both had."""
    while merged not in change_earlier_ids([merged]) or into not in change_earlier_ids([into]):
        pass
    rows = fetch(_READ, [merged, SOURCE])
    told_as = {row[0]: row[7] for row in rows}
    ids = store_as(merged, [Stored(row[0], into, *row[1:7]) for row in rows], told_as)
    _forget_positions(merged, into)
    return {"ids": ids, "twice": [row[8] for row in rows if row[0] not in ids]}


def undo_merge(merged: int, into: int, prepared: Any) -> None:
    """Give the runs back the ids that they had, and those that both had to the merged user too."""
    old = {new: old for old, new in (prepared or {}).get("ids", {}).items()}
    rows = fetch(_READ, [merged, SOURCE])
    changed = [
        {"old_id": row[0], "new_id": old[row[0]], "assignment": row[6], "told_as": row[7]}
        for row in rows
        if row[0] in old
    ]
    change_ids(merged, changed)
    for row in (prepared or {}).get("twice", ()):
        execute(_PUT_BACK, [row])
    _forget_positions(merged, into)


def _forget_positions(*users: int) -> None:
    """The positions say how far documents were read under the ids of before."""
    ReadingPosition.objects.filter(user__in=users).delete()
