"""How busy a class is: who is here, how many attempts a minute and how many of them fail."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

MINUTES = 30
HERE = timedelta(minutes=5)

# The index activity_academy finds the last half hour; what a minute is worth is one row, however many learners there are.
_READ = """
SELECT floor(extract(epoch FROM %(now)s - a.at) / 60)::int AS ago,
       count(*) FILTER (WHERE a.outcome = 'ok'), count(*) FILTER (WHERE a.outcome = 'error')
  FROM progress_activity a
 WHERE a.academy_id = %(academy)s AND a.at > %(since)s AND a.at <= %(now)s AND a.outcome IN ('ok', 'error')
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
   AND (%(keys)s::text[] IS NULL OR a.assignment = ANY(%(keys)s))
 GROUP BY ago
"""
_HERE = """
SELECT count(DISTINCT a.user_id)
  FROM progress_activity a
 WHERE a.academy_id = %(academy)s AND a.at > %(here)s AND a.at <= %(now)s
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
"""


@dataclass(frozen=True)
class Scope:
    """Whose and which attempts are asked about, by the class's clock; None is everybody, or everything."""

    academy_id: int
    now: datetime
    learners: Collection[int] | None = None
    keys: Collection[str] | None = None

    def parameters(self) -> dict[str, Any]:
        return {
            "academy": self.academy_id,
            "now": self.now,
            "since": self.now - timedelta(minutes=MINUTES),
            "here": self.now - HERE,
            "learners": None if self.learners is None else list(self.learners),
            "keys": None if self.keys is None else list(self.keys),
        }


@dataclass(frozen=True)
class Pulse:
    """How busy a class is: learners, and for each of the last 30 minutes, the oldest first, attempts and failed ones."""

    here: int
    attempts: tuple[int, ...]
    errors: tuple[int, ...]

    @property
    def per_minute(self) -> float:
        """Attempts a minute, over the last five."""
        return sum(self.attempts[-5:]) / 5

    @property
    def failing(self) -> float | None:
        """The share of the last five minutes' attempts that failed, 0 to 1; None without any."""
        attempts = sum(self.attempts[-5:])
        return sum(self.errors[-5:]) / attempts if attempts else None

    @property
    def shares(self) -> list[float | None]:
        """The share that failed of each minute's attempts."""
        return [error / total if total else None for total, error in zip(self.attempts, self.errors, strict=True)]


def pulse_of(scope: Scope) -> Pulse:
    """Two queries."""
    attempts, errors = [0] * MINUTES, [0] * MINUTES
    with connection.cursor() as cursor:
        cursor.execute(_READ, scope.parameters())
        for ago, succeeded, failed in cursor.fetchall():
            place = MINUTES - 1 - min(ago, MINUTES - 1)
            attempts[place] += succeeded + failed
            errors[place] += failed
        cursor.execute(_HERE, scope.parameters())
        (here,) = cursor.fetchone()
    return Pulse(here, tuple(attempts), tuple(errors))
