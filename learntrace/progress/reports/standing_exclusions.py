"""The exclusions that stand at an assignment or for a learner: what one request made is one row, which can be lifted as one."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from learntrace.accounts.cohort_limits.limit import parameter
from learntrace.accounts.models import Academy
from learntrace.core.sql import fetch
from learntrace.progress.corrections import exclusions
from learntrace.progress.models import Activity, Exclusion

MOST_ROWS: Final = 50

# An exclusion that names no assignment stands at all where it covers an attempt. Whoever looks from one learner or one
# assignment is told of all learners that the same request was about, since all of them are lifted together.
_STANDING = """
WITH here AS (
    SELECT e.made_together, max(e.id) AS id
      FROM progress_exclusion e
     WHERE e.academy_id = %(academy)s AND e.lifted_at IS NULL
       AND (%(seen)s::bigint[] IS NULL OR e.user_id = ANY(%(seen)s))
       AND (%(learner)s::bigint IS NULL OR e.user_id = %(learner)s)
       AND (%(assignment)s::text IS NULL OR e.assignment = %(assignment)s
            OR e.assignment IN (SELECT n.old_key FROM progress_steprename n
                                 WHERE n.academy_id = %(academy)s AND n.read_as = %(assignment)s AND n.undone_at IS NULL)
            OR e.assignment IS NULL AND EXISTS (
                SELECT FROM progress_activity a
                 WHERE a.user_id = e.user_id AND a.academy_id = e.academy_id AND a.assignment = %(assignment)s
                   AND a.outcome IS NOT NULL
                   AND (e.activity_id IS NULL OR e.activity_id = a.id)
                   AND (e.session_id IS NULL OR e.session_id = a.session_id)
                   AND (e.since IS NULL OR e.since <= a.at) AND (e.until IS NULL OR a.at <= e.until)))
     GROUP BY e.made_together
), newest AS (
    SELECT made_together, id, count(*) OVER () AS total FROM here ORDER BY id DESC LIMIT %(most)s
)
SELECT newest.id, newest.total,
       (SELECT count(DISTINCT e.user_id) FROM progress_exclusion e
         WHERE e.made_together = newest.made_together AND e.academy_id = %(academy)s AND e.lifted_at IS NULL
           AND (%(seen)s::bigint[] IS NULL OR e.user_id = ANY(%(seen)s)))
  FROM newest ORDER BY newest.id DESC
"""


@dataclass(frozen=True)
class StandingExclusion:
    """What one request excluded: one of its exclusions, and of how many learners they are.

    `assignment` is the key, empty for all assignments; `attempt_at` is the time of a single attempt.
    """

    exclusion: Exclusion
    learners: int
    assignment: str
    attempt_at: datetime | None


@dataclass(frozen=True)
class StandingExclusions:
    """The newest first; `more` is the number of those that are left out."""

    rows: tuple[StandingExclusion, ...] = ()
    more: int = 0


def standing_at(academy: Academy, assignment: str) -> StandingExclusions:
    """Return what is excluded at an assignment, also under the former names of a step; three queries at most."""
    return _standing(academy, {"learner": None, "assignment": assignment})


def standing_of(academy: Academy, learner_id: int) -> StandingExclusions:
    """Return what is excluded of a learner in the academy; three queries at most."""
    return _standing(academy, {"learner": learner_id, "assignment": None})


def _standing(academy: Academy, conditions: dict[str, Any]) -> StandingExclusions:
    found = fetch(_STANDING, {"academy": academy.pk, "seen": parameter(academy), "most": MOST_ROWS, **conditions})
    named = exclusions.named(academy, [pk for pk, _total, _learners in found])
    single = _attempts({row.activity_id for row in named.values() if row.activity_id is not None})
    rows = []
    for pk, _total, learners in found:
        exclusion = named[pk]
        at, tried = single.get(exclusion.activity_id, (None, None))
        rows.append(StandingExclusion(exclusion, learners, exclusion.assignment or tried or "", at))
    return StandingExclusions(tuple(rows), found[0][1] - len(found) if found else 0)


def _attempts(ids: set[uuid.UUID]) -> dict[uuid.UUID | None, tuple[datetime, str | None]]:
    if not ids:
        return {}
    rows = Activity.objects.filter(pk__in=ids).values_list("pk", "at", "assignment")
    return {pk: (at, assignment) for pk, at, assignment in rows}
