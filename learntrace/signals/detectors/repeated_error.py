"""The code changes, the error stays."""

import json
from collections.abc import Iterator
from hashlib import blake2b

from learntrace.metrics.attempts import Activity, Failure
from learntrace.signals.detection import (
    ASSIGNMENT,
    MEDIUM,
    Change,
    Detector,
    State,
    Threshold,
    Thresholds,
    gettext_noop,
)
from learntrace.signals.detectors import runs

# A compiler may report thousands; more than the first of them no state keeps.
MOST_FAILURES = 100


class RepeatedError(Detector):
    """Failed attempts in a row on an assignment that all share an error, its type and message, though the code changes.

    A failed attempt that shares none of the errors that all of the run have in common begins a new run; a success ends
    it and resolves. While the code is all the same, consecutive_errors tells it.
    """

    kind = "repeated_error"
    name = gettext_noop("Same error in changed code")
    sentence = gettext_noop("%(learner)s changed the code on %(assignment)s and met %(error)s %(count)s times in a row")
    group = ASSIGNMENT
    severity = MEDIUM
    thresholds = {"errors": Threshold(3, 2, gettext_noop("executions in a row that fail with the same error"))}

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        if not activity.is_attempt:
            return
        if not activity.failed:
            state.pop("run", None)
            yield from runs.resolve(state, activity)
            return
        digests = {_digest(failure): failure for failure in activity.failures[:MOST_FAILURES]}
        run = state.get("run")
        shared = [digest for digest in run["shared"] if digest in digests] if run else []
        if run is None or not shared:
            shared = list(digests)
            run = state["run"] = runs.begun(activity, changed=False)
        elif activity.code_hash is None or activity.code_hash != run["code_hash"]:
            run["changed"] = True
        run["shared"], run["code_hash"] = shared, activity.code_hash
        runs.grow(run, activity)
        if run["changed"] and run["count"] >= thresholds["errors"]:
            yield runs.see(state, run, activity, self.severity, runs.error_facts((digests[shared[0]],)))


def _digest(failure: Failure) -> str:
    """What tells an error from others: a message has no greatest length, a state has."""
    return blake2b(json.dumps([failure.name, failure.message]).encode(), digest_size=12).hexdigest()
