"""When learners were last seen: the one answer of the API, of all pages, of the diagnosis and of CSV files.

A learner was seen whenever anything of the learner's happened, on an assignment or not, also in an earlier course run; what
staff has excluded was somebody else. Times are those by which activities
are ordered (`measures.clock`): of a clock that is ahead, the receipt.
"""

from collections.abc import Collection
from datetime import datetime

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
_OF_ASSIGNMENTS = """
SELECT key, seen.at
  FROM unnest(%(keys)s::text[]) AS key
 CROSS JOIN LATERAL (SELECT a.at FROM progress_activity a
                      WHERE a.academy_id = %(academy)s AND a.assignment = key AND a.exclusion_id IS NULL
                        AND (%(seen)s::bigint[] IS NULL OR a.user_id = ANY(%(seen)s))
                      ORDER BY a.at DESC LIMIT 1) AS seen
"""


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
