"""What closes an assignment for the detectors: the first checked evidence that the learner is done.

The definition: docs/explanation/signals.md, "The state of a learner on an assignment".
From then on signals of trouble on it are over, and none opens. Where an assignment has a check cell, a success of the work
ends a run of failures as ever, but resolves nothing: only a check that passes does.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import msgspec

from learntrace.core.sql import fetch
from learntrace.measures.activity import CHECK, OK, Activity
from learntrace.measures.learner_measures import DoneBy, evidence_of
from learntrace.progress.recording.activity_store import AssignmentKey
from learntrace.signals.detectors.base import LEARNER

_OF_LEARNERS = """
SELECT p.user_id, p.academy_id, p.assignment, (p.state -> 'checked')::text, p.state ->> 'checked_part'
  FROM progress_progress p
 WHERE p.user_id = ANY(%(learners)s)
   AND (p.state ->> 'checked' IS NOT NULL OR p.state ->> 'checked_part' = %(check)s)
"""


@dataclass(frozen=True, slots=True)
class Closure:
    """What detectors know of a learner's assignment beside its activities.

    `done` is the first checked evidence, None where there is none; `has_check` says that the assignment has a check cell.
    """

    done: DoneBy | None = None
    has_check: bool = False


OPEN = Closure()

Closures = Mapping[AssignmentKey, Closure]
"""The closures of learners' assignments; those that are open are left out."""


def closures_of_learners(user_ids: Collection[int]) -> dict[AssignmentKey, Closure]:
    """Return the closures of all assignments of these learners."""
    asked = {"learners": sorted(set(user_ids)), "check": CHECK}
    rows = fetch(_OF_LEARNERS, asked) if user_ids else []
    return {
        AssignmentKey(user_id, academy_id, assignment): Closure(
            evidence_of(msgspec.json.decode(checked)) if checked else None, part == CHECK
        )
        for user_id, academy_id, assignment, checked, part in rows
    }


def seen_by(group: str, activity: Activity, closure: Closure) -> Activity | None:
    """Return an activity as detectors of such groups see it; None where they don't.

    After the closure an assignment's detectors see nothing. Those that look at whole learners see no failures there, and see
    as a success what closes it, and each check that passes.
    """
    if group == LEARNER and activity.part == CHECK and activity.is_check and activity.outcome == OK:
        return replace(activity, part=None)
    if closure.done is None or activity.order < closure.done.order:
        return activity
    if group != LEARNER:
        return activity if activity.order == closure.done.order else None
    if activity.order == closure.done.order:
        return replace(activity, outcome=OK, failures=(), part=None)
    return replace(activity, outcome=None, failures=()) if activity.failed else activity
