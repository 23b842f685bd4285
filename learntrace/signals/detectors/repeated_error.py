"""Repeated error: the code changes, the error stays."""

from collections.abc import Iterator, Mapping
from typing import Any

from learntrace.measures.activity import Activity
from learntrace.signals.detectors import runs
from learntrace.signals.detectors.base import (
    ASSIGNMENT,
    MEDIUM,
    Change,
    Detector,
    State,
    Threshold,
    Thresholds,
    gettext_noop,
)

# The versions that a state keeps apart, each by the beginning of its hash. The code of more counts as not known.
_MOST_VERSIONS = 60
_HASH = 10


class RepeatedError(Detector):
    """Failed attempts in a row on an assignment that all share an error (its group), in several versions of the code.

    A failed attempt with none of the errors that all attempts of the run share begins a new run; a success ends the run
    and resolves. Two attempts are of one version where their code is the same, also when it was another in between; code that
    isn't known counts as another version, and then the sentence doesn't say how many there were.
    """

    kind = "repeated_error"
    name = gettext_noop("Same error in changed code")
    sentence = gettext_noop(
        "%(learner)s got %(error)s %(count)s times in a row on %(assignment)s, in %(versions)s versions of the code"
    )
    sentence_without_code = gettext_noop("%(learner)s got %(error)s %(count)s times in a row on %(assignment)s")
    group = ASSIGNMENT
    severity = MEDIUM
    thresholds = {
        "versions": Threshold(3, 2, gettext_noop("versions of the code that fail with the same error in a row"))
    }

    def sentence_for(self, facts: Mapping[str, Any]) -> str:
        return self.sentence if "versions" in facts else self.sentence_without_code

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        runs.count_question(state, activity)
        if not activity.is_attempt:
            return
        if not activity.failed:
            state.pop("run", None)
            yield from runs.resolve(state, activity)
            return
        run = state.get("run")
        if run is None or not runs.shares(run, activity):
            run = state["run"] = runs.begin_sharing(activity, versions=[], unknown=0)
        _count_version(run, activity.code_hash)
        runs.grow(run, activity)
        if len(run["versions"]) + run["unknown"] >= thresholds["versions"]:
            yield runs.report(state, run, activity, self.severity, _facts(run, activity))


def _count_version(run: runs.Run, code_hash: str | None) -> None:
    version = code_hash and code_hash[:_HASH]
    if version is not None and version in run["versions"]:
        return
    if version is None or len(run["versions"]) == _MOST_VERSIONS:
        run["unknown"] += 1
    else:
        run["versions"] = [*run["versions"], version]


def _facts(run: runs.Run, activity: Activity) -> dict[str, Any]:
    facts = runs.shared_facts(run, activity)
    return facts if run["unknown"] else {**facts, "versions": len(run["versions"])}
