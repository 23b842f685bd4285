"""Inactivity after an error: a failed attempt, and then silence."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from learntrace.measures.activity import CLOSED, OK, Activity
from learntrace.signals.detectors import runs
from learntrace.signals.detectors.base import (
    LEARNER,
    LOW,
    Change,
    Detector,
    Finding,
    Seen,
    State,
    Threshold,
    Thresholds,
    gettext_noop,
)


class InactiveAfterError(Detector):
    """No activity for a while from a learner whose last attempt failed, in a session that is still open.

    Any next activity resolves it. Each silence is a finding of its own, whose key is the last activity before it.
    """

    kind = "inactive_after_error"
    name = gettext_noop("Inactive after an error")
    sentence = gettext_noop(
        "%(learner)s was inactive for %(minutes)s after a failed attempt at %(assignment)s with %(error)s"
    )
    sentence_without_error = gettext_noop(
        "%(learner)s was inactive for %(minutes)s after a failed attempt at %(assignment)s"
    )
    group = LEARNER
    restarts_after = OK
    severity = LOW
    thresholds = {
        "minutes": Threshold(15, 1, gettext_noop("minutes without any activity in an open session"), whole=False)
    }

    def sentence_for(self, facts: Mapping[str, Any]) -> str:
        return self.sentence if facts.get("error") else self.sentence_without_error

    def step(self, state: State, activity: Activity, thresholds: Thresholds) -> Iterator[Change]:
        yield from runs.resolve(state, activity)
        state["last"] = {"id": activity.id, "at": activity.at.isoformat()}
        failed = state.get("failed")
        if activity.failed:
            state["failed"] = {
                "id": activity.id,
                "session": activity.session_id,
                "assignment": activity.assignment,
                "facts": runs.error_facts(activity.failures),
            }
        elif activity.is_attempt or (
            failed is not None and activity.verb == CLOSED and activity.session_id == failed["session"]
        ):
            state.pop("failed", None)

    def due(self, state: State, thresholds: Thresholds) -> datetime | None:
        if state.get("open") or "failed" not in state:
            return None
        try:
            return datetime.fromisoformat(state["last"]["at"]) + timedelta(minutes=thresholds["minutes"])
        except OverflowError:  # a clock in the year 9999: the timer never comes
            return None

    def tick(self, state: State, at: datetime, thresholds: Thresholds) -> Iterator[Change]:
        due = self.due(state, thresholds)
        if due is None or at < due:
            return
        failed, last = state["failed"], state["last"]
        state["open"] = True
        yield Seen(
            Finding(
                key=last["id"],
                opened_at=due,
                last_seen_at=due,
                count=1,
                evidence=list(dict.fromkeys((failed["id"], last["id"]))),
                severity=self.severity,
                facts={**failed["facts"], "minutes": thresholds["minutes"]},
                assignment=failed["assignment"],
            )
        )
