"""Who is done with an assignment (signals.md, "Completion"): its last attempt succeeded.

Rates are 0 to 100, as every `completion_rate` of the contract. Their denominator is what has been published, and who is
in the class, not what and who was seen.
"""

from collections.abc import Collection, Iterable
from typing import Literal

from learntrace.metrics.attempts import OK

LearnerState = Literal["not_started", "working", "done", "struggling"]


def state_of(last_outcome: str | None, attempts: int, concerns: Collection[str], *, seen: bool = False) -> LearnerState:
    """How a learner stands on an assignment.

    `last_outcome` is that of the last attempt, `attempts` their number, `concerns` the kinds of open signals that tell
    of trouble, `seen` whether anything came from the learner on it, be it no attempt that counts. Done goes before any
    concern.
    """
    if last_outcome == OK:
        return "done"
    if concerns:
        return "struggling"
    return "working" if attempts or seen else "not_started"


def learner_rate(done: Collection[str], published: Collection[str]) -> float | None:
    """How much of the published assignments a learner has done; None where nothing is published."""
    return _rate(len(set(done).intersection(published)), len(set(published)))


def class_rate(done: Iterable[Collection[str]], learners: int, published: Collection[str]) -> float | None:
    """How much of the published assignments a class has done: `done` by each who has done any, of `learners` in all.

    None where nothing is published or nobody is in the class.
    """
    wanted = set(published)
    return _rate(sum(len(wanted.intersection(one)) for one in done), learners * len(wanted))


def assignment_rate(learners_done: int, learners: int) -> float | None:
    """How much of a class has done one assignment; None where nobody is in the class."""
    return _rate(learners_done, learners)


def _rate(done: int, of: int) -> float | None:
    return 100 * done / of if of else None
