"""Keep measures in step with activities.

New activities continue from the stored state; a late one makes the measures of its assignment start again. The caller holds
the learner's lock (`recording`), so that the stored activities are exactly those in the stored state.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.measures import learner_measures
from learntrace.measures.activity import CHECK, Activity
from learntrace.progress import checks
from learntrace.progress.recording import activity_store, error_counts
from learntrace.progress.recording.active_gap import gaps_of
from learntrace.progress.recording.activity_store import AssignmentKey, key_rows
from learntrace.progress.recording.later import recompute_later, with_long_history

# A row with a whole state was written by a worker of the version before, after what is apart.
_LOAD = """
SELECT p.user_id, p.academy_id, p.assignment, p.last_seen_at, p.last_arrival, p.gap_seconds,
       CASE WHEN p.state ? 'version' THEN p.state ELSE coalesce(s.state, p.state) END::text
  FROM progress_progress p
  LEFT JOIN progress_progressstate s ON s.progress_id = p.id
  JOIN jsonb_to_recordset(%s::jsonb) AS key(learner bigint, academy bigint, about text)
    ON p.user_id = key.learner AND p.assignment = key.about AND p.academy_id IS NOT DISTINCT FROM key.academy
"""
_STORE = """
WITH r AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
        AS r(user_id bigint, academy_id bigint, assignment text, attempts int, errors int, aborted int, checks int,
             failed_checks int, last_outcome text, done_at timestamptz, done_because text, done_by text,
             failed_again_at timestamptz, questions int, asked_before jsonb, first_seen_at timestamptz,
             last_seen_at timestamptz, active_seconds double precision,
             error_quotient double precision, repeated_error_density double precision, closure jsonb, state jsonb,
             last_arrival bigint, gap_seconds double precision)
), stored AS (
    INSERT INTO progress_progress AS kept
           (user_id, academy_id, assignment, attempts, errors, aborted, checks, failed_checks, last_outcome, done_at,
            done_because, done_by, failed_again_at, questions, asked_before, first_seen_at, last_seen_at, active_seconds,
            error_quotient, repeated_error_density, state, last_arrival, gap_seconds, updated_at)
    SELECT user_id, academy_id, assignment, attempts, errors, aborted, checks, failed_checks, last_outcome, done_at,
           done_because, done_by, failed_again_at, questions, asked_before, first_seen_at, last_seen_at, active_seconds,
           error_quotient, repeated_error_density, closure, last_arrival, gap_seconds, now()
      FROM r
     ORDER BY user_id, academy_id, assignment
        ON CONFLICT (user_id, academy_id, assignment) DO UPDATE
       SET attempts = excluded.attempts, errors = excluded.errors, aborted = excluded.aborted,
           checks = excluded.checks, failed_checks = excluded.failed_checks, last_outcome = excluded.last_outcome,
           done_at = excluded.done_at, done_because = excluded.done_because, done_by = excluded.done_by,
           failed_again_at = excluded.failed_again_at, questions = excluded.questions,
           asked_before = excluded.asked_before, first_seen_at = excluded.first_seen_at,
           last_seen_at = excluded.last_seen_at, active_seconds = excluded.active_seconds,
           error_quotient = excluded.error_quotient, repeated_error_density = excluded.repeated_error_density,
           state = excluded.state, last_arrival = excluded.last_arrival, gap_seconds = excluded.gap_seconds,
           updated_at = now()
    RETURNING id, user_id, academy_id, assignment
), continued AS (
    INSERT INTO progress_progressstate (progress_id, state)
    SELECT stored.id, r.state
      FROM stored
      JOIN r ON r.user_id = stored.user_id AND r.assignment = stored.assignment
            AND r.academy_id IS NOT DISTINCT FROM stored.academy_id
     ORDER BY stored.id
        ON CONFLICT (progress_id) DO UPDATE SET state = excluded.state
)
SELECT id, user_id, academy_id, assignment FROM stored
"""
# The counts go first: cascades are done by Django, and the database has none.
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


_NO_MEASURES = frozenset({"user_id", "academy_id", "assignment", "closure", "state", "last_arrival", "gap_seconds"})
# Of a state, what detectors ask for (`closure_of`).
_OF_CLOSURE = ("checked", "checked_part")


@dataclass
class _Fold:
    """The activities to step over for one key, from a state on; `anew` if that is the state before the first.

    `is_first`: nothing is stored of the key yet.
    """

    key: AssignmentKey
    gap: float
    activities: Sequence[Activity]
    anew: bool
    checked_part: str | None
    state: learner_measures.State = field(default_factory=learner_measures.begin)
    is_first: bool = False
    has_unsolved: bool = field(init=False)

    def __post_init__(self) -> None:
        # Every error met before was met before the last failure, and every success sets it back.
        self.has_unsolved = self.state["last_failed_at"] is not None

    def row(self) -> dict[str, Any]:
        """Step over the activities and return the row to store."""
        for activity in self.activities:
            learner_measures.step(self.state, activity, self.gap)
        # What the stored measures follow from beside the activities: where it has changed, detectors look again.
        self.state["checked_part"] = self.checked_part
        measures = learner_measures.measures(self.state, self.checked_part)
        self.state["done_id"] = measures.done_id
        return {
            "user_id": self.key.user_id,
            "academy_id": self.key.academy_id,
            "assignment": self.key.assignment,
            "attempts": measures.attempts,
            "errors": measures.errors,
            "aborted": measures.aborted,
            "last_outcome": measures.last_outcome,
            "checks": measures.checks,
            "failed_checks": measures.failed_checks,
            "done_at": measures.done_at,
            "done_because": measures.done_because,
            "done_by": measures.done_by,
            "failed_again_at": measures.failed_again_at,
            "questions": measures.questions,
            "asked_before": measures.asked_before,
            "first_seen_at": measures.first_seen_at,
            "last_seen_at": measures.last_seen_at,
            "active_seconds": measures.active_seconds,
            "error_quotient": measures.error_quotient,
            "repeated_error_density": measures.repeated_error_density,
            "closure": {name: self.state[name] for name in _OF_CLOSURE if self.state[name] is not None},
            "state": self.state,
            "last_arrival": self.activities[-1].arrival,
            "gap_seconds": self.gap,
        }


@dataclass(frozen=True)
class _Stored:
    """The stored state of a key, and the order of the last activity in it."""

    last: tuple[datetime, int]
    gap: float
    state: learner_measures.State

    @property
    def closure(self) -> tuple[Any, bool]:
        """What the detectors of the assignment depend on beside its activities (`closure_of`)."""
        return closure_of(self.state)

    def goes_on(self, first: Activity, gap: float) -> bool:
        """Whether an activity comes next, and the state is of this version and made with the same longest gap."""
        is_known = self.state.get("version") == learner_measures.VERSION
        return is_known and first.order > self.last and gap == self.gap


def closure_of(state: learner_measures.State) -> tuple[Any, bool]:
    """Return the first checked evidence of a state, as it holds it, and whether the assignment has a check cell."""
    return state.get("checked"), state.get("checked_part") == CHECK


def fold_new(new: Mapping[AssignmentKey, Sequence[Activity]]) -> set[AssignmentKey]:
    """Bring measures in step with activities that have just been written, in the open transaction.

    Where one is late on an assignment with a long history, the learner is left to a recomputation. Returns the keys whose
    closure has changed: all detectors have to look again at what was done there before.
    """
    stored = _load(new)
    before_all = {key: kept.closure for key, kept in stored.items()}
    gaps = gaps_of({key.academy_id for key in new})
    parts = checks.parts_of(new)
    folds, late = [], []
    for key, activities in new.items():
        ordered = sorted(activities, key=lambda activity: activity.order)
        before = stored.get(key)
        gap = gaps[key.academy_id]
        part = parts.get((key.academy_id, key.assignment))
        if before is None:
            folds.append(_Fold(key, gap, ordered, anew=True, checked_part=part, is_first=True))
        elif before.goes_on(ordered[0], gap):
            folds.append(_Fold(key, gap, ordered, anew=False, checked_part=part, state=before.state))
        else:
            late.append(key)
    left = with_long_history(late)
    recompute_later({key.user_id for key in left})
    folds += _folds_anew(set(late) - left, gaps)
    _store(folds)
    return {fold.key for fold in folds if closure_of(fold.state) != before_all.get(fold.key, (None, False))}


def fold_anew(keys: Collection[AssignmentKey]) -> None:
    """Make the measures of these keys again from their activities; delete those of keys without activities."""
    folds = _folds_anew(keys, gaps_of({key.academy_id for key in keys}))
    _store(folds)
    _forget(set(keys) - {fold.key for fold in folds})


def measures_of(key: AssignmentKey, activities: Sequence[Activity]) -> dict[str, Any]:
    """Return the measures that these activities have, as the columns of `Progress`."""
    gap = gaps_of({key.academy_id})[key.academy_id]
    part = checks.parts_of([key]).get((key.academy_id, key.assignment))
    row = _Fold(key, gap, activities, anew=True, checked_part=part).row()
    return {name: value for name, value in row.items() if name not in _NO_MEASURES}


def _folds_anew(keys: Collection[AssignmentKey], gaps: Mapping[int | None, float]) -> list[_Fold]:
    activities = activity_store.by_key(activity_store.of_keys(keys))
    parts = checks.parts_of(activities)
    return [
        _Fold(key, gaps[key.academy_id], own, anew=True, checked_part=parts.get((key.academy_id, key.assignment)))
        for key, own in activities.items()
    ]


def _load(keys: Iterable[AssignmentKey]) -> dict[AssignmentKey, _Stored]:
    return {
        AssignmentKey(user_id, academy_id, assignment): _Stored((at, arrival), gap, msgspec.json.decode(state))
        for user_id, academy_id, assignment, at, arrival, gap, state in fetch(_LOAD, [key_rows(keys)])
    }


def _store(folds: Sequence[_Fold]) -> None:
    if not folds:
        return
    rows = fetch(_STORE, [json_rows(fold.row() for fold in folds)])
    ids = {AssignmentKey(user_id, academy, assignment): pk for pk, user_id, academy, assignment in rows}
    error_counts.count(
        error_counts.Stepped(
            ids[fold.key], fold.activities, anew=fold.anew and not fold.is_first, has_unsolved=fold.has_unsolved
        )
        for fold in folds
    )


def _forget(keys: Collection[AssignmentKey]) -> None:
    if keys:
        for statement in _FORGET:
            execute(statement, [key_rows(keys)])
