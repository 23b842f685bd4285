"""Learners who have finished an asset and have no scores of it: the asset isn't graded, or scores are being computed."""

from dataclasses import dataclass

from learntrace.accounts.cohort_limits.limit import parameter
from learntrace.accounts.models import Academy
from learntrace.core.sql import fetch

# The steps are those that the academy's class has of the asset; a record counts by the rules of `assignments.visibility`
# for members.
_UNSCORED = """
SELECT a.slug, a.graded, count(*)
  FROM accounts_membership m
  JOIN assignments_assignmenttelemetry t ON t.user_id = m.user_id AND t.metrics IS NULL AND t.telemetry IS NOT NULL
  JOIN registry_asset a ON a.slug = t.asset_slug AND (a.academy_id IS NULL OR a.academy_id = m.academy_id)
 CROSS JOIN LATERAL (
       SELECT count(*) AS steps, count(p.done_at) AS done
         FROM progress_assignment s
         LEFT JOIN progress_progress p
                ON p.user_id = t.user_id AND p.assignment = s.key AND p.academy_id = s.academy_id
        WHERE s.academy_id = m.academy_id AND s.asset_id = a.id
 ) AS found
 WHERE m.academy_id = %(academy)s AND (%(seen)s::bigint[] IS NULL OR m.user_id = ANY(%(seen)s))
   AND found.steps > 0 AND found.steps = found.done AND NOT t.by_staff
 GROUP BY a.slug, a.graded ORDER BY 3 DESC, 1 LIMIT %(most)s
"""
MOST = 20


@dataclass(frozen=True)
class Unscored:
    """How many learners have finished an asset without scores, and whether it is graded."""

    slug: str
    graded: bool
    learners: int


def finished_without_scores(academy: Academy) -> list[Unscored]:
    """Return the assets that learners of the academy have finished without scores, those of most learners first."""
    asked = {"academy": academy.pk, "seen": parameter(academy), "most": MOST}
    return [Unscored(*row) for row in fetch(_UNSCORED, asked)]
