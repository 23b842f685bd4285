"""How the numbers of a class, of a learner or of a cohort came about: from those of each learner, or assignment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db import connection

from learntrace.metrics.attempts import OK
from learntrace.progress.assignments import AssignmentRow
from learntrace.progress.explaining import BASE, MOST, explained, latest, learner_address, learners_address, same
from learntrace.progress.groups import GroupRow
from learntrace.progress.learners import LearnerRow
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.selection import Selection

# Counted again from the activities themselves, so that what is stored can be told to agree with them; with the latest ids.
_COUNT = """
SELECT {by}, count(*), count(*) FILTER (WHERE outcome = 'error'),
       (array_agg(id::text ORDER BY at DESC, arrival DESC))[:%(most)s],
       (array_agg(id::text ORDER BY at DESC, arrival DESC) FILTER (WHERE outcome = 'error'))[:%(most)s]
  FROM progress_activity
 WHERE academy_id = %(academy)s AND outcome IN ('ok', 'error') AND {by} = ANY(%(wanted)s) AND assignment IS NOT NULL
   AND (%(learners)s::bigint[] IS NULL OR user_id = ANY(%(learners)s))
   AND (%(keys)s::text[] IS NULL OR assignment = ANY(%(keys)s))
 GROUP BY {by}
"""
_BY_ASSIGNMENT, _BY_LEARNER = _COUNT.format(by="assignment"), _COUNT.format(by="user_id")


@dataclass(frozen=True)
class _Counted:
    """What the activities themselves say: attempts and failures, and the latest ids, the oldest of them first."""

    attempts: int = 0
    errors: int = 0
    ids: Sequence[str] = ()
    failed: Sequence[str] = ()


def _counted(statement: str, selection: Selection, wanted: list[Any], keys: list[str] | None) -> dict[Any, _Counted]:
    parameters: dict[str, Any] = {
        "academy": selection.academy.pk, "wanted": wanted, "learners": selection.learner_ids, "keys": keys, "most": MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return {
            row[0]: _Counted(row[1], row[2], (row[3] or [])[::-1], (row[4] or [])[::-1]) for row in cursor.fetchall()
        }


class _Stored(NamedTuple):
    """A learner's measures on an assignment, as they are stored."""

    user_id: int
    assignment: str
    attempts: int
    errors: int
    last_outcome: str | None
    active_seconds: float
    error_quotient: float | None
    repeated_error_density: float


def _stored(selection: Selection, **conditions: Any) -> list[_Stored]:
    rows = Progress.objects.filter(academy=selection.academy, **conditions)
    if selection.learners is not None:
        rows = rows.filter(user__in=selection.learners)
    return [_Stored(*row) for row in rows.order_by("user_id", "assignment").values_list(*_Stored._fields)]


def explain_assignments(selection: Selection, rows: Collection[AssignmentRow]) -> None:
    """Have the rows bring their explanations; two queries."""
    keys = [row.assignment for row in rows]
    counted = _counted(_BY_ASSIGNMENT, selection, keys, None)
    stored: dict[str, list[_Stored]] = {key: [] for key in keys}
    for one in _stored(selection, assignment__in=keys):
        stored[one.assignment].append(one)
    for row in rows:
        row.explain = _assignment(row, stored[row.assignment], counted.get(row.assignment, _Counted()))


def _assignment(row: AssignmentRow, stored: Sequence[_Stored], counted: _Counted) -> dict[str, Any]:
    details = learners_address(row.assignment)
    seen = [one.user_id for one in stored]
    done = [one.user_id for one in stored if one.last_outcome == OK]
    attempts, errors = _agreeing(row, counted, details, "learner", {
        one.user_id: (one.attempts, one.errors) for one in stored
    })  # fmt: skip
    return {
        "learners": explained("learners", {"learners": row.learners}, details=details),
        "learners_seen": explained("learners_seen", {"learners": latest(seen)}, details=details),
        "learners_done": explained("learners_done", {"learners": latest(done)}, details=details),
        "completion_rate": explained(
            "completion_rate", {"learners_done": row.learners_done, "learners": row.learners}, details=details
        ),
        "attempts": attempts,
        "errors": errors,
        "median_active_time": explained(
            "median_active_time",
            {"active_times": latest(sorted(one.active_seconds for one in stored))},
            details=details,
        ),
        "top_errors": explained("top_errors", {"errors": row.top_errors}, events=counted.failed, details=details),
        "last_seen_at": explained("last_seen_at", {"at": row.last_seen_at}, details=details),
    }


