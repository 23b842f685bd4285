"""A learner's measures on an assignment (signals.md, "Measures"), one activity after the other.

The state is plain JSON and has the size of one attempt's errors, so that it can be stored and gone on from: the work for
one more activity does not grow with what came before. What is summed for long is kept in whole numbers (microseconds,
scores), and the rest in one order, so that going on from a stored state gives the same to the last bit.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from learntrace.metrics import error_quotient, repeated_errors
from learntrace.metrics.attempts import ABORTED, Activity
from learntrace.metrics.timestamps import EPOCH

State = MutableMapping[str, Any]

# The longest gap between two events that counts as active, in seconds (signals.md), unless the academy says otherwise.
GAP_SECONDS = 300

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Measures:
    """What a learner's activities on an assignment amount to. Aborted attempts are in `aborted`, and their time in the
    times; they count for nothing else."""

    attempts: int
    errors: int
    """The attempts that failed."""
    aborted: int
    last_outcome: str | None
    """Of the last attempt: "ok" or "error"."""
    done_at: datetime | None
    """Since when every attempt has succeeded; None if the last one failed, or there was none."""
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    active_seconds: float
    error_quotient: float | None
    """0 to 1; None with fewer than two attempts."""
    repeated_error_density: float
    failed_since_success: int
    eq_pairs: int
    """The pairs of consecutive attempts that the Error Quotient is the average of."""


def begin() -> State:
    """The state before the first activity.

    `*_at` are microseconds since 1970 and `active` is microseconds; `runs` are [type, message, repeats] of the last
    attempt's errors (`repeated_errors.Runs`), `density` is the sum over the runs that have ended.
    """
    return {
        "attempts": 0, "errors": 0, "aborted": 0, "last_outcome": None, "done_at": None, "first_at": None,
        "last_at": None, "active": 0, "score": 0, "runs": [], "density": 0.0, "failed_since_success": 0,
    }  # fmt: skip


def step(state: State, activity: Activity, gap: float = GAP_SECONDS) -> None:
    """Take the learner's next activity on the assignment in; changes `state`.

    Activities come in the learner's order (`Activity.order`), each once. Of the time since the one before at most `gap`
    seconds count as active.
    """
    at = (activity.at - EPOCH) // _MICROSECOND
    if state["last_at"] is None:
        state["first_at"] = at
    else:
        state["active"] += min(at - state["last_at"], round(gap * 1_000_000))
    state["last_at"] = at
    if activity.is_attempt:
        _attempt(state, activity, at)
    elif activity.outcome == ABORTED:
        state["aborted"] += 1


def _attempt(state: State, activity: Activity, at: int) -> None:
    errors = [(failure.name, failure.message) for failure in activity.failures] if activity.failed else []
    before = _runs(state)
    if activity.failed:
        if state["failed_since_success"]:  # so the attempt before failed too
            state["score"] += error_quotient.pair_score({name for name, _ in before}, {name for name, _ in errors})
        state["errors"] += 1
        state["failed_since_success"] += 1
        state["done_at"] = None
    else:
        state["failed_since_success"] = 0
        if state["done_at"] is None:
            state["done_at"] = at
    runs = repeated_errors.continued(before, errors)
    state["density"] += repeated_errors.ended(before, runs)
    state["runs"] = [[name, message, repeats] for (name, message), repeats in runs.items()]
    state["attempts"] += 1
    state["last_outcome"] = activity.outcome


def _runs(state: State) -> dict[tuple[str, str], int]:
    return {(name, message): repeats for name, message, repeats in state["runs"]}


def measures(state: State) -> Measures:
    """What the activities so far amount to."""
    pairs = max(state["attempts"] - 1, 0)
    return Measures(
        attempts=state["attempts"],
        errors=state["errors"],
        aborted=state["aborted"],
        last_outcome=state["last_outcome"],
        done_at=_moment(state["done_at"]),
        first_seen_at=_moment(state["first_at"]),
        last_seen_at=_moment(state["last_at"]),
        active_seconds=state["active"] / 1_000_000,
        error_quotient=error_quotient.quotient(state["score"], pairs),
        repeated_error_density=state["density"] + repeated_errors.ended(_runs(state), {}),
        failed_since_success=state["failed_since_success"],
        eq_pairs=pairs,
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + microseconds * _MICROSECOND


def of(activities: Iterable[Activity], gap: float = GAP_SECONDS) -> Measures:
    """The measures of all of a learner's activities on one assignment, in whatever order they are given."""
    state = begin()
    for activity in sorted(activities, key=lambda one: one.order):
        step(state, activity, gap)
    return measures(state)
