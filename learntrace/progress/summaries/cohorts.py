"""Cohorts side by side: how fast each gets through the same assignments, and where it fails."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any, Final

from django.utils import timezone

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, Cohort, CohortLearner
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.sql import fetch, json_rows
from learntrace.progress.catalogue import SHOWN_TO_CLASS
from learntrace.progress.counting import counts
from learntrace.progress.models import Assignment
from learntrace.progress.periods.period import ALL_TIMES, Period
from learntrace.progress.reports.errors import ErrorRow, errors_on
from learntrace.progress.summaries.cohort_errors import most_met

# A course is compared for so many days; what comes later counts in the figures, and in no curve.
MOST_DAYS: Final = 200
# Of each cohort these many errors are told, of an assignment one.
MOST_ERRORS: Final = 3

_MEMBERS = """
member AS (
    SELECT * FROM jsonb_to_recordset(%(members)s::jsonb) AS r(cohort bigint, learner bigint, start timestamptz)
)"""
_DONE = "p.done_at >= %(since)s::timestamptz AND p.done_at < %(until)s::timestamptz"
_STANDING = f"""
WITH {_MEMBERS}
SELECT m.cohort, p.assignment,
       CASE WHEN p.done_at IS NOT NULL THEN greatest(0, floor(extract(epoch FROM p.done_at - m.start) / 86400))::int END AS day,
       count(*), count(*) FILTER (WHERE {_DONE}),
       array_agg(extract(epoch FROM p.done_at - p.first_seen_at)::float8) FILTER (WHERE {_DONE})
  FROM member m
  JOIN progress_progress p ON p.user_id = m.learner AND p.academy_id = %(academy)s AND p.first_seen_at >= m.start
 WHERE (%(keys)s::text[] IS NULL OR p.assignment = ANY(%(keys)s))
   AND {SHOWN_TO_CLASS.format(academy="p.academy_id", key="p.assignment")}
 GROUP BY m.cohort, p.assignment, day
"""  # noqa: S608 (no text from outside)
_COUNTED = f"""
a.outcome IN ('ok', 'error') AND a.part IS DISTINCT FROM 'check' AND a.assignment IS NOT NULL AND {counts("a")}
"""
_ATTEMPTS_THEN = f"""
WITH {_MEMBERS}
SELECT m.cohort, count(*), count(*) FILTER (WHERE a.outcome = 'error'), count(DISTINCT a.user_id)
  FROM member m
  JOIN progress_activity a ON a.user_id = m.learner AND a.academy_id = %(academy)s AND a.at >= m.start
       AND a.at >= %(since)s::timestamptz AND a.at < %(until)s::timestamptz
 WHERE {_COUNTED} AND (%(keys)s::text[] IS NULL OR a.assignment = ANY(%(keys)s))
 GROUP BY m.cohort
"""  # noqa: S608 (no text from outside)
# A learner's measures of an assignment have all attempts; one by one they are counted only where a cohort began in between.
_ATTEMPTS = f"""
WITH {_MEMBERS}, measured AS MATERIALIZED (
    SELECT m.cohort, m.start, p.user_id, p.assignment, p.attempts, p.errors, p.first_seen_at < m.start AS began_earlier
      FROM member m
      JOIN progress_progress p ON p.user_id = m.learner AND p.academy_id = %(academy)s AND p.last_seen_at >= m.start
     WHERE %(keys)s::text[] IS NULL OR p.assignment = ANY(%(keys)s)
), tried AS (
    SELECT cohort, user_id, attempts, errors FROM measured WHERE NOT began_earlier AND attempts > 0
     UNION ALL
    SELECT m.cohort, a.user_id, 1, CASE a.outcome WHEN 'error' THEN 1 ELSE 0 END
      FROM measured m JOIN progress_activity a ON a.user_id = m.user_id AND a.academy_id = %(academy)s
           AND a.assignment = m.assignment AND a.at >= m.start
     WHERE m.began_earlier AND {_COUNTED}
)
SELECT cohort, sum(attempts), sum(errors), count(DISTINCT user_id) FROM tried GROUP BY cohort
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class CohortFigures:
    """A cohort on the compared assignments.

    `curve` has for each day since the cohort's beginning the share of all (learner, assignment) that were done by its end.
    `median_seconds` is the time from a learner's first activity on an assignment until it was done.
    """

    cohort: Cohort
    learners: int
    active: int
    attempts: int
    failed: int
    done: int
    places: int
    median_seconds: float | None
    curve: Sequence[float]
    errors: Sequence[ErrorRow] = ()

    @property
    def done_share(self) -> float | None:
        return self.done / self.places if self.places else None

    @property
    def failed_share(self) -> float | None:
        return self.failed / self.attempts if self.attempts else None


