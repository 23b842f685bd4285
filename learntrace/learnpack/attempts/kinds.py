"""The kinds of entries that a LearnPack document has, which activities they become, and which of them are attempts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from learntrace.learnpack.attempts.run_identity import TOLD_COMPLETION as TOLD
from learntrace.learnpack.events import AI_INTERACTION, COMPILE, QUIZ_SUBMISSION, TEST
from learntrace.measures.activity import ASKED, COMPLETED, ERROR, EXECUTED, OK, QUIZ
from learntrace.measures.activity import COMPILE as COMPILED
from learntrace.measures.activity import TEST as TESTED

# Verbs that no detector reads: they say that the learner was there. "closed" would end a session.
# A step's completion is evidence that it is done; a quiz that was answered right or wrong is an attempt.
OPENED, ANSWERED = "opened", "answered"

Run = Mapping[str, Any]
"""An element of a step's list: a compilation, a test, a question or an answer."""


@dataclass(frozen=True)
class Kind:
    """A kind of entry: its key in a step, the streaming event that sends one, and the activity that it becomes.

    `rank` orders entries of one moment. `part` is what of the step was executed.
    """

    key: str
    event: str
    rank: int
    verb: str
    part: str | None = None


# Lists of a step.
KINDS: Final = (
    Kind("compilations", COMPILE, 1, EXECUTED, COMPILED),
    Kind("tests", TEST, 2, EXECUTED, TESTED),
    Kind("ai_interactions", AI_INTERACTION, 3, ASKED),
    Kind("quiz_submissions", QUIZ_SUBMISSION, 4, ANSWERED, QUIZ),
)
# Times of the step itself, one each.
OPENING, COMPLETION = Kind("opened_at", "opened", 0, OPENED), Kind("completed_at", "completed", 5, COMPLETED)
# A completion of which the client tells no time: one a step, at the time by which it is known.
TOLD_COMPLETION = Kind(TOLD, TOLD, 5, COMPLETED)
BY_EVENT: Mapping[str, Kind] = {kind.event: kind for kind in KINDS}


def _outcome(run: Run) -> str | None:
    """Return OK or ERROR, None where there is no exit code."""
    for name in ("exit_code", "exitCode"):
        if name in run:
            return OK if run[name] == 0 else ERROR
    return None


def _answer(run: Run) -> str | None:
    """Return the outcome of a quiz submission: OK for SUCCESS, ERROR for ERROR, None for another status."""
    status = run.get("status")
    return {"SUCCESS": OK, "ERROR": ERROR}.get(status.strip().upper()) if isinstance(status, str) else None


OUTCOME_OF: Final = {EXECUTED: _outcome, ANSWERED: _answer}
