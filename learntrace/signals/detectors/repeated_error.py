"""Repeated error: the code changes, the error stays."""

import json
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from learntrace.measures.activity import Activity, Failure
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

# A compiler may report thousands; a state keeps the first of them.
MOST_FAILURES = 100


class RepeatedError(Detector):
    """Failed attempts in a row on an assignment that all share an error (type and message) though the code changes.

    A failed attempt with none of the errors that all attempts of the run share begins a new run; a success ends the run
    and resolves. A run of unchanged code is left to consecutive_errors.
    """

    kind = "repeated_error"
    name = gettext_noop("Same error in changed code")
    sentence = gettext_noop("%(learner)s changed the code on %(assignment)s and met %(error)s %(count)s times in a row")
    group = ASSIGNMENT
    severity = MEDIUM
    thresholds = {"errors": Threshold(3, 2, gettext_noop("executions in a row that fail with the same error"))}

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        runs.count_question(state, activity)
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
            run = state["run"] = runs.begin(activity, changed=False)
        elif activity.code_hash is None or activity.code_hash != run["code_hash"]:
            run["changed"] = True
        run["shared"], run["code_hash"] = shared, activity.code_hash
        runs.grow(run, activity)
        if run["changed"] and run["count"] >= thresholds["errors"]:
            yield runs.report(state, run, activity, self.severity, runs.error_facts((digests[shared[0]],)))


@lru_cache(maxsize=2048)
def _digest(failure: Failure) -> str:
    """Return an error's digest: a message may be of any length, a state may not."""
    return blake2b(json.dumps([failure.name, failure.message]).encode(), digest_size=12).hexdigest()
