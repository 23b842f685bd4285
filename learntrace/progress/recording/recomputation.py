"""Recompute everything that follows from a learner's activities, learner by learner.

Activities are primary data: a recomputation adds those that the sources still have and that aren't stored, and neither
deletes nor rewrites any. Recording keeps measures and signals in step with each event, and has to come to the same: a
recomputation changes nothing.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

import structlog
from django.db import OperationalError, transaction
from django.utils import timezone

from learntrace.core import live_events
from learntrace.core.sql import fetch_one
from learntrace.progress.models import Progress, Recomputation
from learntrace.progress.recording import activity_store, code_texts, fold, later
from learntrace.progress.recording.activity_store import AssignmentKey
from learntrace.progress.recording.live_changes import progress_changes
from learntrace.progress.recording.recording import lock_learners
from learntrace.progress.recording.sources import SOURCES
from learntrace.progress.stale_queue import mark_published

log = structlog.get_logger(__name__)

TOPIC = later.TOPIC

_MEASURES = (
    "attempts",
    "errors",
    "aborted",
    "checks",
    "failed_checks",
    "last_outcome",
    "done_at",
    "done_because",
    "done_by",
    "failed_again_at",
    "questions",
    "asked_before",
    "first_seen_at",
    "last_seen_at",
    "active_seconds",
    "error_quotient",
    "repeated_error_density",
)

# The next learner, a turn for each run: a run of a whole academy must not delay one learner's.
_NEXT = """
SELECT waiting.id
  FROM (SELECT DISTINCT run FROM progress_recomputation WHERE done_at IS NULL AND due_at <= statement_timestamp()
         ORDER BY run) AS runs
 CROSS JOIN LATERAL (
       SELECT r.id FROM progress_recomputation r
        WHERE r.run = runs.run AND r.done_at IS NULL AND r.due_at <= statement_timestamp()
        ORDER BY r.id LIMIT 1 FOR UPDATE SKIP LOCKED
 ) AS waiting
 ORDER BY runs.run <= %s, runs.run LIMIT 1
"""

# A callback of a room above: makes again what it derives of a learner in an academy, and returns the live changes and how
# much differed from what was stored.
Reviser = Callable[[int, int | None], tuple[list[live_events.Change], int]]
_revisers: list[Reviser] = []


def register_reviser(reviser: Reviser) -> None:
    """Register a callback of a room above; it is called in the transaction that recomputes a learner."""
    if reviser not in _revisers:
        _revisers.append(reviser)


@dataclass(frozen=True)
class Changed:
    """How much a recomputation changed."""

    activities: int = 0
    measures: int = 0
    signals: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))


def recompute_learner(user_id: int) -> Changed:
    """Make all of a learner's measures and signals again, in the open transaction."""
    lock_learners([user_id])
    added = {name: _add_missing(name, user_id) for name in SOURCES}
    activities = activity_store.of_learners([user_id])
    keys = set(activity_store.by_key(activities)) | _stored_keys(user_id)
    troubled = _troubles(user_id)
    differing = _fold_anew(user_id, keys)
    for name, count in added.items():
        if count or differing:
            mark_published(name, activities)
    academies = {activity.academy_id for activity in activities} | {key.academy_id for key in keys}
    changes, signals = _revise(user_id, academies)
    now_troubled = _troubles(user_id)
    restated = {key for key in {*troubled, *now_troubled} if troubled.get(key) != now_troubled.get(key)}
    live_events.say(changes + progress_changes(differing | restated))
    return Changed(sum(added.values()), len(differing), signals)


def _fold_anew(user_id: int, keys: set[AssignmentKey]) -> set[AssignmentKey]:
    """Make the measures again; return the keys whose measures differ from the stored ones."""
    before = _measures(user_id)
    fold.fold_anew(keys)
    after = _measures(user_id)
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def _revise(user_id: int, academies: set[int | None]) -> tuple[list[live_events.Change], int]:
    """Call the revisers for each academy; return the live changes, and how much differed."""
    changes: list[live_events.Change] = []
    count = 0
    for academy_id in sorted(academies, key=str):
        for reviser in _revisers:
            new_changes, differing = reviser(user_id, academy_id)
            changes, count = changes + new_changes, count + differing
    return changes, count


