"""Attempts follow an asset to its canonical slug, when it was renamed or became a translation.

The next document tells all runs again under that slug. A run's id is made from the slug too, so without this each would
be stored twice, and the history until then would stay with assignments that nobody works on any more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from django.db import transaction

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.learnpack.attempts.earlier_ids import CHANGE_EXCLUSIONS, Stored, new_ids
from learntrace.learnpack.models import ReadingPosition, UnreadDocument
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.progress.recording import activity_store
from learntrace.progress.recording.later import recompute_again
from learntrace.progress.recording.recording import lock_learners
from learntrace.signals.evaluation.renamed_activities import follow_renamed_activities

_READ = """
SELECT a.id::text, a.user_id, a.verb, a.object_id, a.at, a.outcome, a.code_hash, a.assignment, a.told_as
  FROM progress_activity a WHERE a.user_id = %s AND a.source = %s AND starts_with(a.assignment, %s)
"""
_CHANGE = """
UPDATE progress_activity a SET id = r.new_id, assignment = r.assignment, told_as = r.told_as
  FROM jsonb_to_recordset(%s::jsonb) AS r(old_id uuid, new_id uuid, assignment text, told_as text) WHERE a.id = r.old_id
"""
# What staff has decided about assignments of the asset goes with them; where the new name has such a row already, that one
# holds.
_FOLLOWING = (
    """
UPDATE progress_exclusion SET assignment = %(new)s || substr(assignment, %(from)s)
 WHERE starts_with(assignment, %(old)s)
""",
    """
UPDATE progress_earlierrun e SET assignment = %(new)s || substr(e.assignment, %(from)s)
 WHERE starts_with(e.assignment, %(old)s)
   AND NOT EXISTS (SELECT FROM progress_earlierrun o WHERE o.user_id = e.user_id AND o.until = e.until
                      AND o.academy_id IS NOT DISTINCT FROM e.academy_id
                      AND o.assignment = %(new)s || substr(e.assignment, %(from)s))
""",
    """
UPDATE progress_assignment a SET key = %(new)s || substr(a.key, %(from)s)
 WHERE starts_with(a.key, %(old)s)
   AND NOT EXISTS (SELECT FROM progress_assignment o
                    WHERE o.academy_id = a.academy_id AND o.key = %(new)s || substr(a.key, %(from)s))
""",
    "DELETE FROM progress_assignment WHERE starts_with(key, %(old)s)",
    """
UPDATE progress_checkedassignment a SET key = %(new)s || substr(a.key, %(from)s)
 WHERE starts_with(a.key, %(old)s)
   AND NOT EXISTS (SELECT FROM progress_checkedassignment o
                    WHERE o.academy_id IS NOT DISTINCT FROM a.academy_id AND o.key = %(new)s || substr(a.key, %(from)s))
""",
    """
UPDATE progress_formerstep a SET key = %(new)s || substr(a.key, %(from)s)
 WHERE starts_with(a.key, %(old)s)
   AND NOT EXISTS (SELECT FROM progress_formerstep o
                    WHERE o.academy_id = a.academy_id AND o.key = %(new)s || substr(a.key, %(from)s))
""",
    """
UPDATE progress_steprename r
   SET old_key = %(new)s || substr(old_key, %(from)s), new_key = %(new)s || substr(new_key, %(from)s),
       read_as = %(new)s || substr(read_as, %(from)s)
 WHERE starts_with(old_key, %(old)s) AND starts_with(new_key, %(old)s) AND starts_with(read_as, %(old)s)
   AND NOT EXISTS (SELECT FROM progress_steprename o
                    WHERE o.academy_id = r.academy_id AND o.old_key = %(new)s || substr(r.old_key, %(from)s))
""",
)


def follow_moved_asset(former: str, canonical: str, user_ids: Collection[int]) -> None:
    """Bring learners' attempts that were told under a former slug under the canonical one, a learner a transaction."""
    for user_id in user_ids:
        with transaction.atomic():
            lock_learners([user_id])
            _move(user_id, former, canonical)
    with transaction.atomic():
        names = {"old": f"{former}/", "new": f"{canonical}/", "from": len(former) + 2}
        for statement in _FOLLOWING:
            execute(statement, names)


def _move(user_id: int, former: str, canonical: str) -> None:
    old = fetch(_READ, [user_id, SOURCE, f"{former}/"])
    told = {row[0]: _moved(row[8], former, canonical) for row in old}
    store_as(user_id, [replace(Stored(*row[:8]), assignment=_moved(row[7], former, canonical)) for row in old], told)
    # The positions say how far documents were read under the ids of before.
    ReadingPosition.objects.filter(user=user_id, asset_slug__in=[former, canonical]).delete()
    UnreadDocument.objects.filter(user=user_id, asset_slug=former).update(asset_slug=canonical)
    recompute_again([user_id])


def store_as(owner: int, rows: Sequence[Stored], told_as: Mapping[str, str | None]) -> dict[str, str]:
    """Have a learner's stored activities become what `rows` say, with the ids that follow from it, under the locks.

    A run that is stored under its new id already is kept once. `told_as` is by the present id. Return the new ids by the
    present ones.
    """
    ids, twice = new_ids(rows)
    changed = [
        {"old_id": row.id, "new_id": ids[row.id], "assignment": row.assignment, "told_as": told_as.get(row.id)}
        for row in rows
        if row.id in ids
    ]
    activity_store.delete([row.id for row in twice])
    change_ids(owner, changed)
    return ids


def change_ids(owner: int, changed: Sequence[Mapping[str, str | None]]) -> None:
    """Give a learner's activities other ids and assignments, in all that names them."""
    if changed:
        execute(_CHANGE, [json_rows(changed)])
        execute(CHANGE_EXCLUSIONS, [json_rows(changed)])
        follow_renamed_activities(owner, {str(row["old_id"]): str(row["new_id"]) for row in changed})


def _moved(key: str | None, former: str, canonical: str) -> str | None:
    if key is None or not key.startswith(f"{former}/"):
        return key
    return canonical + key[len(former) :]
