"""The walk: from facts to checks in their order, and to the one verdict. Pure: it asks nothing and nobody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from learntrace.diagnosis.checks import door, inbox, learner, notebook, record
from learntrace.diagnosis.facts import Facts
from learntrace.diagnosis.findings import NOT_ASKED, Check, Ending, when
from learntrace.diagnosis.verdicts import ALL_WELL, VERDICTS

Look = Callable[[Facts], Check]

# What both sources share stands first and last. Between, the way of what was sent: through the front door, into the
# inbox, to the worker. The first check that explains why something is missing ends the walk.
_FIRST: Mapping[str, Look] = {
    "learner": learner.learner,
    "account": learner.account,
    "asset": learner.asset,
}
_LAST: Mapping[str, Look] = {
    "record": record.record,
    "scores": record.scores,
    "statistics": record.statistics,
}
LEARNPACK: Mapping[str, Look] = {
    **_FIRST,
    "task": learner.task,
    "published": notebook.published,
    "arrived": inbox.arrived,
    "refused": door.refused,
    "sender": door.sender,
    "names": inbox.names,
    "ignored": inbox.ignored,
    "waiting": inbox.waiting,
    "processed": inbox.processed,
    "applied": inbox.applied,
    **_LAST,
}
NOTEBOOK: Mapping[str, Look] = {
    **_FIRST,
    "task": learner.task_of_notebook,
    "published": notebook.published,
    "consent": notebook.consent,
    "refused": door.refused,
    "sender": door.sender,
    "rejected": notebook.rejected,
    "front_end": notebook.front_end,
    "arrived": notebook.arrived,
    "tags": notebook.tags,
    "waiting": notebook.waiting,
    **_LAST,
}


@dataclass(frozen=True)
class Diagnosis:
    """The answer: the verdict with what fills its sentences, and every check by its name."""

    verdict: str
    reason: str
    values: Mapping[str, Any]
    checks: Mapping[str, Check]

    @property
    def explanation(self) -> str:
        """What is the matter, in the active language."""
        return str(VERDICTS[self.verdict].explanation) % self.values

    @property
    def next_action(self) -> str:
        """The next thing to do, in the active language."""
        return str(VERDICTS[self.verdict].next_action) % self.values


def walk(facts: Facts) -> Diagnosis:
    """Look at one thing after the other until one explains why something is missing."""
    ending: Ending | None = None
    checks: dict[str, Check] = {}
    for name, look in (LEARNPACK if facts.book is None else NOTEBOOK).items():
        checks[name] = check = NOT_ASKED if ending else look(facts)
        ending = ending or check.ending
    if ending is None:
        updated_at = facts.record.updated_at if facts.record else None
        ending = Ending(ALL_WELL, {"last": when(updated_at)})
    everywhere = {"learner": facts.learner, "asset": facts.asset, "academy": facts.academy}
    return Diagnosis(ending.verdict, ending.reason, {**everywhere, **ending.values}, checks)
