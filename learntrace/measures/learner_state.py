"""The state of a learner on an assignment: one function, which everything that shows or tells a state calls.

What counts as evidence of being done is told here too (docs/explanation/signals.md, "The state of a learner on an assignment").
"""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from learntrace.measures.activity import CHECK, COMPLETED, OK, QUIZ, TEST, Activity

LearnerState = Literal["not_started", "working", "struggling", "stuck", "done"]
STATES: Final[tuple[LearnerState, ...]] = ("stuck", "struggling", "working", "not_started", "done")
"""All states, in the order in which a teacher looks at learners."""

CHECKED, RAN = "checked", "ran"
"""Why a learner is done: something has checked the work, or it ran without an error."""

# What has checked the work, or that a run is all there is.
BY_CLIENT, BY_TEST, BY_QUIZ, BY_CHECK, BY_RUN = "client", "test", "quiz", "check", "run"
DONE_BY: Final = (BY_CLIENT, BY_TEST, BY_QUIZ, BY_CHECK, BY_RUN)

_CHECKING_PARTS: Final = {TEST: BY_TEST, QUIZ: BY_QUIZ, CHECK: BY_CHECK}


def checked_by(activity: Activity) -> str | None:
    """Return what has checked the work in this activity (one of DONE_BY); None if it is no checked evidence.

    The client says that the step is completed, a test exits 0, a quiz was answered right, or a check cell passed.
    """
    if activity.assignment is None:
        return None
    if activity.verb == COMPLETED:
        return BY_CLIENT
    return _CHECKING_PARTS.get(activity.part or "") if activity.outcome == OK else None


class Evidence(NamedTuple):
    """What the state of a learner on an assignment follows from; times by the learner's clock, None where there is none.

    `seen_at` is the first activity of any kind. `done_at`, `done_because` and `done_by` are those of the measures
    (`learner_measures.Measures`), `failed_again_at` is when the last attempt failed although the assignment was done
    before. `stuck_since` is since when a signal of the kind "stuck" stands, `trouble_since` since when any signal of trouble
    does: acknowledged ones stand as well. A tuple, as a class may have 18,000 of them.
    """

    seen_at: datetime | None = None
    done_at: datetime | None = None
    done_because: str | None = None
    done_by: str | None = None
    failed_again_at: datetime | None = None
    stuck_since: datetime | None = None
    trouble_since: datetime | None = None


class Standing(NamedTuple):
    """How a learner stands on an assignment: the state, since when, and its evidence.

    `done_because` is "checked" or "ran", `done_by` one of DONE_BY; both None, like `done_at`, unless the state is "done".
    `trying_again` says that the last attempt failed since: shown as "done, trying again".
    """

    state: LearnerState = "not_started"
    since: datetime | None = None
    done_because: str | None = None
    done_by: str | None = None
    done_at: datetime | None = None
    trying_again: bool = False


NOT_STARTED: Final = Standing()


def learner_state(evidence: Evidence) -> Standing:
    """Return how a learner stands on an assignment.

    Done is kept, whatever comes after it; then a signal "stuck", then any other signal of trouble, then having been seen.
    """
    if evidence.done_at is not None:
        return Standing(
            "done",
            evidence.done_at,
            evidence.done_because,
            evidence.done_by,
            evidence.done_at,
            trying_again=evidence.failed_again_at is not None,
        )
    if evidence.stuck_since is not None:
        return Standing("stuck", evidence.stuck_since)
    if evidence.trouble_since is not None:
        return Standing("struggling", evidence.trouble_since)
    if evidence.seen_at is not None:
        return Standing("working", evidence.seen_at)
    return NOT_STARTED