def _add_missing(source: str, user_id: int) -> int:
    """Store the activities that a source still has and that aren't stored, with their code; return how many.

    What lies before an erasure, or is older than what the academy keeps, isn't stored again.
    """
    derived = {row.activity.id: row for row in SOURCES[source].derive(user_id)}
    ids = activity_store.missing(derived)
    inserted = activity_store.insert(source, [row for identifier, row in derived.items() if identifier in ids])
    code_texts.keep_code(derived.values())
    return len(inserted.ids)


def _stored_keys(user_id: int) -> set[AssignmentKey]:
    rows = Progress.objects.filter(user=user_id).values_list("academy_id", "assignment")
    return {AssignmentKey(user_id, academy_id, assignment) for academy_id, assignment in rows}


def _measures(user_id: int) -> dict[AssignmentKey, tuple[object, ...]]:
    rows = Progress.objects.filter(user=user_id).values_list("academy_id", "assignment", *_MEASURES)
    return {AssignmentKey(user_id, row[0], row[1]): row[2:] for row in rows}


def _troubles(user_id: int) -> dict[AssignmentKey, tuple[object, ...]]:
    """Return the part of the learner's states that comes from signals."""
    rows = Progress.objects.filter(user=user_id).values_list("academy_id", "assignment", "trouble_since", "stuck_since")
    return {AssignmentKey(user_id, row[0], row[1]): row[2:] for row in rows}


def learners_to_recompute(assignment: str | None = None) -> list[int]:
    """Return the ids of all learners with stored data, or with data on that assignment."""
    user_ids: set[int] = set()
    for source in SOURCES.values():
        user_ids.update(source.learners(assignment))
    rows = Progress.objects.filter(assignment=assignment) if assignment else Progress.objects.all()
    user_ids.update(rows.values_list("user_id", flat=True).distinct())
    return sorted(user_ids)


def enqueue(user_ids: Collection[int], *, by_operator: bool = False) -> uuid.UUID:
    """Queue learners for the workers to recompute; return the run's id. The caller announces TOPIC after the commit.

    `by_operator`: a command waits for the run, and goes on with it after an interruption.
    """
    run = uuid.uuid4()
    rows = (Recomputation(run=run, user_id=user_id, by_operator=by_operator) for user_id in user_ids)
    Recomputation.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return run


@dataclass
class _LastRun:
    """The run of which this process took a learner last."""

    run: uuid.UUID


_last = _LastRun(uuid.UUID(int=0))


def _next_row() -> Recomputation | None:
    found = fetch_one(_NEXT, [_last.run])
    if found is None:
        return None
    row = Recomputation.objects.get(pk=found[0])
    _last.run = row.run
    return row


def take_recomputation() -> int:
    """Recompute the next waiting learner that no other worker has locked; return 0 if there is none, else 1.

    A fault ends that learner's recomputation alone and is stored. Raises OperationalError when the database is away.
    """
    with transaction.atomic():
        row = _next_row()
        if row is None:
            return 0
        try:
            with transaction.atomic():
                row.changed = asdict(recompute_learner(row.user_id))
        except OperationalError:
            raise
        except Exception as error:
            log.exception("recomputation of a learner failed", learner=row.user_id)
            row.fault = f"{type(error).__name__}: {error}"[:1000]
        row.done_at = timezone.now()
        row.save(update_fields=["changed", "done_at", "fault"])
    return 1


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run: all learners, those done, the failed ones among these, the first fault, and the changes."""

    total: int
    done: int
    failed: int
    first_fault: str
    changed: Changed


def run_progress(run: uuid.UUID) -> RunProgress:
    """Return the progress of a run."""
    rows = list(Recomputation.objects.filter(run=run).order_by("pk").values_list("done_at", "changed", "fault"))
    faults = [fault for _done_at, _changed, fault in rows if fault]
    total = Changed()
    for _done_at, changed, _fault in rows:
        total = total + Changed(**(changed or {}))
    done = sum(done_at is not None for done_at, _changed, _fault in rows)
    return RunProgress(len(rows), done, len(faults), next(iter(faults), ""), total)


def unfinished_runs() -> list[uuid.UUID]:
    """Return the operators' runs in which learners still wait, oldest first."""
    rows = Recomputation.objects.filter(done_at__isnull=True, by_operator=True).order_by("pk")
    return list(dict.fromkeys(rows.values_list("run", flat=True)))


def delete_old_recomputations(days: int) -> int:
    """Delete the rows of recomputations that ended more than this many days ago; return how many."""
    return Recomputation.objects.filter(done_at__lt=timezone.now() - timedelta(days=days)).delete()[0]
