from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from learntrace.measures.activity import Activity
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.detectors.base import Findings, advance
from tests.support.sequences import aborted, activity, failing, findings_of, moment, passing

SILENT = DETECTORS["inactive_after_error"]
QUARTER = 15 * 60


def due_after(*activities: Activity) -> Any:
    state = SILENT.begin()
    list(advance(SILENT, state, activities, SILENT.defaults()))
    return SILENT.due(state, SILENT.defaults())


def test_fifteen_minutes_of_silence_after_a_failed_attempt() -> None:
    (finding,) = findings_of(SILENT, [failing(1, 0), activity(2, 2 * QUARTER, "focused")])
    assert finding.opened_at == finding.last_seen_at == moment(QUARTER)
    assert (finding.key, finding.evidence, finding.assignment, finding.count) == ("a1", ["a1"], "ex-1", 1)
    assert (finding.resolved_at, finding.resolved_by) == (moment(2 * QUARTER), "a2")
    assert finding.facts["minutes"] == 15
    assert finding.facts["error_name"] == "NameError"


def test_exactly_fifteen_minutes_are_enough_and_a_microsecond_less_is_not() -> None:
    assert len(findings_of(SILENT, [failing(1, 0), passing(2, QUARTER)])) == 1
    assert findings_of(SILENT, [failing(1, 0), passing(2, QUARTER - 0.000001)]) == []


def test_any_activity_begins_the_wait_anew() -> None:
    elsewhere = activity(2, 600, "focused", assignment=None, session_id="s2", object_id=None)
    assert due_after(failing(1, 0), elsewhere) == moment(600 + QUARTER)
    (finding,) = findings_of(SILENT, [failing(1, 0), elsewhere, activity(3, 5000, "saved")])
    assert (finding.key, finding.evidence, finding.assignment) == ("a2", ["a1", "a2"], "ex-1")


def test_after_a_success_nothing_is_due_and_after_an_aborted_attempt_it_is() -> None:
    assert due_after(failing(1, 0), passing(2, 1)) is None
    assert due_after(failing(1, 0), passing(2, 1, assignment="ex-2")) is None
    assert due_after(failing(1, 0), aborted(2, 60)) == moment(60 + QUARTER)


def test_an_execution_of_no_assignment_is_activity_and_no_attempt() -> None:
    assert due_after(failing(1, 0), passing(2, 60, assignment=None)) == moment(60 + QUARTER)
    assert due_after(failing(1, 0, assignment=None)) is None


def test_closing_the_session_of_the_attempt_ends_the_wait_and_closing_another_does_not() -> None:
    closed = {"assignment": None, "object_id": None}
    assert due_after(failing(1, 0), activity(2, 60, "closed", **closed)) is None
    assert due_after(failing(1, 0), activity(2, 60, "closed", session_id="s2", **closed)) == moment(60 + QUARTER)
    assert due_after(failing(1, 0), activity(2, 60, "closed", session_id=None, **closed)) == moment(60 + QUARTER)


def test_unknown_sessions_are_one_session() -> None:
    assert due_after(failing(1, 0, session_id=None)) == moment(QUARTER)
    assert due_after(failing(1, 0, session_id=None), activity(2, 60, "closed", session_id=None)) is None


def test_a_failed_attempt_after_closing_is_waited_for_again() -> None:
    assert due_after(failing(1, 0), activity(2, 60, "closed"), failing(3, 120)) == moment(120 + QUARTER)


def test_each_silence_is_a_finding_of_its_own() -> None:
    activities = [failing(1, 0), activity(2, 2000, "saved"), activity(3, 4000, "saved"), passing(4, 6000)]
    found = findings_of(SILENT, activities)
    assert [finding.key for finding in found] == ["a1", "a2", "a3"]
    assert [finding.resolved_by for finding in found] == ["a2", "a3", "a4"]


def test_a_tick_too_early_sees_nothing_and_a_late_one_sees_what_was_due() -> None:
    thresholds, state, findings = SILENT.defaults(), SILENT.begin(), Findings()
    findings.apply(advance(SILENT, state, [failing(1, 0)], thresholds))
    findings.apply(SILENT.tick(state, moment(QUARTER - 1), thresholds))
    assert findings.by_key == {}
    findings.apply(SILENT.tick(state, moment(4 * QUARTER), thresholds))
    assert findings.by_key["a1"].opened_at == moment(QUARTER)
    assert SILENT.due(state, thresholds) is None
    assert list(SILENT.tick(state, moment(5 * QUARTER), thresholds)) == []


def test_the_minutes_can_be_set() -> None:
    assert [f.opened_at for f in findings_of(SILENT, [failing(1, 0), passing(2, 600)], minutes=2.5)] == [moment(150)]


def test_after_a_failure_at_the_end_of_the_calendar_nothing_is_due() -> None:
    last = replace(failing(1, 0), at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    assert due_after(last) is None
