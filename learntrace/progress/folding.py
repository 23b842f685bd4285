"""Measures kept in step with activities: new ones are stepped over from the stored state, late ones have all stepped
over again. A learner's lock is held meanwhile (`recording`), so that what is read is what the state holds."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from learntrace.metrics import measures
from learntrace.metrics.attempts import Activity, Failure
from learntrace.metrics.failures import headline
from learntrace.metrics.measures import Measures
from learntrace.progress import reading
from learntrace.progress.gaps import gaps_of
from learntrace.progress.reading import Place

_LOAD = """
SELECT p.user_id, p.academy_id, p.assignment, p.last_seen_at, p.last_arrival, p.gap_seconds, p.state::text
  FROM progress_progress p
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, about text)
    ON p.user_id = asked.learner AND p.assignment = asked.about AND p.academy_id IS NOT DISTINCT FROM asked.academy
"""
_STORE = """
INSERT INTO progress_progress AS kept
       (user_id, academy_id, assignment, attempts, errors, aborted, last_outcome, done_at, first_seen_at, last_seen_at,
        active_seconds, error_quotient, repeated_error_density, state, last_arrival, gap_seconds, updated_at)
SELECT user_id, academy_id, assignment, attempts, errors, aborted, last_outcome, done_at, first_seen_at, last_seen_at,
       active_seconds, error_quotient, repeated_error_density, state, last_arrival, gap_seconds, now()
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, academy_id bigint, assignment text, attempts int, errors int, aborted int, last_outcome text,
         done_at timestamptz, first_seen_at timestamptz, last_seen_at timestamptz, active_seconds double precision,
         error_quotient double precision, repeated_error_density double precision, state jsonb, last_arrival bigint,
         gap_seconds double precision)
 ORDER BY user_id, academy_id, assignment
    ON CONFLICT (user_id, academy_id, assignment) DO UPDATE
   SET attempts = excluded.attempts, errors = excluded.errors, aborted = excluded.aborted,
       last_outcome = excluded.last_outcome, done_at = excluded.done_at, first_seen_at = excluded.first_seen_at,
       last_seen_at = excluded.last_seen_at, active_seconds = excluded.active_seconds,
       error_quotient = excluded.error_quotient, repeated_error_density = excluded.repeated_error_density,
       state = excluded.state, last_arrival = excluded.last_arrival, gap_seconds = excluded.gap_seconds, updated_at = now()
RETURNING id, user_id, academy_id, assignment
"""
_FORGET_COUNTS = "DELETE FROM progress_errorcount WHERE progress_id = ANY(%s)"
_COUNT = """
INSERT INTO progress_errorcount AS kept (progress_id, name, message, digest, count, first_at, last_at)
SELECT progress_id, name, message, digest, count, first_at, last_at
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(progress_id bigint, name text, message text, digest text, count int, first_at timestamptz, last_at timestamptz)
 ORDER BY progress_id, digest
    ON CONFLICT (progress_id, digest) DO UPDATE
   SET count = kept.count + excluded.count, first_at = least(kept.first_at, excluded.first_at),
       last_at = greatest(kept.last_at, excluded.last_at)
"""
# The counts go first: the database knows no cascade, which is Django's.
_FORGET = (
    """
DELETE FROM progress_errorcount e
 USING progress_progress p, jsonb_to_recordset(%s::jsonb) AS gone(learner bigint, academy bigint, about text)
 WHERE e.progress_id = p.id AND p.user_id = gone.learner AND p.assignment = gone.about
   AND p.academy_id IS NOT DISTINCT FROM gone.academy
""",
    """
DELETE FROM progress_progress p USING jsonb_to_recordset(%s::jsonb) AS gone(learner bigint, academy bigint, about text)
 WHERE p.user_id = gone.learner AND p.assignment = gone.about AND p.academy_id IS NOT DISTINCT FROM gone.academy
