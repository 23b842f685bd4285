"""Explain the numbers of a class, a learner or a cohort from those of each learner or assignment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.people.naming import BY_ID
from learntrace.core.sql import fetch
from learntrace.progress.catalogue import shown_keys
from learntrace.progress.counting import counts
from learntrace.progress.explain.explanation import (
    BASE,
    MOST,
    explained,
    latest,
    learner_url,
    learners_url,
    same,
)
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.reports.assets_and_cohorts import GroupRow
from learntrace.progress.reports.assignments import AssignmentRow
from learntrace.progress.reports.errors import ErrorRow
from learntrace.progress.reports.learners import LearnerRow
from learntrace.progress.reports.selection import Selection

# Counts from the activities themselves, to check the stored numbers against, with the latest ids.
_COUNT = """
SELECT {by}, count(*), count(*) FILTER (WHERE outcome = 'error'),
       (array_agg(id::text ORDER BY at DESC, arrival DESC))[:%(most)s],
       (array_agg(id::text ORDER BY at DESC, arrival DESC) FILTER (WHERE outcome = 'error'))[:%(most)s]
  FROM progress_activity a
 WHERE academy_id = %(academy)s AND outcome IN ('ok', 'error') AND part IS DISTINCT FROM 'check'
   AND {by} = ANY(%(wanted)s) AND assignment IS NOT NULL AND {counts}
   AND (%(learners)s::bigint[] IS NULL OR user_id = ANY(%(learners)s))
   AND (%(keys)s::text[] IS NULL OR assignment = ANY(%(keys)s))
 GROUP BY {by}
"""
_BY_ASSIGNMENT = _COUNT.format(by="assignment", counts=counts("a"))
_BY_LEARNER = _COUNT.format(by="user_id", counts=counts("a"))


@dataclass(frozen=True)
class _Counted:
    """Attempts and failures counted from the activities, and the latest ids, oldest first."""

    attempts: int = 0
    errors: int = 0
    ids: Sequence[str] = ()
    failed: Sequence[str] = ()


def _counted(statement: str, selection: Selection, wanted: list[Any], keys: list[str] | None) -> dict[Any, _Counted]:
    parameters = {**selection.parameters(), "wanted": wanted, "keys": keys, "most": MOST}
    return {
        key: _Counted(attempts, errors, (ids or [])[::-1], (failed or [])[::-1])
        for key, attempts, errors, ids, failed in fetch(statement, parameters)
    }


class _Stored(NamedTuple):
    """A learner's stored measures on an assignment."""

    user_id: int
    assignment: str
    attempts: int
    errors: int
    done_at: datetime | None
    active_seconds: float
    error_quotient: float | None
    repeated_error_density: float


def _stored(selection: Selection, **conditions: Any) -> list[_Stored]:
    rows = Progress.objects.filter(seen(selection.academy), academy=selection.academy, **conditions)
    if selection.learners is not None:
        rows = rows.filter(user__in=selection.learners)
    return [_Stored(*row) for row in rows.order_by("user_id", "assignment").values_list(*_Stored._fields)]


def explain_assignments(selection: Selection, rows: Collection[AssignmentRow]) -> None:
    """Add an explanation to each row; runs two queries."""
    keys = [row.assignment for row in rows]
    counted = _counted(_BY_ASSIGNMENT, selection, keys, None)
    stored: dict[str, list[_Stored]] = {key: [] for key in keys}
    for measures in _stored(selection, assignment__in=keys):
        stored[measures.assignment].append(measures)
    for row in rows:
        row.explain = _assignment(row, stored[row.assignment], counted.get(row.assignment, _Counted()))


def _assignment(row: AssignmentRow, stored: Sequence[_Stored], counted: _Counted) -> dict[str, Any]:
    details = learners_url(row.assignment)
    by_learner = {measures.user_id: measures for measures in stored}
    done = [user_id for user_id, measures in by_learner.items() if measures.done_at is not None]
    active_times = sorted(measures.active_seconds for measures in stored)
    return {
        "learners": explained("learners", {"learners": row.learners}, details=details),
        "learners_seen": explained("learners_seen", {"learners": latest(by_learner)}, details=details),
        "learners_done": explained("learners_done", {"learners": latest(done)}, details=details),
        "completion_rate": explained(
            "completion_rate", {"learners_done": row.learners_done, "learners": row.learners}, details=details
        ),
        **_attempts_and_errors(row, counted, details, "learner", by_learner),
        "median_active_time": explained("median_active_time", {"active_times": latest(active_times)}, details=details),
        "top_errors": explained(
            "top_errors", {"errors": [_met(error) for error in row.top_errors]}, events=counted.failed, details=details
        ),
        "last_seen_at": explained("last_seen_at", {"at": row.last_seen_at}, details=details),
    }


def _met(error: ErrorRow) -> dict[str, Any]:
    return {"error": error.text, "learners": error.learners, "times": error.times}


def _attempts_and_errors(
    row: AssignmentRow | LearnerRow, counted: _Counted, details: str, part: str, stored: Mapping[Any, _Stored]
) -> dict[str, dict[str, Any]]:
    """Explain attempts and errors, which were counted again from the activities.

    `part` names what the numbers are the sum over ("learner"); the keys of `stored` are their values.
    """

    def number(name: str, count: int, ids: Sequence[str]) -> dict[str, Any]:
        parts = ({part: key, name: getattr(measures, name)} for key, measures in stored.items())
        inputs = {f"by_{part}": latest(parts)}
        agrees = getattr(row, name) == count
        return {**explained(name, inputs, events=ids, details=details, agrees=agrees), "event_count": count}

    return {
        "attempts": number("attempts", counted.attempts, counted.ids),
        "errors": number("errors", counted.errors, counted.failed),
    }


