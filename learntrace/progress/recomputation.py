"""Making everything that follows from what the sources keep again, learner by learner.

What is kept in step with each event has to be what comes out here: a recomputation over everything changes nothing.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

import structlog
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from learntrace.core import live
from learntrace.progress import folding, reading
from learntrace.progress.models import Progress, Recomputation
from learntrace.progress.reading import Place, place_of
from learntrace.progress.recording import lock_learners
from learntrace.progress.sources import SOURCES
from learntrace.progress.stale import mark_published
from learntrace.progress.watched import progress_changes

log = structlog.get_logger(__name__)

TOPIC = "recompute"

_MEASURES = (
    "attempts", "errors", "aborted", "last_outcome", "done_at", "first_seen_at", "last_seen_at", "active_seconds",
    "error_quotient", "repeated_error_density",
)  # fmt: skip
_STORED = "SELECT id::text FROM progress_activity WHERE user_id = %s AND source = %s"
_REMOVE = "DELETE FROM progress_activity WHERE id = ANY(%s::uuid[])"

# What a room above makes again of a learner in an academy: what to tell, and how much came out otherwise.
Reviser = Callable[[int, int | None], tuple[list[live.Change], int]]
_revisers: list[Reviser] = []


def revise_with(reviser: Reviser) -> None:
    """Have a room above make again what it derives, in the transaction that recomputes a learner."""
    if reviser not in _revisers:
        _revisers.append(reviser)


@dataclass(frozen=True)
class Changed:
    """How much came out otherwise than it was stored."""

    activities: int = 0
    measures: int = 0
    signals: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def recompute_learner(user_id: int) -> Changed:
    """Make all of a learner's activities, measures and signals again, in the open transaction."""
    lock_learners([user_id])
    derived = {name: _derive_again(name, user_id) for name in SOURCES}
    done = reading.of_learners([user_id])
    for name, count in derived.items():
        if count:
            mark_published(name, done)
    places = {place for one in done if (place := place_of(one)) is not None} | _kept_places(user_id)
    before = _measures(user_id)
    folding.fold_anew(places)
    after = _measures(user_id)
    differing = {place for place in {*before, *after} if before.get(place) != after.get(place)}
    told: list[live.Change] = []
    signals = 0
    for academy_id in sorted({one.academy_id for one in done} | {place.academy_id for place in places}, key=str):
        for reviser in _revisers:
            changes, count = reviser(user_id, academy_id)
            told, signals = told + changes, signals + count
    live.say(told + progress_changes(differing))
    return Changed(sum(derived.values()), len(differing), signals)


def _derive_again(source: str, user_id: int) -> int:
    """Have the stored activities of a source be those that it derives; how many weren't."""
    derived = {one.activity.id: one for one in SOURCES[source].derive(user_id)}
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [user_id, source])
        ids = [row[0] for row in cursor.fetchall()]
        stored = {one.activity.id: one for one in reading.by_id(ids)}
        wrong = [identifier for identifier, one in stored.items() if derived.get(identifier) != one]
        if wrong:
            cursor.execute(_REMOVE, [wrong])
    missing = [one for identifier, one in derived.items() if identifier not in stored or identifier in wrong]
    reading.insert(source, missing)
    return len({*wrong, *(one.activity.id for one in missing)})


def _kept_places(user_id: int) -> set[Place]:
    rows = Progress.objects.filter(user=user_id).values_list("academy_id", "assignment")
    return {Place(user_id, academy_id, assignment) for academy_id, assignment in rows}


def _measures(user_id: int) -> dict[Place, tuple[object, ...]]:
    rows = Progress.objects.filter(user=user_id).values_list("academy_id", "assignment", *_MEASURES)
    return {Place(user_id, row[0], row[1]): row[2:] for row in rows}


def learners_to_recompute(assignment: str | None = None) -> list[int]:
    """The ids of all of whom anything is kept, or anything on that assignment."""
    found: set[int] = set()
    for source in SOURCES.values():
        found.update(source.learners(assignment))
    rows = Progress.objects.filter(assignment=assignment) if assignment else Progress.objects.all()
    found.update(rows.values_list("user_id", flat=True).distinct())
    return sorted(found)


def enqueue(user_ids: Collection[int]) -> uuid.UUID:
    """Have workers recompute these learners; returns the run's id. Announce TOPIC after the commit."""
    run = uuid.uuid4()
    Recomputation.objects.bulk_create(
        (Recomputation(run=run, user_id=user_id) for user_id in user_ids), batch_size=1000, ignore_conflicts=True
    )
    return run


def take_recomputation() -> int:
    """Recompute the next learner whom nobody else has in hand; 0 where none waits.

    A fault costs that learner alone, and is noted. Raises OperationalError when the database is away.
    """
    with transaction.atomic():
        row = (
            Recomputation.objects.select_for_update(skip_locked=True)
            .filter(done_at__isnull=True)
            .order_by("pk")
            .first()
        )
        if row is None:
            return 0
        try:
            with transaction.atomic():
                row.changed = asdict(recompute_learner(row.user_id))
        except OperationalError:
            raise
        except Exception as error:
            log.exception("a learner can't be recomputed", learner=row.user_id)
            row.fault = f"{type(error).__name__}: {error}"[:1000]
        row.done_at = timezone.now()
        row.save(update_fields=["changed", "done_at", "fault"])
    return 1


@dataclass(frozen=True)
class Standing:
    """How far a run is: learners in all, done, and failed among these with the first fault; and what has changed."""

    total: int
    done: int
    failed: int
    first_fault: str
    changed: Changed


def standing(run: uuid.UUID) -> Standing:
    """How far a run is."""
    rows = list(Recomputation.objects.filter(run=run).order_by("pk").values_list("done_at", "changed", "fault"))
    faults = [fault for _done_at, _changed, fault in rows if fault]
    total = Changed()
    for _done_at, changed, _fault in rows:
        total = total + Changed(**(changed or {}))
    return Standing(len(rows), sum(row[0] is not None for row in rows), len(faults), next(iter(faults), ""), total)


def unfinished_runs() -> list[uuid.UUID]:
    """Runs in which learners still wait, the oldest first."""
    rows = Recomputation.objects.filter(done_at__isnull=True).order_by("pk").values_list("run", flat=True)
    return list(dict.fromkeys(rows))


def delete_old_recomputations(days: int) -> int:
    """Delete what is told of recomputations that ended longer ago; how many rows."""
    return Recomputation.objects.filter(done_at__lt=timezone.now() - timedelta(days=days)).delete()[0]
