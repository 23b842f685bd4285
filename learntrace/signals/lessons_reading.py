"""What a look at a lesson reads: which lessons are due, who is in the class, and what each learner had done by each day."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from learntrace.accounts.models import Academy, Membership
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.selection import slugs_of
from learntrace.signals.detectors.falling_behind import Transition
from learntrace.signals.models import Lesson
from learntrace.signals.thresholds import ENABLED

STUDENT = "student"
# Progress changes all the time in class, and what is new today tells nothing before the day's end: looking at it again
# takes at most a fiftieth of a worker's time, but for what takes very long.
LEAST_SECONDS = 10.0
MOST_SECONDS = 300.0
SHARE = 50

# `seen` is a sum over the rows, not their latest time: that is when a transaction began, and one that began before a look
# may commit after it. The full join has a lesson whose assignments, or learners, are all gone: what stands is withdrawn.
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
_SEEN = """
SELECT count(*) || ' ' || sum(extract(epoch FROM p.updated_at))
  FROM progress_assignment a JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
 WHERE a.academy_id = %s AND a.asset_id = %s
 GROUP BY a.asset_id
"""
# Of learners, also former ones: an author who tries the notebook in the summer doesn't begin the lesson.
_BEGUN = """
SELECT min(p.first_seen_at)
  FROM progress_assignment a
  JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
  JOIN accounts_membership m ON m.user_id = p.user_id AND m.academy_id = a.academy_id AND m.role = %s
 WHERE a.academy_id = %s AND a.asset_id = %s
"""
# Of each learner's attempts on an assignment the last one before each boundary, from the latest backwards: each is one step
# down the index, so that a million attempts cost no more than learners x assignments x days on which there were any. A
# boundary's own moment belongs to it; before the first one all is one time. `floor` is where the day before ends.
_TRANSITIONS = """
WITH RECURSIVE place AS (
    SELECT p.user_id, p.assignment
      FROM progress_progress p JOIN progress_assignment a ON a.academy_id = p.academy_id AND a.key = p.assignment
     WHERE a.academy_id = %(academy)s AND a.asset_id = %(asset)s AND p.user_id = ANY(%(learners)s)
), move AS (
    SELECT place.user_id, place.assignment, last.*
      FROM place CROSS JOIN LATERAL (
        SELECT a.at, a.outcome, a.id, {floor} AS floor
          FROM progress_activity a
         WHERE a.user_id = place.user_id AND a.assignment = place.assignment AND a.academy_id = %(academy)s
           AND a.outcome IN ('ok', 'error') AND a.at <= %(until)s
         ORDER BY a.at DESC, a.arrival DESC LIMIT 1) AS last
     UNION ALL
    SELECT later.user_id, later.assignment, last.*
      FROM move AS later CROSS JOIN LATERAL (
        SELECT a.at, a.outcome, a.id, {floor} AS floor
          FROM progress_activity a
         WHERE a.user_id = later.user_id AND a.assignment = later.assignment AND a.academy_id = %(academy)s
           AND a.outcome IN ('ok', 'error') AND a.at <= later.floor
         ORDER BY a.at DESC, a.arrival DESC LIMIT 1) AS last
)
SELECT user_id, at, assignment, outcome = 'ok', id::text FROM move
""".replace(
    "{floor}",
    "%(begun)s + interval '24 hours'"
    " * (ceil(extract(epoch FROM nullif(greatest(a.at, %(first)s), %(first)s) - %(begun)s) / 86400) - 1)",
)


@dataclass(frozen=True)
class Due:
    """A lesson to look at, the learners' clock there and the kind's thresholds; `looked_at` is its last look."""

    academy_id: int
    asset_id: int
    looked_at: datetime | None
    clock: datetime
    limits: Mapping[str, Any]


def academies() -> set[int]:
    """The academies in which there are lessons."""
    published = Assignment.objects.order_by().values_list("academy_id", flat=True).distinct()
    return {*published, *Lesson.objects.values_list("academy_id", flat=True).distinct()}


def due(clocks: Mapping[int, datetime], limits: Mapping[int, Mapping[str, Any]], limit: int) -> list[Due]:
    """The lessons to look at, those first that wait the longest: what was never looked at, what has a new day, other
    thresholds, or other progress than at the last look."""
    asked = [
        {
            "academy_id": academy, "clock": clock, "limits": limits[academy], "enabled": limits[academy][ENABLED],
        } for academy, clock in clocks.items()
    ]  # fmt: skip
    parameters: dict[str, Any] = {
        "academies": msgspec.json.encode(asked).decode(), "least": LEAST_SECONDS, "most": MOST_SECONDS,
        "share": SHARE, "limit": limit,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DUE, parameters)
        return [
            Due(academy, asset, looked_at, clocks[academy], limits[academy])
            for academy, asset, looked_at in cursor.fetchall()
        ]


def seen_of(academy_id: int, asset_id: int) -> str | None:
    """What all progress on the asset is, as `Lesson.seen` tells it."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [academy_id, asset_id])
        row = cursor.fetchone()
    return None if row is None else row[0]


def begun_at(academy_id: int, asset_id: int) -> datetime | None:
    """A learner's first activity on any of the asset's assignments, by the learner's clock."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGUN, [STUDENT, academy_id, asset_id])
        row = cursor.fetchone()
    return None if row is None else row[0]


def class_of(academy: Academy, asset_id: int) -> list[int]:
    """The ids of the active students who were seen on the asset, or have a task on it or a translation."""
    keys = Assignment.objects.filter(academy=academy, asset=asset_id).order_by().values("key")
    seen = Progress.objects.filter(academy=academy, assignment__in=keys).values_list("user_id", flat=True)
    tasks = tasks_seen_in(academy).filter(associated_slug__in=list(slugs_of(frozenset([asset_id]))))
    present = {*seen.distinct(), *tasks.values_list("user_id", flat=True)}
    students = Membership.objects.filter(
        academy=academy, role=STUDENT, status=Membership.Status.ACTIVE, user__in=present
    )
    return sorted(students.values_list("user_id", flat=True))


def transitions(
    lesson: Lesson, begun: datetime, until: datetime, limits: Mapping[str, Any], learners: Collection[int]
) -> dict[int, list[Transition]]:
    """What the learners had done by each of the lesson's days."""
    parameters: dict[str, Any] = {
        "academy": lesson.academy_id, "asset": lesson.asset_id, "begun": begun, "until": until,
        "first": begun + timedelta(days=limits["days"]), "learners": list(learners),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TRANSITIONS, parameters)
        return _by_learner(cursor.fetchall())


def _by_learner(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[Transition]]:
    found: dict[int, list[Transition]] = {}
    for learner, *move in rows:
        found.setdefault(learner, []).append(Transition(*move))
    return found
