"""What a comparison reads: the comparisons that are due, the class, and what each learner had done by each day."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from learntrace.accounts.models import Academy, Membership
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.sql import fetch, fetch_one, json_rows
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.reports.selection import slugs_of
from learntrace.signals.detectors.falling_behind import Transition
from learntrace.signals.models import AssetComparison
from learntrace.signals.thresholds import ENABLED

STUDENT = "student"
# Progress changes all the time in class, but changes no result before the day's end: repeating a comparison takes at most
# a fiftieth of a worker's time, unless one takes very long.
LEAST_SECONDS = 10.0
MOST_SECONDS = 300.0
SHARE = 50

# `seen` is a fingerprint of all progress rows, not their latest time: that is when a transaction began, and one that began
# before a comparison may commit after it. The full join keeps a comparison whose assignments or learners are all gone: its
# standing signals are withdrawn.
_DUE = """
WITH asked AS (
    SELECT * FROM jsonb_to_recordset(%(academies)s::jsonb)
        AS r(academy_id bigint, clock timestamptz, limits jsonb, enabled boolean)
), kept AS (
    SELECT a.academy_id, a.asset_id, count(*) || ' ' || sum(extract(epoch FROM p.updated_at)) AS seen
      FROM progress_assignment a JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
     GROUP BY a.academy_id, a.asset_id
)
SELECT academy_id, asset_id, l.looked_at
  FROM kept FULL JOIN signals_lesson l USING (academy_id, asset_id) JOIN asked USING (academy_id)
 WHERE CASE WHEN l.looked_at IS NULL THEN enabled
            ELSE l.thresholds <> limits
                 OR enabled AND (clock >= l.looked_to + interval '24 hours'
                                 OR l.fault = '' AND kept.seen IS DISTINCT FROM l.seen
                                    AND statement_timestamp() >= l.looked_at
                                        + make_interval(secs => least(%(most)s, greatest(%(least)s, %(share)s * l.seconds))))
       END
 ORDER BY l.looked_at NULLS FIRST, academy_id, asset_id LIMIT %(limit)s
"""
_FINGERPRINT = """
SELECT count(*) || ' ' || sum(extract(epoch FROM p.updated_at))
  FROM progress_assignment a JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
 WHERE a.academy_id = %s AND a.asset_id = %s
 GROUP BY a.asset_id
"""
# Students only, former ones too: an author who tries the notebook in the summer doesn't begin the asset.
_BEGUN = """
SELECT min(p.first_seen_at)
  FROM progress_assignment a
  JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
  JOIN accounts_membership m ON m.user_id = p.user_id AND m.academy_id = a.academy_id AND m.role = %s
 WHERE a.academy_id = %s AND a.asset_id = %s
"""
# Done is earned once: one row for each assignment that a learner has done, with the activity by which it was.
_DONE = """
SELECT p.user_id, p.done_at, p.assignment, true, coalesce(p.state ->> 'done_id', '')
  FROM progress_progress p JOIN progress_assignment a ON a.academy_id = p.academy_id AND a.key = p.assignment
 WHERE a.academy_id = %(academy)s AND a.asset_id = %(asset)s AND p.user_id = ANY(%(learners)s)
   AND p.done_at <= %(until)s
"""


@dataclass(frozen=True)
class DueComparison:
    """A comparison to make, with its academy's clock and the kind's thresholds; `looked_at` is when it was made last."""

    academy_id: int
    asset_id: int
    looked_at: datetime | None
    clock: datetime
    limits: Mapping[str, Any]


def academies() -> set[int]:
    """Return the academies that have assignments to compare, or comparisons."""
    published = Assignment.objects.order_by().values_list("academy_id", flat=True).distinct()
    return {*published, *AssetComparison.objects.values_list("academy_id", flat=True).distinct()}


def due_comparisons(
    clocks: Mapping[int, datetime], limits: Mapping[int, Mapping[str, Any]], limit: int
) -> list[DueComparison]:
    """Return the comparisons to make, the longest waiting first.

    Due is what was never compared, and what has a new day, other thresholds or other progress since the last time.
    """
    asked = [
        {"academy_id": academy, "clock": clock, "limits": limits[academy], "enabled": limits[academy][ENABLED]}
        for academy, clock in clocks.items()
    ]
    parameters: dict[str, Any] = {
        "academies": json_rows(asked),
        "least": LEAST_SECONDS,
        "most": MOST_SECONDS,
        "share": SHARE,
        "limit": limit,
    }
    return [
        DueComparison(academy, asset, looked_at, clocks[academy], limits[academy])
        for academy, asset, looked_at in fetch(_DUE, parameters)
    ]


def progress_fingerprint(academy_id: int, asset_id: int) -> str | None:
    """Return the fingerprint of all progress on the asset, for `AssetComparison.seen`."""
    row = fetch_one(_FINGERPRINT, [academy_id, asset_id])
    return None if row is None else row[0]


def begun_at(academy_id: int, asset_id: int) -> datetime | None:
    """Return the time of the first activity of a student on any of the asset's assignments, by the learner's clock."""
    row = fetch_one(_BEGUN, [STUDENT, academy_id, asset_id])
    return None if row is None else row[0]


def class_of(academy: Academy, asset_id: int) -> list[int]:
    """Return the ids of the active students who have progress on the asset, or a task on it or a translation of it."""
    keys = Assignment.objects.filter(academy=academy, asset=asset_id).order_by().values("key")
    seen = Progress.objects.filter(academy=academy, assignment__in=keys).values_list("user_id", flat=True)
    tasks = tasks_seen_in(academy).filter(associated_slug__in=list(slugs_of(frozenset([asset_id]))))
    present = {*seen.distinct(), *tasks.values_list("user_id", flat=True)}
    students = Membership.objects.filter(
        academy=academy, role=STUDENT, status=Membership.Status.ACTIVE, user__in=present
    )
    return sorted(students.values_list("user_id", flat=True))


def transitions(comparison: AssetComparison, until: datetime, learners: Collection[int]) -> dict[int, list[Transition]]:
    """Return for each learner when which assignments became done, up to a time."""
    parameters: dict[str, Any] = {
        "academy": comparison.academy_id,
        "asset": comparison.asset_id,
        "until": until,
        "learners": list(learners),
    }
    by_learner: dict[int, list[Transition]] = {}
    for learner, *transition in fetch(_DONE, parameters):
        by_learner.setdefault(learner, []).append(Transition(*transition))
    return by_learner