def compare(
    academy: Academy, cohorts: Sequence[Cohort], assets: Collection[int] | None, period: Period = ALL_TIMES
) -> list[CohortFigures]:
    """Return the figures of each cohort on the assets' assignments (None: on any that one of them was seen on), in their order.

    Over a period, attempts, errors and what was done are the period's; the curves have all days. Six queries at most, and one
    more for each cohort, over a period five and two.
    """
    keys: set[str] | None = None
    if assets is not None:
        published = Assignment.objects.filter(academy=academy, asset__in=assets)
        keys = set(published.values_list("key", flat=True))
    members = _members(academy, cohorts)
    rows = [
        {"cohort": cohort.pk, "learner": learner, "start": _start_of(cohort).isoformat()}
        for cohort in cohorts
        for learner in members[cohort.pk]
    ]
    parameters = {"academy": academy.pk, "members": json_rows(rows), "keys": None if keys is None else sorted(keys)}
    parameters |= period.parameters()
    done: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    done_then: dict[int, int] = defaultdict(int)
    seconds: dict[int, list[float]] = defaultdict(list)
    seen: set[str] = set(keys or ())
    for cohort, assignment, day, count, counted, times in fetch(_STANDING, parameters):
        seen.add(assignment)
        if day is not None:
            done[cohort][min(day, MOST_DAYS)] += count
            done_then[cohort] += counted
            seconds[cohort] += times or []
    tried = {cohort: figures for cohort, *figures in fetch(_ATTEMPTS_THEN if period else _ATTEMPTS, parameters)}
    errors = _errors(academy.pk, seen, members, period)
    return [
        replace(
            _figures(
                academy, cohort, members[cohort.pk], seen, done[cohort.pk], seconds[cohort.pk], tried.get(cohort.pk)
            ),
            done=done_then[cohort.pk],
            errors=errors[cohort.pk],
        )
        for cohort in cohorts
    ]


def _errors(
    academy_id: int, keys: Collection[str], members: Mapping[int, Collection[int]], period: Period
) -> Mapping[int, Sequence[ErrorRow]]:
    if not period:
        return most_met(academy_id, keys, members, MOST_ERRORS)
    return {
        cohort: errors_on(academy_id, keys, learners, 1, period)[:MOST_ERRORS] if learners else ()
        for cohort, learners in members.items()
    }


def _members(academy: Academy, cohorts: Sequence[Cohort]) -> Mapping[int, frozenset[int]]:
    found: dict[int, set[int]] = {cohort.pk: set() for cohort in cohorts}
    tasks = tasks_seen_in(academy).filter(cohort__in=found)
    listed = CohortLearner.objects.filter(seen(academy), cohort__in=found, cohort__academy=academy)
    for rows in (tasks, listed):
        for cohort_id, user_id in rows.order_by().values_list("cohort_id", "user_id").distinct():
            found[cohort_id].add(user_id)
    return {cohort_id: frozenset(learners) for cohort_id, learners in found.items()}


def _start_of(cohort: Cohort) -> datetime:
    """Return when a cohort begins; one without dates begins with its learners' first activity, which is no moment here."""
    if cohort.starts_on is None:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return datetime.combine(cohort.starts_on, time(), timezone.get_current_timezone()).astimezone(UTC)


def _figures(
    academy: Academy,
    cohort: Cohort,
    learners: frozenset[int],
    seen: Collection[str],
    done: Mapping[int, int],
    seconds: list[float],
    tried: Sequence[Any] | None,
) -> CohortFigures:
    attempts, failed, active = tried or (0, 0, 0)
    places = len(learners) * len(seen)
    return CohortFigures(
        cohort=cohort,
        learners=len(learners),
        active=active,
        attempts=attempts,
        failed=failed,
        done=0,
        places=places,
        median_seconds=_median(seconds),
        curve=curve_of(done, places, length_of(cohort, done)) if cohort.starts_on is not None else (),
    )


def length_of(cohort: Cohort, done: Mapping[int, int]) -> int:
    """Return how many days a cohort's curve has: until today or its end, or until the last success after that."""
    if cohort.starts_on is None:
        return 0
    today = timezone.localdate()
    end = min(cohort.ends_on or today, today)
    return max(0, min(max((end - cohort.starts_on).days, max(done, default=0)), MOST_DAYS)) + 1


def curve_of(done: Mapping[int, int], places: int, days: int) -> list[float]:
    """Return the share that was done by the end of each day, from the numbers of what was done on each."""
    total, curve = 0, []
    for day in range(days):
        total += done.get(day, 0)
        curve.append(total / places if places else 0.0)
    return curve


def _median(values: list[float]) -> float | None:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
