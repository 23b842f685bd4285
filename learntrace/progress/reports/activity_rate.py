"""How busy a class is: the learners present, the attempts a minute and the share of them that fails."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from learntrace.core.sql import fetch
from learntrace.progress.class_window import ClassWindow
from learntrace.progress.counting import counts

MINUTES = 30
# A learner counts as present for this long after an activity.
PRESENT_FOR = timedelta(minutes=5)

# The index activity_academy finds the last half hour. The answer is one row a minute, however many learners there are.
_ATTEMPTS = f"""
SELECT floor(extract(epoch FROM %(now)s - a.at) / 60)::int AS ago,
       count(*) FILTER (WHERE a.outcome = 'ok'), count(*) FILTER (WHERE a.outcome = 'error')
  FROM progress_activity a
 WHERE a.academy_id = %(academy)s AND a.at > %(since)s AND a.at <= %(now)s AND a.outcome IN ('ok', 'error')
   AND a.part IS DISTINCT FROM 'check' AND {counts("a")}
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
   AND (%(keys)s::text[] IS NULL OR a.assignment = ANY(%(keys)s))
 GROUP BY ago
"""  # noqa: S608 (no text from outside)
_PRESENT = f"""
SELECT count(DISTINCT a.user_id)
  FROM progress_activity a
 WHERE a.academy_id = %(academy)s AND a.at > %(present_since)s AND a.at <= %(now)s AND {counts("a")}
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class ActivityRate:
    """How busy a class is.

    `here` counts the learners present. `attempts` and `errors` (the failed attempts) have one entry for each of the last
    30 minutes, oldest first.
    """

    here: int
    attempts: tuple[int, ...]
    errors: tuple[int, ...]

    @property
    def per_minute(self) -> float:
        """Attempts a minute over the last five minutes."""
        return sum(self.attempts[-5:]) / 5

    @property
    def failing_share(self) -> float | None:
        """The share of the last five minutes' attempts that failed, 0 to 1; None without attempts."""
        attempts = sum(self.attempts[-5:])
        return sum(self.errors[-5:]) / attempts if attempts else None

    @property
    def failing_shares(self) -> list[float | None]:
        """The share of each minute's attempts that failed, 0 to 1; None without attempts."""
        return [failed / total if total else None for total, failed in zip(self.attempts, self.errors, strict=True)]


def last_half_hour(
    academy_id: int, now: datetime, learners: Collection[int] | None = None, keys: Collection[str] | None = None
) -> ClassWindow:
    """Return the half hour of a class that ends at its present time."""
    return ClassWindow(academy_id, now - timedelta(minutes=MINUTES), now, learners, keys)


def activity_rate_of(window: ClassWindow) -> ActivityRate:
    """Return how busy a class is in its last half hour; runs two queries."""
    parameters = window.parameters() | {"present_since": window.now - PRESENT_FOR}
    attempts, errors = _by_minute(fetch(_ATTEMPTS, parameters))
    [(here,)] = fetch(_PRESENT, parameters)
    return ActivityRate(here, attempts, errors)


def _by_minute(rows: Iterable[tuple[int, int, int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return attempts and failed attempts of each minute, from (minutes ago, succeeded, failed)."""
    attempts, errors = [0] * MINUTES, [0] * MINUTES
    for ago, succeeded, failed in rows:
        minute = MINUTES - 1 - min(ago, MINUTES - 1)
        attempts[minute] += succeeded + failed
        errors[minute] += failed
    return tuple(attempts), tuple(errors)
