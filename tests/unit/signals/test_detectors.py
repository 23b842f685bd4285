"""What holds for every kind of signal."""

import json
from datetime import datetime
from functools import cache
from random import Random
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures.activity import Activity, Failure
from learntrace.signals.detectors import DETECTORS, KINDS
from learntrace.signals.detectors.base import (
    ASSIGNMENT,
    CELL,
    HIGH,
    LEARNER,
    LOW,
    MEDIUM,
    MOST_EVIDENCE,
    UNKNOWN_ERROR,
    Detector,
    Findings,
    Kind,
    Resolved,
    Seen,
    State,
    advance,
    with_evidence,
)
from learntrace.signals.detectors.inactive_after_error import InactiveAfterError
from learntrace.signals.evaluation.group_keys import group_key
from tests.support import sequences
from tests.support.sequences import activity, failing, passing

every_detector = pytest.mark.parametrize("detector", DETECTORS.values(), ids=list(DETECTORS))
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))

# So low that short sequences reach them.
LOW_THRESHOLDS = {
    "consecutive_errors": {"errors": 2},
    "repeated_error": {"versions": 2},
    "stuck": {"minutes": 5, "attempts": 2, "active_gap_seconds": 240},
    "wheel_spinning": {"attempts": 4, "successes": 2},
    "inactive_after_error": {"minutes": 5},
    "rapid_fire": {"executions": 3, "seconds": 20},
}


def found_in(detector: Detector, parts: list[Any], *, in_time: bool) -> Findings:
    """Step over the parts one after the other, storing and loading the state between them. What is due before the next
    part is looked at in time, or not."""
    thresholds = {**detector.defaults(), **LOW_THRESHOLDS[detector.kind]}
    findings, state = Findings(), detector.begin()
    for part, following in zip(parts, [*parts[1:], []], strict=True):
        findings.apply(advance(detector, state, part, thresholds))
        state = sequences.stored(state)
        due = detector.due(state, thresholds)
        if in_time and following and due is not None and due <= following[0].at:
            findings.apply(detector.tick(state, due, thresholds))
            state = sequences.stored(state)
            assert detector.due(state, thresholds) is None
    return findings


@every_detector
@given(activities=sequences.sequences(), cut=st.integers(0, 40), in_time=st.booleans())
def test_stepping_in_two_parts_comes_to_the_same_as_at_once(
    detector: Any, activities: list[Activity], cut: int, in_time: bool
) -> None:
    halves = [activities[:cut], activities[cut:]]
    assert found_in(detector, halves, in_time=in_time).by_key == found_in(detector, [activities], in_time=False).by_key


@every_detector
@given(activities=sequences.sequences())
def test_one_at_a_time_comes_to_the_same_as_at_once(detector: Any, activities: list[Activity]) -> None:
    single = [[activity] for activity in activities] or [[]]
    assert found_in(detector, single, in_time=True).by_key == found_in(detector, [activities], in_time=False).by_key


