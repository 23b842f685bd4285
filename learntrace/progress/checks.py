"""Which assignments something checks: then only what it says makes them done, and no run alone.

The definition: docs/explanation/signals.md, "The state of a learner on an assignment".
An assignment of a notebook has a check cell where the published notebook lists one, or where anybody ran one. A LearnPack
step has a test where any document says that it is testable, or has a test of it. What was shown once is not forgotten.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.measures.activity import CHECK, TEST
from learntrace.progress.recording import later
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity


class Checked(NamedTuple):
    """An academy's assignment, and what checks it: CHECK or TEST."""

    academy_id: int | None
    key: str
    part: str


# Whoever folds measures holds the lock of the academy shared, whoever stores a new fact holds it alone: so nobody goes on
# from facts that have changed, and every learner with measures from before is found.
_SHARE = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('learntrace checks ' || id, 0)) FROM unnest(%s::bigint[]) AS id
"""
_HOLD = """
SELECT pg_advisory_xact_lock(hashtextextended('learntrace checks ' || id, 0)) FROM unnest(%s::bigint[]) AS id
"""
_UNKNOWN = """
SELECT r.academy, r.about, r.part
  FROM jsonb_to_recordset(%s::jsonb) AS r(academy bigint, about text, part text)
 WHERE NOT EXISTS (SELECT FROM progress_checkedassignment c
                    WHERE c.key = r.about AND c.part = r.part AND c.academy_id IS NOT DISTINCT FROM r.academy)
"""
_TELL = """
INSERT INTO progress_checkedassignment (academy_id, key, part)
SELECT academy, about, part FROM jsonb_to_recordset(%s::jsonb) AS r(academy bigint, about text, part text)
 ORDER BY about, academy, part
ON CONFLICT DO NOTHING
"""
# A check cell wins: there may be both only where a tag and a step have one name, which no prefix allows.
_PARTS = """
SELECT DISTINCT asked.academy, asked.about, c.part
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(academy bigint, about text)
  JOIN progress_checkedassignment c ON c.key = asked.about AND c.academy_id IS NOT DISTINCT FROM asked.academy
 UNION
SELECT DISTINCT asked.academy, asked.about, %(check)s
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(academy bigint, about text)
  JOIN progress_assignment a ON a.key = asked.about AND a.academy_id = asked.academy
 WHERE a.check_cell
"""
_SEEN = """
SELECT DISTINCT p.user_id
  FROM progress_progress p
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(academy bigint, about text)
    ON p.assignment = asked.about AND p.academy_id IS NOT DISTINCT FROM asked.academy
"""


_PUBLISH = """
UPDATE progress_assignment
   SET check_cell = key = ANY(%(checked)s)
 WHERE academy_id = %(academy)s AND key = ANY(%(keys)s) AND check_cell <> (key = ANY(%(checked)s))
RETURNING key
"""


def checked_in(activities: Iterable[LearnerActivity]) -> set[Checked]:
    """Return what activities show: whoever runs a check cell or a test shows that there is one."""
    return {
        Checked(done.academy_id, done.activity.assignment, done.activity.part)
        for done in activities
        if done.activity.assignment is not None and done.activity.part in (CHECK, TEST)
    }


def tell(facts: Collection[Checked]) -> None:
    """Store facts in the open transaction; learners whose measures are from before them are recomputed."""
    unknown = [Checked(*row) for row in fetch(_UNKNOWN, [_rows(facts)])] if facts else []
    if not unknown:
        return
    hold([fact.academy_id for fact in unknown])
    execute(_TELL, [_rows(unknown)])
    have_changed([(fact.academy_id, fact.key) for fact in unknown])


def _rows(facts: Iterable[Checked]) -> str:
    return json_rows({"academy": fact.academy_id, "about": fact.key, "part": fact.part} for fact in facts)


def have_changed(keys: Collection[tuple[int | None, str]]) -> None:
    """Queue those who have measures on assignments of which it has changed whether something checks them."""
    asked = json_rows({"academy": academy_id, "about": key} for academy_id, key in keys)
    learners = [user_id for (user_id,) in fetch(_SEEN, [asked])]
    if learners:
        later.recompute_again(learners)


def publish_checks(academy_id: int, checked: Collection[str], keys: Collection[str]) -> None:
    """Store which of a notebook's published assignments have a check cell, in the open transaction that publishes them."""
    hold([academy_id])
    parameters = {"academy": academy_id, "keys": list(keys), "checked": list(checked)}
    have_changed([(academy_id, key) for (key,) in fetch(_PUBLISH, parameters)])


def hold(academy_ids: Iterable[int | None]) -> None:
    """Wait until nobody folds measures in these academies, and keep others from it until the open transaction ends."""
    fetch(_HOLD, [_ids(academy_ids)])


def parts_of(keys: Iterable[AssignmentKey]) -> Mapping[tuple[int | None, str], str]:
    """Return what checks assignments, by (academy id, assignment); it doesn't change before the open transaction ends."""
    asked = {(key.academy_id, key.assignment) for key in keys}
    if not asked:
        return {}
    fetch(_SHARE, [_ids(academy_id for academy_id, _key in asked)], prepared=True)
    rows = json_rows({"academy": academy_id, "about": key} for academy_id, key in asked)
    parts: dict[tuple[int | None, str], str] = {}
    for academy_id, key, part in fetch(_PARTS, {"asked": rows, "check": CHECK}, prepared=True):
        if parts.get((academy_id, key)) != CHECK:
            parts[academy_id, key] = part
    return parts


def _ids(academy_ids: Iterable[int | None]) -> list[int]:
    # In one order, so that two don't wait for each other; no academy has the number 0.
    return sorted({academy_id or 0 for academy_id in academy_ids})