""",
)


@dataclass
class _Fold:
    """The way of one place's measures through a batch."""

    place: Place
    gap: float
    # What is stepped over, and whether from the start.
    activities: Sequence[Activity]
    anew: bool
    state: measures.State = field(default_factory=measures.begin)

    def row(self) -> dict[str, Any]:
        for activity in self.activities:
            measures.step(self.state, activity, self.gap)
        found: Measures = measures.measures(self.state)
        return {
            "user_id": self.place.user_id, "academy_id": self.place.academy_id, "assignment": self.place.assignment,
            "attempts": found.attempts, "errors": found.errors, "aborted": found.aborted,
            "last_outcome": found.last_outcome, "done_at": found.done_at, "first_seen_at": found.first_seen_at,
            "last_seen_at": found.last_seen_at, "active_seconds": found.active_seconds,
            "error_quotient": found.error_quotient, "repeated_error_density": found.repeated_error_density,
            "state": self.state, "last_arrival": self.activities[-1].arrival, "gap_seconds": self.gap,
        }  # fmt: skip


@dataclass(frozen=True)
class _Kept:
    """What is stored of a place: where its state ends, and the state."""

    last: tuple[datetime, int]
    gap: float
    state: measures.State


def fold(new: Mapping[Place, Sequence[Activity]]) -> None:
    """Bring measures in step with activities that have just been written, in the open transaction."""
    kept = _load(new)
    gaps = gaps_of({place.academy_id for place in new})
    folds, late = [], []
    for place, activities in new.items():
        ordered = sorted(activities, key=lambda one: one.order)
        before = kept.get(place)
        gap = gaps[place.academy_id]
        if before is None:
            folds.append(_Fold(place, gap, ordered, anew=True))
        elif ordered[0].order > before.last and gap == before.gap:
            folds.append(_Fold(place, gap, ordered, anew=False, state=before.state))
        else:
            late.append(place)
    everything = reading.by_place(reading.of_places(late))
    folds += [_Fold(place, gaps[place.academy_id], everything[place], anew=True) for place in late]
    _store(folds)


def fold_anew(places: Collection[Place]) -> None:
    """Make the measures of these places again from their activities; of those without any, none is kept."""
    gaps = gaps_of({place.academy_id for place in places})
    everything = reading.by_place(reading.of_places(places))
    _store([_Fold(place, gaps[place.academy_id], activities, anew=True) for place, activities in everything.items()])
    _forget([place for place in places if place not in everything])


def asked_for(places: Iterable[Place]) -> str:
    """Places as the one parameter of a statement that joins them."""
    rows = [{"learner": one.user_id, "academy": one.academy_id, "about": one.assignment} for one in places]
    return msgspec.json.encode(rows).decode()


def _load(places: Iterable[Place]) -> dict[Place, _Kept]:
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [asked_for(places)])
        return {
            Place(row[0], row[1], row[2]): _Kept((row[3], row[4]), row[5], msgspec.json.decode(row[6]))
            for row in cursor.fetchall()
        }


def _store(folds: Sequence[_Fold]) -> None:
    if not folds:
        return
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [msgspec.json.encode([one.row() for one in folds]).decode()])
        ids = {Place(row[1], row[2], row[3]): row[0] for row in cursor.fetchall()}
        if anew := [ids[one.place] for one in folds if one.anew]:
            cursor.execute(_FORGET_COUNTS, [anew])
        counts = [row for one in folds for row in _error_counts(ids[one.place], one.activities)]
        if counts:
            cursor.execute(_COUNT, [msgspec.json.encode(counts).decode()])


def _error_counts(progress_id: int, activities: Iterable[Activity]) -> list[dict[str, Any]]:
    """How often each error was met, whatever the code that a compiler shows with it. An attempt that has it twice met it
    once."""
    met: dict[Failure, list[datetime]] = {}
    for activity in activities:
        if activity.failed:
            for failure in dict.fromkeys(Failure(one.name, headline(one)) for one in activity.failures):
                met.setdefault(failure, []).append(activity.at)
    return [
        {
            "progress_id": progress_id, "name": failure.name, "message": failure.message, "digest": digest_of(failure),
            "count": len(times), "first_at": times[0], "last_at": times[-1],
        }
        for failure, times in met.items()
    ]  # fmt: skip


def digest_of(failure: Failure) -> str:
    """What stands for an error in an index."""
    return hashlib.blake2b(f"{failure.name}\n{failure.message}".encode(), digest_size=16).hexdigest()


def _forget(places: Collection[Place]) -> None:
    if places:
        with connection.cursor() as cursor:
            for statement in _FORGET:
                cursor.execute(statement, [asked_for(places)])
