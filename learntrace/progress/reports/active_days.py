"""A learner's active time day by day."""

from datetime import date, timedelta

from learntrace.accounts.models import User
from learntrace.core.sql import fetch, json_rows
from learntrace.core.time_zones import day_bounds
from learntrace.progress.counting import counts
from learntrace.progress.features import MOST_GAP_SECONDS
from learntrace.progress.recording.active_gap import gaps_of

# As the measure is defined: each gap between consecutive events on an assignment, capped, counts on the day of
# the event that ends it. Where the event before an event was not read, it is further back than any cap.
_ACTIVE_SECONDS = f"""
WITH recent AS (
    SELECT a.at, a.academy_id, a.assignment,
           extract(epoch FROM a.at - lag(a.at) OVER (PARTITION BY a.academy_id, a.assignment ORDER BY a.at, a.arrival)) AS gap
      FROM progress_activity a
     WHERE a.user_id = %(user)s AND a.at >= %(read_from)s AND a.at < %(until)s AND a.assignment IS NOT NULL
       AND {counts("a")}
)
SELECT width_bucket(r.at, %(bounds)s::timestamptz[]), r.academy_id,
       sum(least(coalesce(r.gap, CASE WHEN p.first_seen_at < r.at THEN cap.seconds END, 0), cap.seconds))
  FROM recent r
  JOIN jsonb_to_recordset(%(caps)s::jsonb) AS cap(academy bigint, seconds double precision)
    ON cap.academy IS NOT DISTINCT FROM r.academy_id
  LEFT JOIN progress_progress p
    ON p.user_id = %(user)s AND p.assignment = r.assignment AND p.academy_id IS NOT DISTINCT FROM r.academy_id
 WHERE r.at >= %(start)s
 GROUP BY 1, 2
"""  # noqa: S608 (no text from outside)


def active_seconds(user: User, academy_ids: set[int | None], first_day: date, days: int) -> dict[date, float]:
    """Return the learner's active seconds on each of some days of the current time zone from the first one on, over these
    academies and none; days without activity are left out. Two queries."""
    bounds = day_bounds(first_day, days)
    start, until = bounds[0], bounds[-1]
    caps = [{"academy": academy, "seconds": seconds} for academy, seconds in gaps_of(academy_ids | {None}).items()]
    parameters = {
        "user": user.pk,
        "start": start,
        "bounds": bounds,
        "read_from": start - timedelta(seconds=MOST_GAP_SECONDS),
        "until": until,
        "caps": json_rows(caps),
    }
    seconds: dict[date, float] = {}
    for place, _academy, active in fetch(_ACTIVE_SECONDS, parameters):
        day = first_day + timedelta(days=place - 1)
        seconds[day] = seconds.get(day, 0.0) + float(active)
    return seconds
