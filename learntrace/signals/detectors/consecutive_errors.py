"""Consecutive errors: the same code fails again and again."""

from collections.abc import Iterator

from learntrace.measures.activity import Activity
from learntrace.signals.detectors import runs
from learntrace.signals.detectors.base import CELL, HIGH, Change, Detector, State, Threshold, Thresholds, gettext_noop


class ConsecutiveErrors(Detector):
    """Failed attempts in a row with the same code, in one session, object and assignment.

    Only a success or a failed attempt with other code ends the run. Unknown code never equals other code. An open finding
    stays open until a success, also when the learner goes on with other code. The sentence names an error that all of the
    attempts ended with, and none where they share none.
    """

    kind = "consecutive_errors"
    name = gettext_noop("Same code, same error")
    sentence = gettext_noop("%(learner)s ran the same code %(count)s times on %(assignment)s with %(error)s")
    group = CELL
    severity = HIGH
    thresholds = {"errors": Threshold(3, 2, gettext_noop("failed executions of the same code in a row"))}

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        if not activity.is_attempt:
            return
        if not activity.failed:
            state.pop("run", None)
            yield from runs.resolve(state, activity)
            return
        run = state.get("run")
        if run is None or activity.code_hash is None or run["code_hash"] != activity.code_hash:
            run = state["run"] = runs.begin_sharing(activity, code_hash=activity.code_hash)
        elif run["shared"] and not runs.shares(run, activity):
            run["shared"] = []
        runs.grow(run, activity)
        if run["count"] >= thresholds["errors"]:
            yield runs.report(state, run, activity, self.severity, runs.shared_facts(run, activity))
