"""The walk: from facts through the checks, in their order, to one verdict. A pure function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from learntrace.diagnosis.checks import front_door, inbox, learner, notebook, record
from learntrace.diagnosis.facts import Facts
from learntrace.diagnosis.findings import NOT_ASKED, Check, Ending, time_text
from learntrace.diagnosis.verdicts import ALL_WELL, VERDICTS

CheckFunction = Callable[[Facts], Check]

# Both sources share the first and the last checks. The checks between follow the data: through the front door, into the
# inbox, to the worker. The first check that explains why telemetry is missing ends the walk.
_FIRST: Mapping[str, CheckFunction] = {
    "learner": learner.learner,
    "account": learner.account,
    "asset": learner.asset,
}
_LAST: Mapping[str, CheckFunction] = {
    "record": record.record,
    "scores": record.scores,
    "statistics": record.statistics,
}
LEARNPACK: Mapping[str, CheckFunction] = {
    **_FIRST,
    "task": learner.task,
    "published": notebook.published,
    "arrived": inbox.arrived,
    "refused": front_door.refused,
    "sender": front_door.sender,
    "names": inbox.names,
    "ignored": inbox.ignored,
    "waiting": inbox.waiting,
    "processed": inbox.processed,
    "applied": inbox.applied,
    "assignment": record.assignment,
    **_LAST,
}
NOTEBOOK: Mapping[str, CheckFunction] = {
    **_FIRST,
    "task": learner.task_of_notebook,
    "published": notebook.published,
    "consent": notebook.consent,
    "refused": front_door.refused,
    "sender": front_door.sender,
    "rejected": notebook.rejected,
    "front_end": notebook.front_end,
    "clock": notebook.clock,
    "arrived": notebook.arrived,
    "tags": notebook.tags,
    "waiting": notebook.waiting,
    "assignment": record.assignment,
    **_LAST,
}


@dataclass(frozen=True)
class Diagnosis:
    """The answer: the verdict with the values of its sentences, and every check by its name."""

    verdict: str
    reason: str
    values: Mapping[str, Any]
    checks: Mapping[str, Check]

    @property
    def explanation(self) -> str:
        """The verdict as a sentence in the active language."""
        return str(VERDICTS[self.verdict].explanation) % self.values

    @property
    def next_action(self) -> str:
        """The next thing to do, in the active language."""
        return str(VERDICTS[self.verdict].next_action) % self.values


def walk(facts: Facts) -> Diagnosis:
    """Run the checks until one explains why telemetry is missing."""
    ending: Ending | None = None
    checks: dict[str, Check] = {}
    for name, check_facts in (LEARNPACK if facts.published is None else NOTEBOOK).items():
        if name == "assignment" and facts.assignment is None:
            continue
        checks[name] = check = NOT_ASKED if ending else check_facts(facts)
        ending = ending or check.ending
    if ending is None:
        ending = _well(facts)
    everywhere = {"learner": facts.learner, "asset": facts.asset, "academy": facts.academy}
    return Diagnosis(ending.verdict, ending.reason, {**everywhere, **ending.values}, checks)


def _well(facts: Facts) -> Ending:
    if facts.assignment is not None:
        last = time_text(facts.assignment.last_seen_at)
        return Ending(ALL_WELL, {"asset": facts.assignment.full_title, "last": last})
    return Ending(ALL_WELL, {"last": time_text(facts.record.updated_at if facts.record else None)})
