"""Rapid fire: the same code is run again and again within seconds."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from learntrace.measures.activity import Activity
from learntrace.signals.detectors import runs
from learntrace.signals.detectors.base import (
    ASSIGNMENT,
    LOW,
    Change,
    Detector,
    State,
    Threshold,
    Thresholds,
    gettext_noop,
)


class RapidFire(Detector):
    """Executions in a row of unchanged code of one object, any few consecutive ones within seconds.

    It goes on with each further execution in time, and is over with an execution of other code or a later one. Unknown
    code counts as other code.
    """

    kind = "rapid_fire"
    name = gettext_noop("Rapid fire")
    sentence = gettext_noop("%(learner)s ran unchanged code %(count)s times in quick succession on %(assignment)s")
    group = ASSIGNMENT
    severity = LOW
    thresholds = {
        "executions": Threshold(5, 2, gettext_noop("executions of unchanged code")),
        "seconds": Threshold(20, 1, gettext_noop("seconds within which they happen"), whole=False),
    }

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        if not activity.is_attempt:
            return
        code = [activity.object_id, activity.code_hash]
        if activity.code_hash is None or state.get("code") != code:
            yield from runs.resolve(state, activity)
            state.pop("run", None)
            state["code"], state["latest"] = code, []
        executions = int(thresholds["executions"])
        latest = [*state["latest"], [activity.id, activity.at.isoformat()]][-executions:]
        state["latest"] = latest
        within = timedelta(seconds=thresholds["seconds"])
        if len(latest) < executions or activity.at - datetime.fromisoformat(latest[0][1]) > within:
            yield from runs.resolve(state, activity)
            state.pop("run", None)
            return
        if "run" in state:
            runs.grow(state["run"], activity)
        else:
            state["run"] = _burst(latest)
        yield runs.report(state, state["run"], activity, self.severity, {})


def _burst(latest: list[list[str]]) -> dict[str, Any]:
    ids = [event_id for event_id, _ in latest]
    return {"key": ids[0], "count": len(ids), "evidence": ids, "opened_at": None}
