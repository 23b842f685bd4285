"""The queue of arrived events: a worker's turn records them as activities, for measures and signals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from learntrace.core.fair_claims import FairClaims, Table
from learntrace.core.queue import run_turn
from learntrace.core.sql import execute, fetch
from learntrace.core.stopwatch import Pace, Stopwatch
from learntrace.notebooks.documents import activities
from learntrace.notebooks.models import Arrival
from learntrace.notebooks.publishing.unpublished_tags import flag_unknown
from learntrace.progress.recording import recording
from learntrace.progress.stale_queue import mark_published

# A turn's work is one transaction, so it is limited, in numbers and in seconds; one arrival has at most 500 events, of an
# older version of the inbox, and else at most 100.
MOST_ARRIVALS = 300
MOST_EVENTS = 500
# A third of the work of a turn with so many doesn't depend on their number. Smaller turns of a busy machine would make it
# busier, and everybody's turn come later.
_LEAST_EVENTS = 250
_TURN_SECONDS = 0.25

TABLE = Table(
    "notebooks_arrival",
    waiting="true",
    due="q.retry_at <= statement_timestamp()"
    " AND q.created_at <= statement_timestamp() - make_interval(secs => %(older_than)s)",
    since="retry_at",
    weight="cardinality(q.events)",
)
_claims = FairClaims(TABLE)
_pace = Pace(_TURN_SECONDS, least=_LEAST_EVENTS, most=MOST_EVENTS)
# A turn that fails is rolled back, and the rows are there again.
_TAKE = """
WITH taken AS (DELETE FROM notebooks_arrival WHERE id = ANY(%s) RETURNING id, events, turn_learner)
SELECT id, events::text[], turn_learner, true FROM taken ORDER BY id
"""
_CLAIM_ONE = "SELECT id, events::text[], turn_learner FROM notebooks_arrival WHERE id = %s FOR UPDATE SKIP LOCKED"
_DELETE = "DELETE FROM notebooks_arrival WHERE id = ANY(%s)"
_POSTPONE = """
UPDATE notebooks_arrival
   SET attempts = attempts + 1, retry_at = now() + make_interval(secs => least(power(2, attempts), %s)), fault = %s
 WHERE id = ANY(%s)
"""
# The longest pause between two attempts in seconds: while the database recovers, and after a fault of ours.
_MAX_PAUSE, _MAX_PAUSE_AFTER_FAULT = 300, 3600


@dataclass(frozen=True)
class _Claimed:
    """An arrival; `learner` is the one whose events it has, 0 where an older version of the inbox didn't tell.

    `deleted`: its row is gone already, if the turn succeeds.
    """

    id: int
    events: list[str]
    learner: int
    deleted: bool = False


# A row's events are of one user.
_OF_EVENTS_USER = """
UPDATE progress_activity a SET user_id = e.user_id
  FROM events e WHERE a.user_id = ANY(%s) AND e.id = a.id AND e.user_id <> a.user_id
"""
_TURNS_OF_TODAY = """
UPDATE notebooks_arrival a SET turn_learner = coalesce(e.user_id, 0)
  FROM events e WHERE a.turn_learner = ANY(%s) AND e.id = a.events[1] AND e.user_id IS DISTINCT FROM a.turn_learner
"""


def take_arrivals(older_than: float = 0) -> int:
    """Record arrivals of learners whom no other worker has locked, in fair turns; return how many there were.

    An arrival whose work fails by a fault of ours is kept with the fault and tried again later.
    Raises OperationalError when the database is away or a deadlock was found: the arrivals are taken later.
    """
    return run_turn(_ArrivalsTurn(older_than))


@dataclass(frozen=True)
class _ArrivalsTurn:
    older_than: float
    name: str = "arrivals"

    def describe(self, item: _Claimed) -> Mapping[str, object]:
        return {"arrival": item.id}

    def claim(self) -> list[_Claimed]:
        rows = _claims.claim(MOST_ARRIVALS, _pace.most, older_than=self.older_than)
        return [_Claimed(*row) for row in fetch(_TAKE, [[row.id for row in rows]])] if rows else []

    def claim_again(self, item: _Claimed) -> list[_Claimed]:
        claimed = [_Claimed(*row) for row in fetch(_CLAIM_ONE, [item.id])]
        recording.lock_learners({arrival.learner for arrival in claimed})
        return claimed

    def work(self, items: Sequence[_Claimed]) -> None:
        ids = [event for arrival in items for event in arrival.events]
        stopwatch = Stopwatch(_TURN_SECONDS)
        # Locked before the events are read: what a learner has erased by then is not read and stays erased. The claim has
        # locked those of whom it knows.
        untold = [event for arrival in items if not arrival.learner for event in arrival.events]
        others = set(activities.learners_of(untold)) if untold else set()
        if others:
            recording.lock_learners(others)
        learners = others | {arrival.learner for arrival in items if arrival.learner}
        learner_activities = activities.read(ids)
        recording.record(activities.SOURCE, learner_activities, locked=learners)
        mark_published(activities.SOURCE, activities.assigned(learner_activities))
        flag_unknown(ids)
        if left := [arrival.id for arrival in items if not arrival.deleted]:
            execute(_DELETE, [left])
        _pace.note(len(ids), stopwatch.seconds)

    def postpone(self, items: Sequence[_Claimed]) -> None:
        _postpone(items, _MAX_PAUSE)

    def give_up(self, items: Sequence[_Claimed], error: Exception) -> None:
        _postpone(items, _MAX_PAUSE_AFTER_FAULT, f"{type(error).__name__}: {error}"[:1000])


def _postpone(arrivals: Sequence[_Claimed], max_pause: int, fault: str = "") -> None:
    execute(_POSTPONE, [max_pause, fault, [arrival.id for arrival in arrivals]])


def oldest_arrival() -> datetime | None:
    """Return since when the oldest arrival waits, leaving out those that a fault of ours holds up."""
    return Arrival.objects.filter(fault="").order_by("id").values_list("created_at", flat=True).first()


def wait_with(merged: int, into: int) -> None:
    """Have what waits for a merged user, or for one whose merge is undone, wait in the turn of the users it is of now."""
    execute(_TURNS_OF_TODAY, [[merged, into]])


def give_back(merged: int, into: int, _prepared: object) -> None:
    """Have activities be of the users of their events again, also those that were recorded while the two were one."""
    execute(_OF_EVENTS_USER, [[merged, into]])
