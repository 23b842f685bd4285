"""Keep how often each learner met each error, and when it was solved, in step with the activities.

A row is a variant of an error of a learner on an assignment, with its group (`measures.error_groups`). All figures about
errors come from these rows (`reports.errors`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from learntrace.core.sql import execute, json_rows
from learntrace.measures.activity import COMPLETED, OK, Activity, Failure
from learntrace.measures.error_groups import ErrorGroup, group_of, variant_of

_FORGET = "DELETE FROM progress_errorcount WHERE progress_id = ANY(%s)"
# Before the new errors are counted, which are met after that success or have their own.
_SOLVE = """
UPDATE progress_errorcount e SET solved_at = r.at
  FROM jsonb_to_recordset(%s::jsonb) AS r(progress_id bigint, at timestamptz)
 WHERE e.progress_id = r.progress_id AND e.solved_at IS NULL
"""
_COUNT = """
INSERT INTO progress_errorcount AS kept
       (progress_id, name, message, digest, group_digest, kind, pattern, count, first_at, last_at, solved_at)
SELECT progress_id, name, message, digest, group_digest, kind, pattern, count, first_at, last_at, solved_at
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(progress_id bigint, name text, message text, digest text, group_digest text, kind text, pattern text, count int,
         first_at timestamptz, last_at timestamptz, solved_at timestamptz)
 ORDER BY progress_id, digest
    ON CONFLICT (progress_id, digest) DO UPDATE
   SET count = kept.count + excluded.count, first_at = least(kept.first_at, excluded.first_at),
       last_at = greatest(kept.last_at, excluded.last_at)
"""


@dataclass(frozen=True, slots=True)
class Stepped:
    """The activities by which a learner's progress has changed, in order; all there are if it is made `anew`.

    `has_unsolved` says that before them an attempt had failed since the last success.
    """

    progress_id: int
    activities: Sequence[Activity]
    anew: bool
    has_unsolved: bool


def count(stepped: Iterable[Stepped]) -> None:
    """Count the errors of these activities, and what their successes solve, in the open transaction."""
    changed = list(stepped)
    if anew := [change.progress_id for change in changed if change.anew]:
        execute(_FORGET, [anew])
    solved = [
        {"progress_id": change.progress_id, "at": at}
        for change in changed
        if change.has_unsolved and not change.anew and (at := _first_success(change.activities)) is not None
    ]
    if solved:
        execute(_SOLVE, [json_rows(solved)])
    if rows := [row for change in changed for row in counts_of(change.progress_id, change.activities)]:
        execute(_COUNT, [json_rows(rows)])


def is_success(activity: Activity) -> bool:
    """Whether an activity solves what was met before it: a success, a check that passes, or the client says it is done."""
    return activity.outcome == OK or activity.verb == COMPLETED


def _first_success(activities: Iterable[Activity]) -> datetime | None:
    return next((activity.at for activity in activities if is_success(activity)), None)


@dataclass(slots=True)
class _Met:
    count: int
    first_at: datetime
    last_at: datetime
    solved_at: datetime | None = None


def counts_of(progress_id: int, activities: Iterable[Activity]) -> list[dict[str, Any]]:
    """Return how often each variant was met, and when it was solved, as rows with the columns of `ErrorCount`.

    Activities come in their order. An attempt with the same variant twice counts once.
    """
    met: dict[tuple[ErrorGroup, Failure], _Met] = {}
    unsolved: list[_Met] = []
    for activity in activities:
        if activity.failed:
            for key in dict.fromkeys((group_of(failure), variant_of(failure)) for failure in activity.failures):
                if key in met:
                    met[key].count += 1
                    met[key].last_at = activity.at
                else:
                    met[key] = _Met(1, activity.at, activity.at)
                    unsolved.append(met[key])
        elif is_success(activity):
            for error in unsolved:
                error.solved_at = activity.at
            unsolved.clear()
    return [_row(progress_id, group, variant, counted) for (group, variant), counted in met.items()]


def _row(progress_id: int, group: ErrorGroup, variant: Failure, met: _Met) -> dict[str, Any]:
    return {
        "progress_id": progress_id,
        "name": variant.name,
        "message": variant.message,
        "digest": _digest(group, variant),
        "group_digest": group.digest,
        "kind": group.kind,
        "pattern": group.pattern,
        "count": met.count,
        "first_at": met.first_at,
        "last_at": met.last_at,
        "solved_at": met.solved_at,
    }


def _digest(group: ErrorGroup, variant: Failure) -> str:
    return hashlib.blake2b(f"{group.digest}\n{variant.name}\n{variant.message}".encode(), digest_size=16).hexdigest()