def _agreeing(
    row: AssignmentRow | LearnerRow, counted: _Counted, details: str, part: str, parts: Mapping[Any, tuple[int, int]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Attempts and errors, which are counted again from the activities."""
    told = []
    for place, name in enumerate(("attempts", "errors")):
        inputs = {f"by_{part}": latest({part: key, name: numbers[place]} for key, numbers in parts.items())}
        again, ids = (counted.errors, counted.failed) if place else (counted.attempts, counted.ids)
        one = explained(name, inputs, events=ids, details=details, agrees=getattr(row, name) == again)
        told.append({**one, "event_count": again})
    return told[0], told[1]


def explain_learners(selection: Selection, rows: Collection[LearnerRow]) -> None:
    """Have the rows bring their explanations; three queries."""
    ids = [row.learner.pk for row in rows]
    keys = None
    if selection.assets is not None:
        wanted = Assignment.objects.filter(academy=selection.academy, asset__in=selection.assets)
        keys = list(wanted.order_by().values_list("key", flat=True))
    counted = _counted(_BY_LEARNER, selection, ids, keys)
    stored: dict[int, list[_Stored]] = {user_id: [] for user_id in ids}
    for one in _stored(selection, user__in=ids, **({} if keys is None else {"assignment__in": keys})):
        stored[one.user_id].append(one)
    for row in rows:
        row.explain = _learner(row, stored[row.learner.pk], counted.get(row.learner.pk, _Counted()))


def _learner(row: LearnerRow, stored: Sequence[_Stored], counted: _Counted) -> dict[str, Any]:
    details = learner_address(row.learner.pk)
    attempts, errors = _agreeing(row, counted, details, "assignment", {
        one.assignment: (one.attempts, one.errors) for one in stored
    })  # fmt: skip
    quotients = {one.assignment: one.error_quotient for one in stored if one.error_quotient is not None}
    densities = {one.assignment: one.repeated_error_density for one in stored}
    times = {one.assignment: one.active_seconds for one in stored}
    mean = sum(quotients.values()) / len(quotients) if quotients else None
    return {
        "assignments": explained("assignments", {"assets": sorted(row.asset_ids)}, details=details),
        "done": explained(
            "done", {"done": latest(one.assignment for one in stored if one.last_outcome == OK)}, details=details
        ),
        "completion_rate": explained(
            "learner_completion_rate", {"done": row.done, "assignments": row.assignments}, details=details
        ),
        "attempts": attempts,
        "errors": errors,
        "active_time": explained(
            "active_time", {"by_assignment": _listed("active_time", times)}, details=details,
            agrees=same(row.active_time, sum(times.values())),
        ),
        "error_quotient": explained(
            "mean_error_quotient", {"by_assignment": _listed("error_quotient", quotients)}, details=details,
            agrees=same(row.error_quotient, mean),
        ),
        "repeated_error_density": explained(
            "total_repeated_error_density", {"by_assignment": _listed("repeated_error_density", densities)},
            details=details, agrees=same(row.repeated_error_density, sum(densities.values())),
        ),
        "open_signals": explained("open_signals", {"open_signals": row.open_signals}, details=_signals(row)),
        "last_seen_at": explained("last_seen_at", {"at": row.last_seen_at}, details=details),
    }  # fmt: skip


def _listed(name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return latest({"assignment": key, name: value} for key, value in values.items())


def _signals(row: LearnerRow) -> str:
    return f"/v1/signal/academy/signal?{urlencode({'learner': row.learner.pk, 'state': 'open,acknowledged'}, safe=',')}"


def explain_groups(rows: Collection[GroupRow]) -> None:
    """Have the rows bring their explanations; what they are made from they bring themselves."""
    for row in rows:
        about = {"asset": row.asset["slug"]} if row.asset else {}
        who = {"cohort": row.cohort["slug"]} if row.cohort else {}
        row.explain = _group(row, f"{BASE}/learner?{urlencode({**about, **who})}")


def _group(row: GroupRow, details: str) -> dict[str, Any]:
    def by_learner(name: str, place: int) -> Mapping[str, Any]:
        return {"by_learner": latest({"learner": key, name: one[place]} for key, one in row.by_learner.items())}

    inputs: dict[str, tuple[str, Mapping[str, Any]]] = {
        "assignments": ("assignments", {"assignments": row.assignments}),
        "learners": ("learners", {"learners": row.learners}),
        "learners_seen": ("learners_seen", {"learners": latest(row.by_learner)}),
        "learners_done": ("learners_done", by_learner("done", 0)),
        "done": ("done", by_learner("done", 0)),
        "completion_rate": (
            "group_completion_rate",
            {"done": row.done, "assignments": row.assignments, "learners": row.learners},
        ),
        "attempts": ("attempts", by_learner("attempts", 1)),
        "errors": ("errors", by_learner("errors", 2)),
        "median_active_time": (
            "median_active_time", {"active_times": latest(sorted(one[3] for one in row.by_learner.values()))},
        ),
        "last_seen_at": ("last_seen_at", {"at": row.last_seen_at}),
    }  # fmt: skip
    return {name: explained(definition, given, details=details) for name, (definition, given) in inputs.items()}
