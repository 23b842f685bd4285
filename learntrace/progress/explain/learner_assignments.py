"""Explain a learner's measures on an assignment, with enough of the events to repeat each number by hand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from learntrace.accounts.models import Academy
from learntrace.measures import error_quotient, learner_measures, repeated_error_density
from learntrace.measures.activity import ABORTED, ASKED, Activity
from learntrace.measures.learner_measures import Measures
from learntrace.measures.learner_state import Evidence, learner_state
from learntrace.progress import checks
from learntrace.progress.explain.explanation import attempts_url, explained, latest, same
from learntrace.progress.recording import activity_store
from learntrace.progress.recording.active_gap import gaps_of
from learntrace.progress.recording.activity_store import AssignmentKey
from learntrace.progress.reports.learner_assignments import LearnerAssignmentRow


class _Part(NamedTuple):
    """One number's inputs and events, and whether computing it again gave the same."""

    inputs: Mapping[str, Any]
    events: Sequence[str]
    agrees: bool


def explain_learner_assignments(academy: Academy, rows: Collection[LearnerAssignmentRow]) -> None:
    """Add an explanation to each row; runs four queries."""
    keys = [AssignmentKey(row.learner.pk, academy.pk, row.assignment) for row in rows]
    parts = checks.parts_of(keys)
    activities = activity_store.by_key(activity_store.of_keys(keys))
    gap = gaps_of([academy.pk])[academy.pk]
    for row, key in zip(rows, keys, strict=True):
        part = parts.get((academy.pk, row.assignment))
        row.explain = explanation(row, activities.get(key, []), row.gap_seconds or gap, part)


def explanation(
    row: LearnerAssignmentRow, activities: Sequence[Activity], gap: float, checked_part: str | None = None
) -> dict[str, Any]:
    """Return the explanation of each number, from the learner's activities on the assignment in their order."""
    details = attempts_url(row.assignment, row.learner.pk)
    return {
        name: explained(name, part.inputs, events=part.events, details=details, agrees=part.agrees)
        for name, part in _Evidence(row, activities, gap, checked_part).parts().items()
    }