@every_detector
@given(activities=sequences.sequences(), chance=st.randoms())
def test_late_and_duplicate_activities_come_to_the_same(
    detector: Any, activities: list[Activity], chance: Random
) -> None:
    muddled = activities + chance.sample(activities, len(activities) // 2)
    chance.shuffle(muddled)
    again = sequences.in_order(muddled)
    assert found_in(detector, [again], in_time=False).by_key == found_in(detector, [activities], in_time=False).by_key


@pytest.mark.parametrize(
    "detector", [one for one in DETECTORS.values() if one.restarts_after], ids=lambda one: one.kind
)
@given(activities=sequences.sequences(assignments=("ex-1", "ex-2", None)), number=st.integers(0, 39))
def test_nothing_before_an_attempt_after_which_it_restarts_matters(
    detector: InactiveAfterError, activities: list[Activity], number: int
) -> None:
    # Many drawn sequences have no such attempt: these begin with one.
    if not any(one.is_attempt and one.outcome == detector.restarts_after for one in activities):
        activities = [activity(0, -1.0, outcome=detector.restarts_after, assignment="ex-1"), *activities]
    restarts = [one for one in activities if one.is_attempt and one.outcome == detector.restarts_after]
    restart = restarts[number % len(restarts)]
    later = sequences.findings_of(detector, activities[activities.index(restart) :], **LOW_THRESHOLDS[detector.kind])
    everything = sequences.findings_of(detector, activities, **LOW_THRESHOLDS[detector.kind])
    assert [one for one in everything if one.opened_at > restart.at] == later
    assert all(one.resolved_at is not None for one in everything if one.opened_at <= restart.at)


@every_detector
@given(activities=sequences.sequences())
def test_a_finding_opens_once_grows_and_is_over_once(detector: Any, activities: list[Activity]) -> None:
    thresholds = {**detector.defaults(), **LOW_THRESHOLDS[detector.kind]}
    ids = {activity.id for activity in activities}
    known: dict[str, Any] = {}
    over: set[str] = set()
    for change in advance(detector, detector.begin(), activities, thresholds):
        if isinstance(change, Resolved):
            assert change.by in ids
            assert known.keys() - over, "nothing was open"
            over |= known.keys()
            continue
        finding = change.finding
        assert finding.key not in over, "it was over"
        earlier = known.get(finding.key)
        assert earlier is None or (finding.opened_at == earlier.opened_at and finding.count > earlier.count)
        assert finding.opened_at <= finding.last_seen_at
        assert finding.evidence
        assert set(finding.evidence) <= ids
        assert finding.assignment == "ex-1"
        json.dumps(finding.facts)
        known[finding.key] = finding


@every_detector
@given(activities=sequences.sequences())
def test_its_state_tells_whether_anything_may_stand(detector: Any, activities: list[Activity]) -> None:
    """Where it says no, the stored signals of the group aren't read (`evaluate._may_stand`)."""
    thresholds = {**detector.defaults(), **LOW_THRESHOLDS[detector.kind]}
    findings, state = Findings(), detector.begin()
    for one in activities:
        findings.apply(advance(detector, state, [one], thresholds))
        standing = [finding for finding in findings.by_key.values() if finding.resolved_at is None]
        assert bool(state.get("open")) or not standing


@every_detector
def test_the_low_thresholds_let_it_be_seen(detector: Any) -> None:
    """Else the tests above would compare nothing with nothing."""
    trouble = [failing(number, number * 5, "h1" if number % 4 else f"h{number}") for number in range(1, 90)]
    assert found_in(detector, [[*trouble, passing(100, 2000)]], in_time=False).by_key


@every_detector
@pytest.mark.parametrize("code", ["h", "{}", None], ids=["same code", "other code", "unknown code"])
@pytest.mark.parametrize("outcome", ["error", "mixed"])
def test_its_state_stays_small_however_much_happens(detector: Detector, code: str | None, outcome: str) -> None:
    thresholds = detector.defaults()
    state: State = detector.begin()
    for one in _very_many(code, outcome):
        for _ in advance(detector, state, [one], thresholds):
            pass
    # 200 ids, and some.
    assert len(json.dumps(state)) < MOST_EVIDENCE * 12 + 1000
    sequences.stored(state)


@cache
def _very_many(code: str | None, outcome: str) -> list[Activity]:
    made = [passing if outcome == "mixed" and number % 17 == 0 else failing for number in range(10_000)]
    return [one(number, number * 2, code.format(number) if code else None) for number, one in enumerate(made)]


def test_of_very_much_evidence_the_first_and_the_latest_is_kept() -> None:
    evidence: list[str] = []
    for number in range(MOST_EVIDENCE + 50):
        evidence = with_evidence(evidence, str(number))
    assert len(evidence) == MOST_EVIDENCE
    assert evidence[:100] == [str(number) for number in range(100)]
    assert evidence[100:] == [str(number) for number in range(150, 250)]


def test_the_kinds_are_those_of_the_definitions() -> None:
    assert list(DETECTORS) == [
        "consecutive_errors",
        "repeated_error",
        "stuck",
        "wheel_spinning",
        "inactive_after_error",
        "rapid_fire",
    ]
    assert list(KINDS) == [*DETECTORS, "falling_behind", "frustration"]
    assert all(key == kind.kind for key, kind in KINDS.items())


@pytest.fixture(scope="module")
def marked(package_texts: Catalog) -> set[Any]:
    """All texts of the package that go into the catalogues."""
    return {message.id for message in package_texts if message.id}


@every_kind
def test_it_has_marked_texts_and_thresholds(kind: Kind, marked: set[Any]) -> None:
    assert {kind.name, kind.sentence} <= marked
    assert kind.severity in (LOW, MEDIUM, HIGH)
    assert kind.thresholds
    for threshold in kind.thresholds.values():
        assert threshold.purpose in marked
        assert threshold.least <= threshold.default
        assert not threshold.whole or threshold.default == int(threshold.default)
    assert kind.defaults().keys() == kind.thresholds.keys()


@every_detector
def test_its_sentence_can_be_told_of_any_finding_also_of_an_unknown_error(detector: Detector) -> None:
    for failures in ([sequences.NAME], [Failure("", "")]):
        trouble = [
            failing(number, number * 9, "h1" if number < 30 else f"h{number}", *failures) for number in range(1, 60)
        ]
        quiet = passing(100, 9000)
        thresholds = {**detector.defaults(), **LOW_THRESHOLDS[detector.kind]}
        found = [
            change.finding
            for change in advance(detector, detector.begin(), [*trouble, quiet], thresholds)
            if isinstance(change, Seen)
        ]
        assert found
        for finding in found:
            counts = dict.fromkeys(("count", "attempts", "failed_attempts"), finding.count)
            told = detector.sentence_in(str, learner="Ada", assignment=finding.assignment, **counts, **finding.facts)
            assert "Ada" in told
            assert "ex-1" in told
            assert "%(" not in told
            if "%(error)s" in detector.sentence_for(finding.facts):
                assert (UNKNOWN_ERROR in told) == (not failures[0].name)


def test_a_sentence_is_told_in_the_language_asked_for() -> None:
    spanish = {
        KINDS["consecutive_errors"].sentence: "%(learner)s: %(count)s veces en %(assignment)s, %(error)s",
        UNKNOWN_ERROR: "un error sin mensaje",
    }
    told = KINDS["consecutive_errors"].sentence_in(spanish.__getitem__, learner="Ada", count=3, assignment="ex-1")
    assert told == "Ada: 3 veces en ex-1, un error sin mensaje"


def test_groups_keep_apart_what_their_kind_keeps_apart() -> None:
    standard = activity(1, 0)
    other = {
        "session": activity(2, 0, session_id="s2"),
        "no session": activity(3, 0, session_id=None),
        "object": activity(4, 0, object_id="c2"),
        "assignment": activity(5, 0, assignment="ex-2"),
    }
    apart = {
        CELL: {"session", "no session", "object", "assignment"},
        ASSIGNMENT: {"assignment"},
        LEARNER: set(),
    }
    for group, names in apart.items():
        assert {name for name, one in other.items() if group_key(group, one) != group_key(group, standard)} == names


def test_what_belongs_to_no_assignment_is_in_no_group_but_the_learners() -> None:
    nowhere = activity(1, 0, "focused", assignment=None)
    assert group_key(CELL, nowhere) is None
    assert group_key(ASSIGNMENT, nowhere) is None
    assert group_key(LEARNER, nowhere) == group_key(LEARNER, activity(2, 0))


def test_a_group_is_the_same_for_ever_and_none_is_not_a_text() -> None:
    assert group_key(ASSIGNMENT, activity(1, 0)) == "b59e88e5d3932de08e29fe5dc8cf5dcc"
    unknown = activity(1, 0, session_id=None, object_id=None)
    assert group_key(CELL, unknown) == group_key(CELL, activity(2, 9, session_id=None, object_id=None))
    assert group_key(CELL, unknown) != group_key(CELL, activity(1, 0, session_id="null", object_id="None"))
    assert len({group_key(group, unknown) for group in (CELL, ASSIGNMENT, LEARNER)}) == 3


def test_an_unknown_kind_of_group_is_refused() -> None:
    with pytest.raises(ValueError, match="no such group: room"):
        group_key("room", activity(1, 0))


def test_times_in_a_state_are_texts_that_keep_the_microseconds() -> None:
    detector = DETECTORS["stuck"]
    state = detector.begin()
    list(advance(detector, state, [failing(1, 0.000001)], detector.defaults()))
    assert datetime.fromisoformat(state["last_at"]) == sequences.moment(0.000001)
