"""What sources hand over: activities, taken once each, from which measures and signals follow in the same transaction.

A learner's activities are taken by one transaction at a time. Under a learner's lock the stored activities are just
those that measures and detectors' states hold, so that a new one is either next in the learner's order or late.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.db import connection

from learntrace.core import live
from learntrace.metrics.attempts import Activity
from learntrace.progress import folding, reading, watched
from learntrace.progress.reading import Done, Place

__all__ = ["Done", "LearnerChange", "follow_with", "record", "replace", "tell_also", "together"]

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace learner ' || id, 0)) FROM unnest(%s::bigint[]) AS id"
_REMOVE = "DELETE FROM progress_activity WHERE id = ANY(%s::uuid[])"


@dataclass(frozen=True)
class LearnerChange:
    """What is new of a learner in an academy: activities in their order. `anew`: others are gone or were changed."""

    user_id: int
    academy_id: int | None
    new: Sequence[Activity]
    anew: bool = False


Follower = Callable[[Sequence[LearnerChange]], Sequence[live.Change]]
_followers: list[Follower] = []


def follow_with(follower: Follower) -> None:
    """Have a room above called with what has changed, in the transaction that changes it; it says what to tell."""
    if follower not in _followers:
        _followers.append(follower)


@dataclass
class _Together:
    """What several recordings in one transaction have to tell at its end."""

    changes: list[live.Change] = field(default_factory=list)


_together: ContextVar[_Together | None] = ContextVar("together", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Several recordings in one open transaction, with their learners in ascending order; who watches is told at the end.

    Telling takes turns among all who tell, which nobody may hold while he waits for a learner.
    """
    mine = _Together()
    token = _together.set(mine)
    try:
        yield
    finally:
        _together.reset(token)
    live.say(mine.changes)


def tell_also(changes: Sequence[live.Change]) -> None:
    """Tell those who watch of more than recordings: at once, or at the end of what is recorded together."""
    running = _together.get()
    if running is None:
        live.say(changes)
    else:
        running.changes += changes


def lock_learners(user_ids: Sequence[int]) -> None:
    """Take learners' activities in hand until the end of the open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sorted(set(user_ids))])


def record(source: str, done: Sequence[Done]) -> int:
    """Take activities in the open transaction, each id once; measures, signals and the live channel follow.

    Returns how many were new.
    """
    if not done:
        return 0
    lock_learners([one.user_id for one in done])
    ids = reading.insert(source, done)
    new = [one for one in {one.activity.id: one for one in done}.values() if one.activity.id in ids]
    places = reading.by_place(new)
    folding.fold(places)
    _tell(_changes(new), places)
    return len(new)


def replace(source: str, user_id: int, prefix: str, done: Sequence[Done]) -> int:
    """Have the learner's activities of this source, on assignments that start with `prefix`, be just these.

    In the open transaction. What is only new is taken like any other; where something is gone, all of its assignment is
    stepped over again. Returns how many came or went.
    """
    lock_learners([user_id])
    stored = {one.activity.id: one for one in reading.of_source(user_id, source, prefix)}
    wanted = {one.activity.id: one for one in done}
    gone = [one for identifier, one in stored.items() if not _same(wanted.get(identifier), one)]
    if gone:
        with connection.cursor() as cursor:
            cursor.execute(_REMOVE, [[one.activity.id for one in gone]])
    left = stored.keys() - {one.activity.id for one in gone}
    ids = reading.insert(source, [one for one in wanted.values() if one.activity.id not in left])
    new = [one for one in wanted.values() if one.activity.id in ids]
    places = reading.by_place(new)
    affected = {place for one in gone if (place := reading.place_of(one)) is not None}
    folding.fold({place: activities for place, activities in places.items() if place not in affected})
    folding.fold_anew(affected)
    if new or gone:
        _tell(_changes(new, affected), dict.fromkeys({*places, *affected}, ()))
    return len(new) + len(gone)


def _same(wanted: Done | None, stored: Done) -> bool:
    # A source may count the arrivals of what it tells again anew; that changes nothing but the order of equal times.
    return wanted is not None and wanted == Done(
        stored.user_id, stored.academy_id, dataclasses.replace(stored.activity, arrival=wanted.activity.arrival)
    )


def _changes(new: Sequence[Done], anew: set[Place] = frozenset()) -> list[LearnerChange]:  # type: ignore[assignment]
    found: dict[tuple[int, int | None], list[Activity]] = {}
    for one in new:
        found.setdefault((one.user_id, one.academy_id), []).append(one.activity)
    changed = {(place.user_id, place.academy_id) for place in anew}
    for key in changed:
        found.setdefault(key, [])
    return [
        LearnerChange(*key, sorted(activities, key=lambda one: one.order), anew=key in changed)
        for key, activities in sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or 0))
    ]


def _tell(changes: Sequence[LearnerChange], places: Mapping[Place, object]) -> None:
    told = [change for follower in _followers for change in follower(changes)]
    told += watched.progress_changes(list(places))
    tell_also(told)
