"""A learner's measures on an assignment (docs/explanation/signals.md, "Measures"), computed one activity at a time.

The state is plain JSON of the size of one attempt's errors. It can be stored and continued: the work for one more activity
does not grow with the history. Long sums are kept in whole numbers (microseconds, scores) and the rest is added in one
order, so that continuing from a stored state gives the same to the last bit.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from learntrace.measures import error_quotient, repeated_error_density
from learntrace.measures.activity import ABORTED, ASKED, CHECK, ERROR, OK, TEST, Activity
from learntrace.measures.learner_state import BY_RUN, CHECKED, RAN, checked_by
from learntrace.measures.timestamps import EPOCH

State = MutableMapping[str, Any]

# The longest gap between two events that counts as active, in seconds; an academy can set its own.
GAP_SECONDS = 300
# Of the attempts before which the assistant was asked, the latest that are kept.
MOST_ASKED = 100
# The form of a state: one of another form is made again from the activities.
VERSION = 2

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DoneBy:
    """An activity that is evidence of being done: its place in the learner's order, what it is, and its id."""

    at: datetime
    arrival: int
    by: str
    id: str

    @property
    def order(self) -> tuple[datetime, int]:
        """Its place in the learner's order."""
        return self.at, self.arrival


@dataclass(frozen=True, slots=True)
class Measures:
    """A learner's measures on an assignment. Aborted attempts count in `aborted` and in the times, and nowhere else.

    Runs of check cells count in `checks` and `failed_checks`, and are evidence of being done; all else is of the work.
    """

    attempts: int
    errors: int
    """The number of attempts that failed."""
    aborted: int
    checks: int
    failed_checks: int
    last_outcome: str | None
    """The outcome of the last attempt, "ok" or "error"."""
    done_at: datetime | None
    """When it was done first; None if it never was. What comes later doesn't change it."""
    done_because: str | None
    """CHECKED, or else RAN."""
    done_by: str | None
    """What has checked it first (`learner_state.DONE_BY`), or that it ran."""
    done_id: str | None
    """The activity by which it was done first."""
    failed_again_at: datetime | None
    """When the last attempt or check failed, of an assignment that was done before."""
    checked: DoneBy | None
    """The first checked evidence."""
    questions: int
    """How often the learner asked the assistant."""
    asked_before: tuple[tuple[int, int], ...]
    """Before which attempt (1 is the first) how many of the questions were asked; the latest MOST_ASKED."""
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    active_seconds: float
    error_quotient: float | None
    """0 to 1; None with fewer than two attempts."""
    repeated_error_density: float
    failed_since_success: int
    eq_pairs: int
    """The number of pairs of consecutive attempts over which the Error Quotient is the mean."""


def begin() -> State:
    """Return the state before the first activity.

    `*_at` are microseconds since 1970 and `active` is microseconds. `runs` holds [type, message, repeats] of the last
    attempt's errors (`repeated_error_density.Runs`), `density` is the sum over the runs that have ended. `checked` and
    `ran` are the first evidence of each kind, [at, arrival, by, id]; `asked` has [attempt, questions before it].
    """
    return {
        "version": VERSION,
        "attempts": 0,
        "errors": 0,
        "aborted": 0,
        "checks": 0,
        "failed_checks": 0,
        "last_outcome": None,
        "checked": None,
        "ran": None,
        "last_failed_at": None,
        "questions": 0,
        "asked": [],
        "first_at": None,
        "last_at": None,
        "active": 0,
        "score": 0,
        "runs": [],
        "density": 0.0,
        "failed_since_success": 0,
    }


def step(state: State, activity: Activity, gap: float = GAP_SECONDS) -> None:
    """Change `state` by the learner's next activity on the assignment.

    Activities come in the learner's order (`Activity.order`), each once. At most `gap` seconds of the time since the one
    before count as active.
    """
    at = (activity.at - EPOCH) // _MICROSECOND
    if state["last_at"] is None:
        state["first_at"] = at
    else:
        state["active"] += min(at - state["last_at"], round(gap * 1_000_000))
    state["last_at"] = at
    if activity.is_attempt:
        _step_attempt(state, activity)
    elif activity.is_check:
        state["checks"] += 1
        state["failed_checks"] += activity.outcome == ERROR
    elif activity.outcome == ABORTED:
        state["aborted"] += 1
    elif activity.verb == ASKED:
        _step_question(state)
    _step_evidence(state, activity, at)


