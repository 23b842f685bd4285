"""What happened in a span of days: learners who slipped, assignments that were hard, and those that got easier."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from learntrace.accounts.models import User
from learntrace.core.sql import fetch
from learntrace.progress.catalogue import SHOWN_TO_CLASS
from learntrace.progress.counting import counts
from learntrace.progress.summaries.span import Span

# An assignment is compared where at least so many learners tried it: fewer tell of themselves.
LEAST_LEARNERS: Final = 3
# How much the share of failed attempts has to fall for an assignment to have got easier.
LEAST_FALL: Final = 0.1
# The share of learners who tried an assignment and weren't done, or of failed attempts, from which on it was hard.
HARD_SHARE: Final = 0.3

# A learner's measures of an assignment have all attempts: they are the span's, or the one's before, where all of the
# activities lie in it. One by one attempts are counted only where an end of a span lies in between, as in `periods.measures`.
_IN_SPAN = "p.first_seen_at >= %(since)s AND p.last_seen_at < %(until)s"
_IN_SPAN_BEFORE = "p.first_seen_at >= %(before)s AND p.last_seen_at < %(since)s"
_WEEK = f"""
WITH measured AS MATERIALIZED (
    SELECT p.user_id, p.assignment, p.done_at, p.stuck_since, p.attempts, p.errors, p.first_seen_at,
           {_IN_SPAN} AS now, {_IN_SPAN_BEFORE} AS earlier,
           p.first_seen_at < %(until)s AND p.last_seen_at >= %(before)s AND NOT ({_IN_SPAN}) AND NOT ({_IN_SPAN_BEFORE}) AS cut
      FROM progress_progress p
     WHERE p.academy_id = %(academy)s AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
       AND {SHOWN_TO_CLASS.format(academy="p.academy_id", key="p.assignment")}
), standing AS MATERIALIZED (
    SELECT user_id, assignment, done_at, stuck_since, first_seen_at,
           CASE WHEN now THEN attempts ELSE 0 END AS attempts, CASE WHEN now THEN errors ELSE 0 END AS failed,
           CASE WHEN earlier THEN attempts ELSE 0 END AS attempts_before,
           CASE WHEN earlier THEN errors ELSE 0 END AS failed_before
      FROM measured WHERE NOT cut
     UNION ALL
    SELECT m.user_id, m.assignment, m.done_at, m.stuck_since, m.first_seen_at,
           c.attempts, c.failed, c.attempts_before, c.failed_before
      FROM measured m
     CROSS JOIN LATERAL (
           SELECT count(*) FILTER (WHERE a.at >= %(since)s) AS attempts,
                  count(*) FILTER (WHERE a.at >= %(since)s AND a.outcome = 'error') AS failed,
                  count(*) FILTER (WHERE a.at < %(since)s) AS attempts_before,
                  count(*) FILTER (WHERE a.at < %(since)s AND a.outcome = 'error') AS failed_before
             FROM progress_activity a
            WHERE a.user_id = m.user_id AND a.assignment = m.assignment AND a.academy_id = %(academy)s
              AND a.at >= %(before)s AND a.at < %(until)s AND a.outcome IN ('ok', 'error')
              AND a.part IS DISTINCT FROM 'check' AND {counts("a")}) AS c
     WHERE m.cut
), learners AS (
    SELECT user_id, json_build_array(user_id, sum(attempts), sum(failed), sum(attempts_before),
               count(*) FILTER (WHERE done_at < %(until)s), count(*) FILTER (WHERE done_at < %(since)s),
               count(*) FILTER (WHERE done_at IS NULL AND stuck_since < %(until)s)) AS figures
      FROM standing GROUP BY user_id
), assignments AS (
    SELECT assignment, json_build_array(assignment, sum(attempts), sum(failed), count(*) FILTER (WHERE attempts > 0),
               count(*) FILTER (WHERE attempts > 0 AND done_at < %(until)s),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - first_seen_at)::float8)
                   FILTER (WHERE attempts > 0 AND done_at >= %(since)s AND done_at < %(until)s),
               sum(attempts_before), sum(failed_before), count(*) FILTER (WHERE attempts_before > 0)) AS figures
      FROM standing WHERE attempts > 0 OR attempts_before > 0
     GROUP BY assignment
)
SELECT (SELECT coalesce(json_agg(figures ORDER BY user_id), '[]') FROM learners)::text,
       (SELECT coalesce(json_agg(figures ORDER BY assignment), '[]') FROM assignments)::text