def explain_learners(selection: Selection, rows: Collection[LearnerRow], *, of_class: bool = False) -> None:
    """Add an explanation to each row; runs four queries at most.

    `of_class`: the answer is about a class, so steps that are not published are numbered instead of named.
    """
    ids = [row.learner.pk for row in rows]
    keys = None
    if selection.assets is not None:
        assignments = Assignment.objects.filter(academy=selection.academy, asset__in=selection.assets)
        keys = list(assignments.order_by().values_list("key", flat=True))
    counted = _counted(_BY_LEARNER, selection, ids, keys)
    stored: dict[int, list[_Stored]] = {user_id: [] for user_id in ids}
    for measures in _stored(selection, user__in=ids, **({} if keys is None else {"assignment__in": keys})):
        stored[measures.user_id].append(measures)
    if of_class:
        shown = shown_keys(selection.academy.pk, {row.assignment for own in stored.values() for row in own})
        stored = {user_id: _numbered(own, shown) for user_id, own in stored.items()}
    for row in rows:
        row.explain = _learner(row, stored[row.learner.pk], counted.get(row.learner.pk, _Counted()))


def _numbered(stored: Sequence[_Stored], shown: Collection[str]) -> list[_Stored]:
    """Return a learner's measures with the steps that are not shown as `asset/?1`, `asset/?2`, ..."""
    return [
        measures
        if measures.assignment in shown
        else measures._replace(assignment=f"{measures.assignment.partition('/')[0]}/?{number}")
        for number, measures in enumerate(stored, 1)
    ]


def _learner(row: LearnerRow, stored: Sequence[_Stored], counted: _Counted) -> dict[str, Any]:
    details = learner_url(row.learner.pk)
    by_key = {measures.assignment: measures for measures in stored}
    done = [key for key, measures in by_key.items() if measures.done_at is not None]
    return {
        "assignments": explained("assignments", {"assets": sorted(row.asset_ids)}, details=details),
        "done": explained("done", {"done": latest(done)}, details=details),
        "completion_rate": explained(
            "learner_completion_rate", {"done": row.done, "assignments": row.assignments}, details=details
        ),
        **_attempts_and_errors(row, counted, details, "assignment", by_key),
        **_combined(row, by_key, details),
        "open_signals": explained("open_signals", {"open_signals": row.open_signals}, details=_signals_url(row)),
        "last_seen_at": explained("last_seen_at", {"at": row.last_seen_at}, details=details),
    }


def _combined(row: LearnerRow, stored: Mapping[str, _Stored], details: str) -> dict[str, dict[str, Any]]:
    """Explain the sums and the mean of a learner's measures over assignments."""
    times = {key: measures.active_seconds for key, measures in stored.items()}
    quotients = {
        key: measures.error_quotient for key, measures in stored.items() if measures.error_quotient is not None
    }
    densities = {key: measures.repeated_error_density for key, measures in stored.items()}
    mean = sum(quotients.values()) / len(quotients) if quotients else None
    return {
        "active_time": explained(
            "active_time",
            {"by_assignment": _by_assignment("active_time", times)},
            details=details,
            agrees=same(row.active_time, sum(times.values())),
        ),
        "error_quotient": explained(
            "mean_error_quotient",
            {"by_assignment": _by_assignment("error_quotient", quotients)},
            details=details,
            agrees=same(row.error_quotient, mean),
        ),
        "repeated_error_density": explained(
            "total_repeated_error_density",
            {"by_assignment": _by_assignment("repeated_error_density", densities)},
            details=details,
            agrees=same(row.repeated_error_density, sum(densities.values())),
        ),
    }


def _by_assignment(name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return latest({"assignment": key, name: value} for key, value in values.items())


def _signals_url(row: LearnerRow) -> str:
    query = {"learner": f"{BY_ID}{row.learner.pk}", "state": "open,acknowledged"}
    return f"/v1/signal/academy/signal?{urlencode(query, safe=',:')}"


def explain_groups(rows: Collection[GroupRow]) -> None:
    """Add an explanation to each row, from the numbers that it already holds."""
    for row in rows:
        asset = {"asset": row.asset["slug"]} if row.asset else {}
        cohort = {"cohort": row.cohort["slug"]} if row.cohort else {}
        row.explain = _group(row, f"{BASE}/learner?{urlencode({**asset, **cohort})}")


def _group(row: GroupRow, details: str) -> dict[str, Any]:
    def by_learner(name: str) -> Mapping[str, Any]:
        parts = ({"learner": user_id, name: getattr(sums, name)} for user_id, sums in row.by_learner.items())
        return {"by_learner": latest(parts)}

    active_times = sorted(sums.active_time for sums in row.by_learner.values())
    inputs: dict[str, Mapping[str, Any]] = {
        "assignments": {"assignments": row.assignments},
        "learners": {"learners": row.learners},
        "learners_seen": {"learners": latest(row.by_learner)},
        "learners_done": by_learner("done"),
        "done": by_learner("done"),
        "completion_rate": {"done": row.done, "assignments": row.assignments, "learners": row.learners},
        "attempts": by_learner("attempts"),
        "errors": by_learner("errors"),
        "median_active_time": {"active_times": latest(active_times)},
        "last_seen_at": {"at": row.last_seen_at},
    }
    definitions = {name: name for name in inputs} | {"completion_rate": "group_completion_rate"}
    return {name: explained(definitions[name], given, details=details) for name, given in inputs.items()}
