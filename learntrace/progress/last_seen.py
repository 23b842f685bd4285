"""When learners were last seen: the one answer of the API, of all pages, of the diagnosis and of CSV files.

A learner was seen whenever anything of the learner's happened, on an assignment or not, also in an earlier course run; what
staff has excluded was somebody else. Times are those by which activities
are ordered (`measures.clock`): of a clock that is ahead, the receipt.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from learntrace.accounts.cohort_limits.limit import parameter
from learntrace.accounts.models import Academy
from learntrace.core.sql import fetch

# One search in an index for each learner or assignment, however much was done.
_OF_LEARNERS = """
SELECT learner, seen.at
  FROM unnest(%(learners)s::bigint[]) AS learner
 CROSS JOIN LATERAL (SELECT a.at FROM progress_activity a
                      WHERE a.user_id = learner AND (%(academy)s::bigint IS NULL OR a.academy_id = %(academy)s)
                        AND a.exclusion_id IS NULL
                      ORDER BY a.at DESC, a.arrival DESC LIMIT 1) AS seen
"""
# The last activity on an assignment is searched for by itself: saving a notebook, for instance, is on none.
_IN_HAND = """
SELECT learner, seen.at, worked.assignment, worked.at
  FROM unnest(%(learners)s::bigint[]) AS learner
 CROSS JOIN LATERAL (SELECT a.at FROM progress_activity a
                      WHERE a.user_id = learner AND a.academy_id = %(academy)s AND a.exclusion_id IS NULL
                      ORDER BY a.at DESC, a.arrival DESC LIMIT 1) AS seen
  LEFT JOIN LATERAL (SELECT a.assignment, a.at FROM progress_activity a
                      WHERE a.user_id = learner AND a.academy_id = %(academy)s AND a.exclusion_id IS NULL
                        AND a.assignment IS NOT NULL
                      ORDER BY a.at DESC, a.arrival DESC LIMIT 1) AS worked ON true
"""
_OF_ASSIGNMENTS = """
SELECT key, seen.at
  FROM unnest(%(keys)s::text[]) AS key
 CROSS JOIN LATERAL (SELECT a.at FROM progress_activity a
                      WHERE a.academy_id = %(academy)s AND a.assignment = key AND a.exclusion_id IS NULL
                        AND (%(seen)s::bigint[] IS NULL OR a.user_id = ANY(%(seen)s))
                      ORDER BY a.at DESC LIMIT 1) AS seen
"""


class LastSeen(NamedTuple):
    """When a learner was last seen, and the assignment that the learner worked on last, with the time; None for never."""

    at: datetime | None = None
    assignment: str | None = None
    worked_at: datetime | None = None


def in_hand_in(academy_id: int, user_ids: Collection[int]) -> dict[int, LastSeen]:
    """Return when and on what each learner was last seen in an academy; those who never were are left out. One query."""
    rows = fetch(_IN_HAND, {"learners": list(user_ids), "academy": academy_id})
    return {user_id: LastSeen(*seen) for user_id, *seen in rows}


def last_seen_in(academy_id: int, user_ids: Collection[int]) -> dict[int, datetime]:
    """Return when each learner was last seen in an academy; those who never were are left out. One query."""
    return _of_learners(user_ids, academy_id)


def last_seen_anywhere(user_id: int) -> datetime | None:
    """Return when a learner was last seen in any academy or none; one query."""
    return _of_learners([user_id], None).get(user_id)


def _of_learners(user_ids: Collection[int], academy_id: int | None) -> dict[int, datetime]:
    return dict(fetch(_OF_LEARNERS, {"learners": list(user_ids), "academy": academy_id}))


def last_seen_on(academy: Academy, keys: Collection[str]) -> dict[str, datetime]:
    """Return when anybody was last seen on each assignment of an academy; those without are left out. One query."""
    asked = {"keys": list(keys), "academy": academy.pk, "seen": parameter(academy)}
    return dict(fetch(_OF_ASSIGNMENTS, asked)) if keys else {}