@dataclass(frozen=True)
class _Evidence:
    """A row and the activities that its numbers are computed from once more."""

    row: LearnerAssignmentRow
    activities: Sequence[Activity]
    gap: float
    checked_part: str | None

    @cached_property
    def computed(self) -> Measures:
        return learner_measures.of(self.activities, self.gap, self.checked_part)

    @cached_property
    def attempts(self) -> list[Activity]:
        return [activity for activity in self.activities if activity.is_attempt]

    @cached_property
    def failed(self) -> list[Activity]:
        return [attempt for attempt in self.attempts if attempt.failed]

    def parts(self) -> dict[str, _Part]:
        return {
            "state": self._state(),
            "done_at": self._done_at(),
            "checks": self._checks(),
            "questions": self._questions(),
            "attempts": self._attempts(),
            "errors": self._errors(),
            "active_time": self._active_time(),
            "error_quotient": self._error_quotient(),
            "repeated_error_density": self._repeated_error_density(),
            "last_outcome": self._last_outcome(),
            "last_seen_at": self._last_seen_at(),
        }

    def _state(self) -> _Part:
        """The evidence of being done is computed again; signals are what the others follow from."""
        stored, again = self.row.standing, self.computed
        standing = stored
        if stored.state == "done" or again.done_at is not None:
            standing = learner_state(
                Evidence(again.first_seen_at, again.done_at, again.done_because, again.done_by, again.failed_again_at)
            )
        inputs = {
            "first_seen_at": again.first_seen_at,
            "done_at": again.done_at,
            "done_because": again.done_because,
            "done_by": again.done_by,
            "failed_again_at": again.failed_again_at,
            "checked_part": self.checked_part,
            "concerns": self.row.concerns,
        }
        return _Part(inputs, self._done_ids() or _ids(self.activities[:1]), standing == stored)

    def _done_ids(self) -> list[str]:
        return [self.computed.done_id] if self.computed.done_id else []

    def _done_at(self) -> _Part:
        inputs = {"done_because": self.computed.done_because, "done_by": self.computed.done_by}
        return _Part(inputs, self._done_ids(), self.row.done_at == self.computed.done_at)

    def _checks(self) -> _Part:
        ids = [activity.id for activity in self.activities if activity.is_check]
        inputs = {"checks": self.computed.checks, "failed": self.computed.failed_checks}
        return _Part(inputs, ids, self.row.checks == self.computed.checks)

    def _questions(self) -> _Part:
        ids = [activity.id for activity in self.activities if activity.verb == ASKED]
        before = [{"attempt": attempt, "questions": number} for attempt, number in self.computed.asked_before]
        return _Part({"before": before}, ids, self.row.questions == self.computed.questions)

    def _attempts(self) -> _Part:
        aborted = sum(activity.outcome == ABORTED for activity in self.activities)
        inputs = {"attempts": len(self.attempts), "aborted": aborted}
        return _Part(inputs, _ids(self.attempts), self.row.attempts == self.computed.attempts)

    def _errors(self) -> _Part:
        inputs = {"attempts": len(self.attempts), "failed": len(self.failed)}
        return _Part(inputs, _ids(self.failed), self.row.errors == self.computed.errors)

    def _active_time(self) -> _Part:
        inputs = {"longest_gap": self.gap, "gaps": _gaps(self.activities, self.gap)}
        return _Part(inputs, _ids(self.activities), same(self.row.active_time, self.computed.active_seconds))

    def _error_quotient(self) -> _Part:
        agrees = same(self.row.error_quotient, self.computed.error_quotient)
        return _Part(_pairs(self.attempts), _ids(self.attempts), agrees)

    def _repeated_error_density(self) -> _Part:
        agrees = same(self.row.repeated_error_density, self.computed.repeated_error_density)
        return _Part({"runs": latest(_runs(self.attempts))}, _ids(self.failed), agrees)

    def _last_outcome(self) -> _Part:
        outcome = self.computed.last_outcome
        return _Part({"last_outcome": outcome}, _ids(self.attempts[-1:]), self.row.last_outcome == outcome)

    def _last_seen_at(self) -> _Part:
        seen_at = self.computed.last_seen_at
        return _Part({"at": seen_at}, _ids(self.activities[-1:]), self.row.last_seen_at == seen_at)


def _ids(activities: Sequence[Activity]) -> list[str]:
    return [activity.id for activity in activities]


def _gaps(activities: Sequence[Activity], gap: float) -> list[dict[str, Any]]:
    gaps = []
    for before, after in pairwise(activities):
        seconds = (after.at - before.at).total_seconds()
        gaps.append({"from": before.id, "to": after.id, "seconds": seconds, "counted": min(seconds, gap)})
    return latest(gaps)


def _pairs(attempts: Sequence[Activity]) -> dict[str, Any]:
    pairs = []
    for before, after in pairwise(attempts):
        both = before.failed and after.failed
        score = error_quotient.pair_score(_types(before), _types(after)) if both else 0
        pairs.append({"first": before.id, "second": after.id, "score": score})
    return {
        "pairs": len(pairs),
        "score": sum(pair["score"] for pair in pairs),
        "full_score": error_quotient.FULL_SCORE,
        "scored": latest(pairs),
    }


def _types(attempt: Activity) -> set[str]:
    return {failure.name for failure in attempt.failures}


def _runs(attempts: Sequence[Activity]) -> list[dict[str, Any]]:
    """Return the runs of the same error with at least one repeat, in the order in which they ended."""
    ended = []
    before: dict[tuple[str, str], int] = {}
    for errors in [*map(_errors, attempts), []]:
        runs = repeated_error_density.continued(before, errors)
        for (name, message), repeats in before.items():
            if repeats and (name, message) not in runs:
                density = repeated_error_density.run_density(repeats)
                ended.append({"name": name, "message": message, "repeats": repeats, "density": density})
        before = runs
    return ended


def _errors(attempt: Activity) -> list[tuple[str, str]]:
    return [(failure.name, failure.message) for failure in attempt.failures] if attempt.failed else []
