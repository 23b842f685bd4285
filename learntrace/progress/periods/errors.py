"""The error counts that a period cuts through, counted again from the period's activities.

Most counts of a learner lie in the period or outside of it, and are read as they are kept (`reports.errors`). One whose first
and last time lie on both sides of an end is recounted by the function that keeps them: SQL can't read an error's variant.
"""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from learntrace.core.sql import fetch
from learntrace.measures.activity import Activity, Failure
from learntrace.progress.counting import counts
from learntrace.progress.recording.error_counts import counts_of

# Beside the errors only successes matter, which tell when one was solved.
_CUT = f"""
WITH cut AS (
    SELECT p.id, p.user_id, p.assignment, array_agg(e.digest) AS digests
      FROM progress_progress p JOIN progress_errorcount e ON e.progress_id = p.id
     WHERE p.academy_id = %(academy)s AND (%(keys)s::text[] IS NULL OR p.assignment = ANY(%(keys)s))
       AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
       AND (%(digests)s::text[] IS NULL OR e.group_digest = ANY(%(digests)s))
       AND e.first_at < %(until)s::timestamptz AND e.last_at >= %(since)s::timestamptz
       AND NOT (e.first_at >= %(since)s::timestamptz AND e.last_at < %(until)s::timestamptz)
     GROUP BY p.id
)
SELECT cut.id, cut.digests, a.at, a.arrival, a.verb, a.outcome, a.part, a.failures::text
  FROM cut
  JOIN progress_activity a ON a.user_id = cut.user_id AND a.assignment = cut.assignment AND a.academy_id = %(academy)s
 WHERE a.at >= %(since)s::timestamptz AND a.at < %(until)s::timestamptz AND {counts("a")}
   AND (a.outcome IN ('ok', 'error') OR a.verb = 'completed')
 ORDER BY cut.id, a.at, a.arrival
"""  # noqa: S608 (no text from outside)


def recounted(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cut counts over the period, as rows with the columns of `ErrorCount`; runs one query.

    `parameters` are those of `reports.errors`: academy, keys, learners, digests (None: all), since and until.
    """
    rows = []
    for (progress_id, digests), activities in groupby(fetch(_CUT, parameters), key=itemgetter(0, 1)):
        counted = counts_of(progress_id, [_activity(*activity[2:]) for activity in activities])
        rows += [row for row in counted if row["digest"] in digests]
    return rows


def _activity(at: Any, arrival: int, verb: str, outcome: str | None, part: str | None, failures: str) -> Activity:
    met = tuple(Failure(*failure) for failure in msgspec.json.decode(failures))
    # The assignment is known from the row; without one nothing counts as a failure.
    return Activity("", at, arrival, verb, "counted", outcome, met, part=part)