"""  # noqa: S608 (no text from outside)


class Reason(StrEnum):
    """Why a learner slipped."""

    QUIET = "quiet"
    STUCK = "stuck"
    BEHIND = "behind"


@dataclass(frozen=True)
class LearnerFigures:
    """A learner in the span: attempts in it and in the one before, assignments done by its end and its beginning."""

    user_id: int
    attempts: int
    failed: int
    attempts_before: int
    done: int
    done_before: int
    stuck: int

    @property
    def newly_done(self) -> int:
        return self.done - self.done_before


@dataclass(frozen=True)
class Slipped:
    """A learner who slipped, with every reason."""

    learner: LearnerFigures
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class AssignmentFigures:
    """An assignment in the span and in the one before. `done` counts those who tried it in the span and are done.

    `median_seconds` is the time from a learner's first activity there until it was done, None where nobody got done.
    """

    key: str
    attempts: int
    failed: int
    learners: int
    done: int
    median_seconds: float | None
    attempts_before: int
    failed_before: int
    learners_before: int

    @property
    def failed_share(self) -> float:
        return self.failed / self.attempts if self.attempts else 0.0

    @property
    def failed_share_before(self) -> float:
        return self.failed_before / self.attempts_before if self.attempts_before else 0.0

    @property
    def open_share(self) -> float:
        """The share of those who tried it and aren't done."""
        return 1 - self.done / self.learners if self.learners else 0.0

    @property
    def fall(self) -> float:
        """By how much the share of failed attempts fell."""
        return self.failed_share_before - self.failed_share


@dataclass(frozen=True)
class Week:
    """A span's figures. `learners` are all with any work, by id; the other lists begin with what matters most."""

    learners: Sequence[LearnerFigures]
    assignments: Sequence[AssignmentFigures]
    slipped: Sequence[Slipped]
    hard: Sequence[AssignmentFigures]
    easier: Sequence[AssignmentFigures]

    @property
    def active(self) -> int:
        return sum(one.attempts > 0 for one in self.learners)

    @property
    def active_before(self) -> int:
        return sum(one.attempts_before > 0 for one in self.learners)

    @property
    def newly_done(self) -> int:
        return sum(one.newly_done for one in self.learners)

    @property
    def attempts(self) -> int:
        return sum(one.attempts for one in self.learners)


def week_of(academy_id: int, learners: Collection[int] | None, span: Span) -> Week:
    """Return the figures of a span, of these learners (None: all of the academy); one query."""
    parameters: dict[str, Any] = {
        "academy": academy_id,
        "learners": None if learners is None else sorted(learners),
        "before": span.before,
        "since": span.since,
        "until": span.until,
    }
    ((learner_rows, assignment_rows),) = fetch(_WEEK, parameters)
    people = [LearnerFigures(*row) for row in json.loads(learner_rows)]
    assignments = [AssignmentFigures(*row) for row in json.loads(assignment_rows)]
    return Week(people, assignments, slipped(people), hard(assignments), easier(assignments))


def names_of(user_ids: Collection[int]) -> dict[int, str]:
    """Return the learners' names by their ids."""
    return {user.pk: user.display_name for user in User.objects.filter(pk__in=user_ids)}


def slipped(learners: Sequence[LearnerFigures]) -> list[Slipped]:
    """Return who slipped: worked before and not now, is stuck, or fell below the class's lower quarter of done assignments.

    Nobody falls below it in a class's first days, before three quarters of it were done with anything.
    Those with most reasons come first, then those with the fewest assignments done.
    """
    most = max((one.done for one in learners), default=0)
    quarter, quarter_before = (_quarter([get(one) for one in learners]) for get in (_done, _done_before))
    found = []
    for one in learners:
        quiet = one.attempts_before > 0 and one.attempts == 0 and one.done < most
        behind = one.done < quarter and one.done_before >= quarter_before > 0
        reasons = [reason for reason, holds in zip(Reason, (quiet, one.stuck > 0, behind), strict=True) if holds]
        if reasons:
            found.append(Slipped(one, tuple(reasons)))
    return sorted(found, key=lambda one: (-len(one.reasons), one.learner.done, one.learner.user_id))


def _done(one: LearnerFigures) -> int:
    return one.done


def _done_before(one: LearnerFigures) -> int:
    return one.done_before


def _quarter(values: Sequence[int]) -> int:
    """Return the value that three quarters of the learners reach, 0 without any."""
    return sorted(values)[len(values) // 4] if values else 0


def hard(assignments: Sequence[AssignmentFigures]) -> list[AssignmentFigures]:
    """Return what was hard: many who tried aren't done, or many attempts failed; the hardest first."""
    tried = [one for one in assignments if one.learners >= LEAST_LEARNERS]
    found = [one for one in tried if one.open_share >= HARD_SHARE or one.failed_share >= HARD_SHARE]
    return sorted(found, key=lambda one: (-one.open_share, -one.failed_share, -one.learners, one.key))


def easier(assignments: Sequence[AssignmentFigures]) -> list[AssignmentFigures]:
    """Return what got easier since the span before, by the share of failed attempts; what fell most first."""
    both = [one for one in assignments if min(one.learners, one.learners_before) >= LEAST_LEARNERS]
    return sorted((one for one in both if one.fall >= LEAST_FALL), key=lambda one: (-one.fall, one.key))
