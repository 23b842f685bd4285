"""The measures of learners on assignments over a period, as rows that reports read in the place of `progress_progress`.

Where all of a learner's activities on an assignment lie in the period, the stored measures are the period's. Only those that
it cuts through are recounted, from the period's activities alone, which the index activity_assignment finds in their order:
the work is that of the ends of the period and not of its length. A recount equals `measures.learner_measures` over the
period's activities, but for what follows from a sequence of errors: the Error Quotient and the Repeated Error Density
are kept for all times only, and null here.

`done_at` is when the assignment was done first, where that lies in the period.
"""

from learntrace.progress.counting import counts
from learntrace.progress.periods.period import Period

_SINCE, _UNTIL = "%(since)s::timestamptz", "%(until)s::timestamptz"
_WHOLE = f"p.first_seen_at >= {_SINCE} AND p.last_seen_at < {_UNTIL}"
_CUT = f"p.first_seen_at < {_UNTIL} AND p.last_seen_at >= {_SINCE} AND NOT ({_WHOLE})"
# At most the longest gap of the time since the activity before counts as active (`learner_measures.step`).
_COUNTED = f"""
    SELECT count(*) FILTER (WHERE is_attempt) AS attempts,
           count(*) FILTER (WHERE is_attempt AND outcome = 'error') AS errors,
           count(*) FILTER (WHERE is_check) AS checks,
           count(*) FILTER (WHERE is_check AND outcome = 'error') AS failed_checks,
           count(*) FILTER (WHERE is_question) AS questions,
           min(at) AS first_seen_at, max(at) AS last_seen_at,
           coalesce(sum(least(extract(epoch FROM gap), longest)) FILTER (WHERE gap IS NOT NULL), 0)::float8 AS active_seconds
      FROM (SELECT a.at, a.outcome, a.at - lag(a.at) OVER (ORDER BY a.at, a.arrival) AS gap,
                   round(p.gap_seconds::numeric, 6) AS longest,
                   a.outcome IN ('ok', 'error') AND a.part IS DISTINCT FROM 'check' AS is_attempt,
                   a.outcome IN ('ok', 'error') AND a.part = 'check' AS is_check,
                   a.outcome IS NULL AND a.verb = 'asked' AS is_question
              FROM progress_activity a
             WHERE a.user_id = p.user_id AND a.assignment = p.assignment AND a.academy_id IS NOT DISTINCT FROM p.academy_id
               AND a.at >= {_SINCE} AND a.at < {_UNTIL} AND {counts("a")}) AS activity
"""  # noqa: S608 (no text from outside)
_IN_PERIOD = f"""(
    SELECT p.user_id, p.academy_id, p.assignment, p.attempts, p.errors, p.checks, p.failed_checks, p.questions,
           p.first_seen_at, p.last_seen_at, p.active_seconds, p.done_at,
           NULL::float8 AS error_quotient, NULL::float8 AS repeated_error_density
      FROM progress_progress p
     WHERE p.academy_id = %(academy)s AND {_WHOLE}
     UNION ALL
    SELECT p.user_id, p.academy_id, p.assignment, c.attempts, c.errors, c.checks, c.failed_checks, c.questions,
           c.first_seen_at, c.last_seen_at, c.active_seconds,
           CASE WHEN p.done_at >= {_SINCE} AND p.done_at < {_UNTIL} THEN p.done_at END,
           NULL, NULL
      FROM progress_progress p CROSS JOIN LATERAL ({_COUNTED}) c
     WHERE p.academy_id = %(academy)s AND {_CUT} AND c.last_seen_at IS NOT NULL
)"""  # noqa: S608 (no text from outside)


def progress_in(period: Period) -> str:
    """Return what a statement reads FROM; its parameters are `academy` and the period's."""
    return _IN_PERIOD if period else "progress_progress"
