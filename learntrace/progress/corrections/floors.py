"""Floors: times before which nothing of a learner counts, with the measures until then kept as an earlier course run.

Another course run sets one (`course_runs`), and an academy that doesn't keep attempts for ever (`attempt_retention`). After
an erasure nothing that happened before is stored again (`counting.not_kept`), which needs no floor.

What lies before a floor stays stored and can be seen, and so the earlier run is made from it whenever its floor is moved. A
client that tells it again changes nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.progress.counting import below_floor
from learntrace.progress.models import EarlierRun, Floor
from learntrace.progress.recording import activity_store, fold
from learntrace.progress.recording.activity_store import AssignmentKey
from learntrace.progress.recording.recording import recount
from learntrace.progress.stale_queue import mark_assignments

_MARK = f"""
WITH now_below AS (
    SELECT a.id, {below_floor("a")} AS before_floor
      FROM progress_activity a
     WHERE a.user_id = %(learner)s AND a.academy_id = %(academy)s
)
UPDATE progress_activity a SET before_floor = now_below.before_floor
  FROM now_below
 WHERE a.id = now_below.id AND a.before_floor <> now_below.before_floor
RETURNING a.user_id, a.academy_id, a.assignment, a.source
"""  # noqa: S608 (no text from outside)
_ON_ASSIGNMENTS = """
SELECT DISTINCT a.assignment FROM progress_activity a
 WHERE a.user_id = %(learner)s AND a.academy_id = %(academy)s AND a.before_floor AND a.assignment IS NOT NULL
   AND (%(scope)s IN ('', a.assignment) OR right(%(scope)s, 1) = '/' AND starts_with(a.assignment, %(scope)s))
"""
# A number that was frozen by an earlier version stays as it is.
_FREEZE = """
INSERT INTO progress_earlierrun (user_id, academy_id, assignment, until, cause, course, measures)
SELECT user_id, academy_id, assignment, until, cause, course, measures
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, academy_id bigint, assignment text, until timestamptz, cause text, course text, measures jsonb)
    ON CONFLICT (user_id, academy_id, assignment, until) DO NOTHING
"""


@dataclass(frozen=True)
class Learner:
    """A learner in an academy."""

    user_id: int
    academy_id: int


def set_floor(learner: Learner, scopes: Collection[str], at: datetime, cause: str, course: str) -> bool:
    """Let nothing before this time count on these scopes; whether that changed anything. `course` names the run that ends.

    In the open transaction, which holds the learner's lock.
    """
    rows = Floor.objects.filter(user=learner.user_id, academy=learner.academy_id, cause=cause, at=at)
    known = set(rows.values_list("scope", flat=True))
    new = [scope for scope in sorted(scopes) if scope not in known]
    Floor.objects.bulk_create(
        Floor(user_id=learner.user_id, academy_id=learner.academy_id, scope=scope, at=at, cause=cause) for scope in new
    )
    if new:
        apply(learner)
        _freeze(learner, new, at, cause, course)
    return bool(new)


def take_back(learner: Learner, at: datetime, cause: str) -> None:
    """Take floors of that time back: what they had left behind counts again. As `set_floor`."""
    own = {"user": learner.user_id, "academy": learner.academy_id, "cause": cause}
    EarlierRun.objects.filter(until=at, **own).delete()
    Floor.objects.filter(at=at, **own).delete()
    apply(learner)


def _assignments(learner: Learner, scope: str) -> list[str]:
    """Return the assignments of a scope on which the learner has activities before a floor."""
    parameters = {"learner": learner.user_id, "academy": learner.academy_id, "scope": scope}
    return [assignment for (assignment,) in fetch(_ON_ASSIGNMENTS, parameters)]


def apply(learner: Learner) -> None:
    """Mark what lies before the learner's floors; measures, signals and documents follow where that changed something."""
    changed = fetch(_MARK, {"learner": learner.user_id, "academy": learner.academy_id})
    recount({(user, academy, assignment) for user, academy, assignment, _source in changed})
    documents: dict[str, set[AssignmentKey]] = {}
    for user, academy, assignment, source in changed:
        if assignment is not None:
            documents.setdefault(source, set()).add(AssignmentKey(user, academy, assignment))
    for source, keys in documents.items():
        mark_assignments(source, keys)


def _freeze(learner: Learner, scopes: Collection[str], at: datetime, cause: str, course: str) -> None:
    """Store the measures until the floor; what an earlier floor has left behind already is in an earlier run."""
    assignments = {assignment for scope in scopes for assignment in _assignments(learner, scope)}
    keys = [AssignmentKey(learner.user_id, learner.academy_id, assignment) for assignment in sorted(assignments)]
    runs = EarlierRun.objects.filter(user=learner.user_id, academy=learner.academy_id, until__lt=at)
    earlier = dict(runs.order_by("until").values_list("assignment", "until"))
    rows = []
    for key, activities in activity_store.by_key(activity_store.before_floors(keys)).items():
        since = earlier.get(key.assignment)
        own = [activity for activity in activities if activity.at < at and (since is None or activity.at >= since)]
        if own:
            rows.append(
                {
                    "user_id": key.user_id,
                    "academy_id": key.academy_id,
                    "assignment": key.assignment,
                    "until": at,
                    "cause": cause,
                    "course": course,
                    "measures": fold.measures_of(key, own),
                }
            )
    if rows:
        execute(_FREEZE, [json_rows(rows)])
