"""Active time day by day: reading it, and the bars that show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from learntrace.accounts.models import User
from learntrace.progress.features import MOST_GAP_SECONDS
from learntrace.progress.gaps import gaps_of

DAYS = 30
HEIGHT = 96
_LABEL_EVERY = 10
_LEAST = 2.0
# Minutes that a scale may end at: all of them have a half that one can read.
_TOPS = (10, 20, 30, 60, 120, 240, 480, 720, 1440)

# As the measure is defined (signals.md): each gap between consecutive events on an assignment, capped; it counts on the day
# of the event that ends it. Of an event before which nothing was read, the one before is further back than any cap.
_READ = """
WITH recent AS (
    SELECT a.at, a.academy_id, a.assignment,
           extract(epoch FROM a.at - lag(a.at) OVER (PARTITION BY a.academy_id, a.assignment ORDER BY a.at, a.arrival)) AS gap
      FROM progress_activity a
     WHERE a.user_id = %(user)s AND a.at >= %(read_from)s AND a.at < %(until)s AND a.assignment IS NOT NULL
)
SELECT (r.at AT TIME ZONE 'UTC')::date, r.academy_id,
       sum(least(coalesce(r.gap, CASE WHEN p.first_seen_at < r.at THEN cap.seconds END, 0), cap.seconds))
  FROM recent r
  JOIN jsonb_to_recordset(%(caps)s::jsonb) AS cap(academy bigint, seconds double precision)
    ON cap.academy IS NOT DISTINCT FROM r.academy_id
  LEFT JOIN progress_progress p
    ON p.user_id = %(user)s AND p.assignment = r.assignment AND p.academy_id IS NOT DISTINCT FROM r.academy_id
 WHERE r.at >= %(start)s
 GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Day:
    """A day's bar; `x`, `middle` and `width` in percent, `y` and `height` in pixels."""

    day: date
    seconds: float
    x: str
    middle: str
    width: str
    y: str
    height: str
    labelled: bool


@dataclass(frozen=True)
class Days:
    """The last days, oldest first; `lines` are those of the scale, as (minutes, y)."""

    days: tuple[Day, ...]
    lines: tuple[tuple[int, str], ...]
    height: int = HEIGHT

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.days)

    @property
    def active(self) -> int:
        """How many days there was anything."""
        return sum(one.seconds > 0 for one in self.days)


def active_days(user: User, academy_ids: set[int | None], now: datetime) -> Days:
    """How long one was active on each of the last days (UTC), the running one last; two queries."""
    today = now.astimezone(UTC).date()
    start = datetime.combine(today - timedelta(days=DAYS - 1), datetime.min.time(), UTC)
    caps = [{"academy": academy, "seconds": seconds} for academy, seconds in gaps_of(academy_ids | {None}).items()]
    parameters: dict[str, Any] = {
        "user": user.pk, "start": start, "read_from": start - timedelta(seconds=MOST_GAP_SECONDS),
        "until": start + timedelta(days=DAYS), "caps": msgspec.json.encode(caps).decode(),
    }  # fmt: skip
    seconds: dict[date, float] = {}
    with connection.cursor() as cursor:
        cursor.execute(_READ, parameters)
        for day, _academy, active in cursor.fetchall():
            seconds[day] = seconds.get(day, 0.0) + float(active)
    return days_of(seconds, today)


def days_of(seconds: Mapping[date, float], today: date) -> Days:
    """Lay the days out."""
    most = max(seconds.values(), default=0) / 60
    top = next((minutes for minutes in _TOPS if minutes >= most), _TOPS[-1])
    width = 100 / DAYS

    def bar(index: int) -> Day:
        day = today - timedelta(days=DAYS - 1 - index)
        active = seconds.get(day, 0.0)
        height = min(max(HEIGHT * active / 60 / top, _LEAST), HEIGHT) if active else 0.0
        return Day(
            day, active, f"{index * width + width * 0.12:.3f}%", f"{index * width + width / 2:.3f}%",
            f"{width * 0.76:.3f}%", f"{HEIGHT - height:.1f}", f"{height:.1f}",
            labelled=(DAYS - 1 - index) % _LABEL_EVERY == 0,
        )  # fmt: skip

    lines = tuple((minutes, f"{HEIGHT - HEIGHT * minutes / top:.1f}") for minutes in (top, top // 2))
    return Days(tuple(map(bar, range(DAYS))), lines)