def _step_attempt(state: State, activity: Activity) -> None:
    errors = [(failure.name, failure.message) for failure in activity.failures] if activity.failed else []
    before = _runs(state)
    if activity.failed:
        if state["failed_since_success"]:  # the attempt before failed too
            state["score"] += error_quotient.pair_score({name for name, _ in before}, {name for name, _ in errors})
        state["errors"] += 1
        state["failed_since_success"] += 1
    else:
        state["failed_since_success"] = 0
    runs = repeated_error_density.continued(before, errors)
    state["density"] += repeated_error_density.ended(before, runs)
    state["runs"] = [[name, message, repeats] for (name, message), repeats in runs.items()]
    state["attempts"] += 1
    state["last_outcome"] = activity.outcome


def _step_question(state: State) -> None:
    state["questions"] += 1
    attempt = state["attempts"] + 1
    if state["asked"] and state["asked"][-1][0] == attempt:
        state["asked"][-1][1] += 1
    else:
        state["asked"] = [*state["asked"], [attempt, 1]][-MOST_ASKED:]


def _step_evidence(state: State, activity: Activity, at: int) -> None:
    """Keep the first evidence of each kind, and whether the last attempt or check failed since."""
    by = checked_by(activity)
    if by is not None and state["checked"] is None:
        state["checked"] = [at, activity.arrival, by, activity.id]
    elif by is None and activity.is_attempt and activity.outcome == OK and state["ran"] is None:
        state["ran"] = [at, activity.arrival, BY_RUN, activity.id]
    if by is not None or (activity.is_attempt and not activity.failed):
        state["last_failed_at"] = None
    elif activity.failed or activity.is_check:
        state["last_failed_at"] = at


def _runs(state: State) -> dict[tuple[str, str], int]:
    return {(name, message): repeats for name, message, repeats in state["runs"]}


def measures(state: State, checked_part: str | None = None) -> Measures:
    """Return the measures of the activities so far.

    `checked_part` says that the assignment has a check cell (CHECK) or a test (TEST): then a run alone doesn't make it done.
    """
    pairs = max(state["attempts"] - 1, 0)
    checked = evidence_of(state["checked"])
    ran = None if checked_part in (CHECK, TEST) else evidence_of(state["ran"])
    known = [evidence for evidence in (checked, ran) if evidence is not None]
    first = min(known, key=lambda evidence: evidence.order, default=None)
    told = checked or ran
    return Measures(
        attempts=state["attempts"],
        errors=state["errors"],
        aborted=state["aborted"],
        checks=state["checks"],
        failed_checks=state["failed_checks"],
        last_outcome=state["last_outcome"],
        done_at=first.at if first else None,
        done_because=(CHECKED if checked else RAN) if told else None,
        done_by=told.by if told else None,
        done_id=first.id if first else None,
        failed_again_at=_moment(state["last_failed_at"]) if first else None,
        checked=checked,
        questions=state["questions"],
        asked_before=tuple((attempt, questions) for attempt, questions in state["asked"]),
        first_seen_at=_moment(state["first_at"]),
        last_seen_at=_moment(state["last_at"]),
        active_seconds=state["active"] / 1_000_000,
        error_quotient=error_quotient.quotient(state["score"], pairs),
        repeated_error_density=state["density"] + repeated_error_density.ended(_runs(state), {}),
        failed_since_success=state["failed_since_success"],
        eq_pairs=pairs,
    )


def evidence_of(stored: list[Any] | None) -> DoneBy | None:
    """Return the evidence that a state holds as a list."""
    return None if stored is None else DoneBy(EPOCH + stored[0] * _MICROSECOND, *stored[1:])


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + microseconds * _MICROSECOND


def of(activities: Iterable[Activity], gap: float = GAP_SECONDS, checked_part: str | None = None) -> Measures:
    """Return the measures of all of a learner's activities on one assignment, given in any order."""
    state = begin()
    for activity in sorted(activities, key=lambda activity: activity.order):
        step(state, activity, gap)
    return measures(state, checked_part)
