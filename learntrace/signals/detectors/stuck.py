"""Stuck: much time and many attempts, and no success."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from learntrace.measures.activity import Activity
from learntrace.measures.learner_measures import GAP_SECONDS
from learntrace.signals.detectors import runs
from learntrace.signals.detectors.base import (
    ACTIVE_GAP,
    ASSIGNMENT,
    HIGH,
    Change,
    Detector,
    State,
    Threshold,
    Thresholds,
    gettext_noop,
)

_MICROSECOND = timedelta(microseconds=1)


class Stuck(Detector):
    """Active time and failed attempts on an assignment since its last success, or since its first activity.

    Active time is measured as in all measures: the gaps between consecutive activities of any verb, each counted up to the
    academy's longest active gap. It is kept in whole microseconds, so that the sum is exact in any order.
    """

    kind = "stuck"
    name = gettext_noop("Stuck")
    sentence = gettext_noop(
        "%(learner)s has worked on %(assignment)s for %(minutes)s: %(failed_attempts)s and no success, "
        "the latest with %(error)s"
    )
    group = ASSIGNMENT
    severity = HIGH
    thresholds = {
        "minutes": Threshold(10, 0, gettext_noop("minutes of active time since the last success"), whole=False),
        "attempts": Threshold(5, 1, gettext_noop("failed attempts since the last success")),
    }

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        runs.count_question(state, activity)
        if activity.is_attempt and not activity.failed:
            state.pop("run", None)
            state["active"], state["last_at"] = 0, activity.at.isoformat()
            yield from runs.resolve(state, activity)
            return
        state["active"] = state.get("active", 0) + _gap(state.get("last_at"), activity.at, thresholds)
        state["last_at"] = activity.at.isoformat()
        if activity.failed:
            run = state.setdefault("run", runs.begin(activity))
            runs.grow(run, activity)
            run["facts"] = runs.error_facts(activity.failures)
        run = state.get("run")
        if run is None or run["count"] < thresholds["attempts"]:
            return
        # Any activity may open it, as time has passed; once open, only failed attempts update it.
        minutes = timedelta(microseconds=state["active"]) / timedelta(minutes=1)
        if (activity.failed or run["opened_at"] is None) and minutes >= thresholds["minutes"]:
            yield runs.report(state, run, activity, self.severity, {**run["facts"], "minutes": int(minutes)})


def _gap(last_at: Any, at: datetime, thresholds: Thresholds) -> int:
    """Return the microseconds since the last activity that count as active."""
    if last_at is None:
        return 0
    cap = timedelta(seconds=thresholds.get(ACTIVE_GAP, GAP_SECONDS))
    return min(at - datetime.fromisoformat(last_at), cap) // _MICROSECOND
