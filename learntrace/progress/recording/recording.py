"""Record activities from the sources, each once and for good; measures and signals follow in the same transaction.

One transaction at a time takes a learner's activities. Under the learner's lock the stored activities are exactly those in
the stored states of measures and detectors, so that a new one is either the next in the learner's order or late.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import psycopg
from django.db import OperationalError, transaction

from learntrace.core import live_events
from learntrace.core.sql import execute, fetch
from learntrace.measures.activity import Activity
from learntrace.progress import checks
from learntrace.progress.recording import activity_store, code_texts, fold, live_changes
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity

__all__ = [
    "LearnerChange",
    "lock_free_learners",
    "lock_learners",
    "lock_learners_within",
    "record",
    "record_again",
    "recount",
    "register_change_listener",
    "tell_also",
    "together",
]

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace learner ' || id, 0)) FROM unnest(%s::bigint[]) AS id"
_LOCK_FREE = """
SELECT id FROM unnest(%s::bigint[]) AS id WHERE pg_try_advisory_xact_lock(hashtextextended('learntrace learner ' || id, 0))
"""


@dataclass(frozen=True)
class LearnerChange:
    """New activities of a learner in an academy, in order; `anew` if others were removed or changed.

    `again` are assignments on which the detectors have to look at the whole history again: something has checked it.
    """

    user_id: int
    academy_id: int | None
    new: Sequence[Activity]
    anew: bool = False
    again: frozenset[str] = frozenset()


Place = tuple[int, int | None, str | None]
"""Where activities are: user id, academy id, and assignment."""

Follower = Callable[[Sequence[LearnerChange]], Sequence[live_events.Change]]
_followers: list[Follower] = []


def register_change_listener(follower: Follower) -> None:
    """Register a callback of a room above: it is called with changes in their transaction, and returns live changes."""
    if follower not in _followers:
        _followers.append(follower)


@dataclass
class _Together:
    """The live changes of several recordings in one transaction, to be sent at its end."""

    changes: list[live_events.Change] = field(default_factory=list)


_together: ContextVar[_Together | None] = ContextVar("together", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Make several recordings in one open transaction, learners in ascending order, and send live changes at the end.

    Senders of live changes take turns; nobody may hold that turn while waiting for a learner's lock.
    """
    running = _Together()
    token = _together.set(running)
    try:
        yield
    finally:
        _together.reset(token)
    live_events.say(running.changes)


def tell_also(changes: Sequence[live_events.Change]) -> None:
    """Send live changes: at once, or at the end of `together`."""
    running = _together.get()
    if running is None:
        live_events.say(changes)
    else:
        running.changes += changes


def lock_learners(user_ids: Collection[int]) -> None:
    """Lock the learners' activities until the end of the open transaction."""
    fetch(_LOCK, [sorted(set(user_ids))])


def lock_free_learners(user_ids: Collection[int]) -> set[int]:
    """Lock those of the learners that nobody else has locked, until the end of the open transaction; return them."""
    return {user_id for (user_id,) in fetch(_LOCK_FREE, [sorted(set(user_ids))])}


def lock_learners_within(user_ids: Collection[int], seconds: float) -> set[int]:
    """Lock learners until the end of the open transaction, and wait for them so long at most; return those locked.

    Those that are free are locked at once; of the others either all or none.
    """
    free = lock_free_learners(user_ids)
    others = set(user_ids) - free
    if not others:
        return free
    try:
        with transaction.atomic():
            execute("SELECT set_config('lock_timeout', %s, true)", [f"{round(seconds * 1000)}ms"])
            lock_learners(others)
            execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            return free
        raise
    return free | others


def record(source: str, activities: Sequence[LearnerActivity], *, locked: Collection[int] = ()) -> int:
    """Record activities in the open transaction, each id once; measures, signals and live changes follow.

    The caller may have locked learners already. Returns how many were new.
    """
    if not activities:
        return 0
    if others := {activity.user_id for activity in activities}.difference(locked):
        lock_learners(others)
    inserted = activity_store.insert(source, activities)
    new = [activity for identifier, activity in _by_id(activities).items() if identifier in inserted.ids]
    code_texts.keep_code(new)
    checks.tell(checks.checked_in(new))
    by_key = activity_store.by_key(inserted.counted)
    again = fold.fold_new(by_key)
    _announce(_changes(inserted.counted, again=again), by_key)
    return len(inserted.ids)


def record_again(keys: Collection[AssignmentKey]) -> None:
    """Make measures and signals of these keys again, in the open transaction, where not only new activities changed them.

    The learners' locks are held.
    """
    if keys:
        fold.fold_anew(keys)
        _announce(_changes([], keys), keys)


def recount(places: Collection[Place]) -> None:
    """Make measures and signals again where stored activities have begun or ceased to count.

    In the open transaction, which holds the learners' locks and has changed the activities.
    """
    if not places:
        return
    keys = {AssignmentKey(user, academy, assignment) for user, academy, assignment in places if assignment is not None}
    fold.fold_anew(keys)
    learners = sorted(
        {(user, academy) for user, academy, _assignment in places}, key=lambda learner: (learner[0], learner[1] or 0)
    )
    _announce([LearnerChange(user, academy, [], anew=True) for user, academy in learners], keys)


def _by_id(activities: Iterable[LearnerActivity]) -> dict[str, LearnerActivity]:
    return {activity.activity.id: activity for activity in activities}


def _changes(
    new: Iterable[LearnerActivity], anew: Collection[AssignmentKey] = (), again: Collection[AssignmentKey] = ()
) -> list[LearnerChange]:
    grouped: dict[tuple[int, int | None], list[Activity]] = {}
    for activity in new:
        grouped.setdefault((activity.user_id, activity.academy_id), []).append(activity.activity)
    changed = {(key.user_id, key.academy_id) for key in anew}
    for learner in changed:
        grouped.setdefault(learner, [])
    again_by_learner: dict[tuple[int, int | None], set[str]] = {}
    for key in again:
        again_by_learner.setdefault((key.user_id, key.academy_id), set()).add(key.assignment)
    return [
        LearnerChange(
            *learner,
            sorted(activities, key=lambda activity: activity.order),
            anew=learner in changed,
            again=frozenset(again_by_learner.get(learner, ())),
        )
        for learner, activities in sorted(grouped.items(), key=lambda item: (item[0][0], item[0][1] or 0))
    ]


def _announce(changes: Sequence[LearnerChange], keys: Collection[AssignmentKey]) -> None:
    followed = [change for follower in _followers for change in follower(changes)]
    tell_also(followed + live_changes.progress_changes(keys))
