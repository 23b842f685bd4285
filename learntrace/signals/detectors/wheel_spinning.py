"""Wheel-spinning: practice without mastery."""

from collections.abc import Iterator

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


class WheelSpinning(Detector):
    """Attempts at an assignment without ever so many successes in a row.

    Beck and Gong, Wheel-Spinning: Students Who Fail to Master a Skill, AIED 2013: ten opportunities, mastery after three
    correct answers in a row. Fewer attempts say nothing. Mastery resolves it, and is not lost again.

    Off unless an academy turns it on: of a public class of programmers the lowest quarter made ten attempts less often than the
    others (AUC .36), as persistence is good (docs/explanation/signals.md).
    """

    kind = "wheel_spinning"
    name = gettext_noop("Wheel-spinning")
    sentence = gettext_noop("%(learner)s has made %(attempts)s at %(assignment)s without ever getting %(successes)s")
    group = ASSIGNMENT
    severity = MEDIUM
    enabled = False
    thresholds = {
        "attempts": Threshold(10, 1, gettext_noop("attempts before it is reported, failed or not")),
        "successes": Threshold(3, 1, gettext_noop("successes in a row that count as mastery")),
    }

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        runs.count_question(state, activity)
        if state.get("mastered") or not activity.is_attempt:
            return
        successes = 0 if activity.failed else state.get("successes", 0) + 1
        if successes >= thresholds["successes"]:
            yield from runs.resolve(state, activity)
            state.clear()
            state["mastered"] = True
            return
        state["successes"] = successes
        run = state.setdefault("run", runs.begin(activity))
        runs.grow(run, activity)
        if run["count"] >= thresholds["attempts"]:
            yield runs.report(state, run, activity, self.severity, {"successes": int(thresholds["successes"])})
