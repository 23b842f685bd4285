"""Whatever learners do: the figures in a signal's sentence are those that its evidence gives when it is counted again.

Sentences are read as a teacher reads them, and counted in the plainest way from the activities that the evidence names.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures.activity import ABORTED, ASKED, CLOSED, ERROR, OK, Activity, Failure
from learntrace.measures.error_groups import group_of, variant_of
from learntrace.signals.detectors import DETECTORS, FALLING_BEHIND
from learntrace.signals.detectors.base import ACTIVE_GAP, UNKNOWN_ERROR, Detector, Finding, Kind, Seen
from learntrace.signals.detectors.falling_behind import Transition
from tests.support.sequences import START, activity

LEARNER = "Ada"
FAILURES = [
    Failure("NameError", "name 'x' is not defined"),
    Failure("NameError", "name 'total' is not defined"),
    Failure("TypeError", "'int' object is not callable"),
    Failure("';' expected", "';' expected\n  int x = 1"),
]
# So low that short streams reach them.
LOW: Mapping[str, Mapping[str, float]] = {
    "consecutive_errors": {"errors": 2},
    "repeated_error": {"versions": 2},
    "stuck": {"minutes": 4, "attempts": 2, ACTIVE_GAP: 240},
    "wheel_spinning": {"attempts": 4, "successes": 2},
    "inactive_after_error": {"minutes": 5},
    "rapid_fire": {"executions": 3, "seconds": 20},
}


def streams(assignments: Sequence[str] = ("ex-1",)) -> st.SearchStrategy[list[Activity]]:
    """What a learner does, in order: mostly failing, with few codes and errors so that they meet, and questions."""
    one = st.tuples(
        st.sampled_from([ERROR] * 7 + [OK, ABORTED, ASKED, "saved", CLOSED]),
        st.sampled_from([0, 1, 4, 5, 20, 150, 300, 400, 2000]),
        st.sampled_from(["h1", "h1", "h2", "h3", None]),
        st.lists(st.sampled_from(FAILURES), max_size=2).map(tuple),
        st.sampled_from(["c1", "c1", "c2"]),
        st.sampled_from(assignments),
    )
    return st.lists(one, max_size=40).map(lambda rows: list(_made(rows)))


def _made(rows: Sequence[tuple[Any, ...]]) -> Iterator[Activity]:
    at = 0.0
    for number, (what, gap, code, failures, cell, assignment) in enumerate(rows, 1):
        at += gap
        about = {"object_id": cell, "assignment": assignment}
        if what in (ERROR, OK, ABORTED):
            found = failures if what == ERROR else ()
            yield activity(number, at, outcome=what, code_hash=code, failures=found, **about)
        else:
            yield activity(number, at, what, **about)


@dataclass(frozen=True)
class Told:
    """A finding as it was told at one moment: what its sentence says, and what had happened until then."""

    finding: Finding
    says: Mapping[str, str]
    past: list[Activity]

    @property
    def evidence(self) -> list[Activity]:
        by_id = {one.id: one for one in self.past}
        return [by_id[event] for event in self.finding.evidence]

    @property
    def attempts(self) -> list[Activity]:
        return [one for one in self.past if one.is_attempt]

    def number(self, name: str) -> float:
        return float(self.says[name])

    def since_success(self) -> list[Activity]:
        """What has happened since the last attempt that succeeded."""
        last = max((place for place, one in enumerate(self.past) if one.is_attempt and not one.failed), default=-1)
        return self.past[last + 1 :]


WITH_NOUN = ("attempts", "failed_attempts")


def told_of(detector: Detector, stream: Sequence[Activity]) -> Iterator[Told]:
    """Every finding of the stream, each time that it is told; timers are looked at in time."""
    thresholds = {**detector.defaults(), **LOW[detector.kind]}
    state = detector.begin()
    for place, one in enumerate(stream):
        due = detector.due(state, thresholds)
        if due is not None and due <= one.at:
            for change in detector.tick(state, due, thresholds):
                assert isinstance(change, Seen)
                yield _told(detector, change.finding, list(stream[:place]))
        for change in detector.step(state, one, thresholds):
            if isinstance(change, Seen):
                yield _told(detector, change.finding, list(stream[: place + 1]))


def _told(kind: Kind, finding: Finding, past: list[Activity]) -> Told:
    says = {"learner": LEARNER, "assignment": finding.assignment or "lesson", "count": finding.count}
    # Numbers that a page tells with their nouns are bare here.
    says |= dict.fromkeys(WITH_NOUN, finding.count)
    sentence = kind.sentence_in(str, **{**finding.facts, **says})
    pattern = re.sub(r"%\\\((\w+)\\\)s", _placeholder, re.escape(kind.sentence_for(finding.facts)))
    read = re.fullmatch(pattern, sentence, re.DOTALL)
    assert read is not None, sentence
    told = {"count" if name in WITH_NOUN else name: value for name, value in read.groupdict().items()}
    return Told(finding, told, past)


def _placeholder(match: re.Match[str]) -> str:
    name = match[1]
    return f"(?P<{name}>.+)" if name in ("learner", "assignment", "error") else rf"(?P<{name}>\d+(?:\.\d+)?)"


def shared_groups(attempts: Sequence[Activity]) -> set[str]:
    groups = [{group_of(failure).text for failure in one.failures} for one in attempts]
    return set.intersection(*groups)


def assert_shared(error: str, attempts: Sequence[Activity]) -> None:
    """The error is one that all of the attempts ended with: word for word, or its group; no error if they share none."""
    if error == UNKNOWN_ERROR:
        assert not shared_groups(attempts)
        return
    variants = [{text(variant_of(failure)) for failure in one.failures} for one in attempts]
    assert error in shared_groups(attempts) or all(error in told for told in variants)


def text(failure: Failure) -> str:
    return ": ".join(part for part in (failure.name, failure.message) if part)


def assert_asked(told: Told, since: Sequence[Activity]) -> None:
    assert told.finding.facts.get("asked", 0) == sum(one.verb == ASKED for one in since)


@given(streams())
def test_the_same_code_was_run_so_many_times_with_that_error(stream: list[Activity]) -> None:
    for told in told_of(DETECTORS["consecutive_errors"], stream):
        assert told.number("count") == len(told.evidence)
        assert told.evidence == told.attempts[-len(told.evidence) :]
        assert all(one.failed for one in told.evidence)
        assert len({one.code_hash for one in told.evidence}) == 1
        assert told.evidence[0].code_hash is not None
        before = told.attempts[: -len(told.evidence)][-1:]
        assert not before or not before[0].failed or before[0].code_hash != told.evidence[0].code_hash
        assert_shared(told.says["error"], told.evidence)


@given(streams())
def test_that_error_was_met_so_many_times_in_a_row_in_so_many_versions(stream: list[Activity]) -> None:
    for told in told_of(DETECTORS["repeated_error"], stream):
        assert told.number("count") == len(told.evidence)
        assert told.evidence == told.attempts[-len(told.evidence) :], "in a row"
        assert all(one.failed for one in told.evidence)
        assert told.says["error"] != UNKNOWN_ERROR or not any(one.failures for one in told.evidence)
        assert_shared(told.says["error"], told.evidence)
        codes = [one.code_hash for one in told.evidence]
        if None in codes:
            assert "versions" not in told.says
        else:
            assert told.number("versions") == len(set(codes)) >= LOW["repeated_error"]["versions"]
        assert_asked(told, told.since_success())


@given(streams())
def test_so_many_attempts_failed_in_so_many_minutes_the_latest_with_that_error(stream: list[Activity]) -> None:
    cap = timedelta(seconds=LOW["stuck"][ACTIVE_GAP])
    for told in told_of(DETECTORS["stuck"], stream):
        since = told.since_success()
        assert told.evidence == [one for one in since if one.failed]
        assert told.number("count") == len(told.evidence)
        begun = told.past[len(told.past) - len(since) - 1 :] if len(since) < len(told.past) else since
        active = sum((min(after.at - one.at, cap) for one, after in pairwise(begun)), timedelta())
        assert told.number("minutes") == active // timedelta(minutes=1)
        latest = told.evidence[-1].failures
        assert told.says["error"] == (text(variant_of(latest[0])) if latest else UNKNOWN_ERROR)
        assert_asked(told, since)


@given(streams())
def test_so_many_attempts_were_made_without_successes_in_a_row(stream: list[Activity]) -> None:
    for told in told_of(DETECTORS["wheel_spinning"], stream):
        assert told.evidence == told.attempts
        assert told.number("count") == len(told.evidence)
        outcomes = "".join("x" if one.failed else "-" for one in told.attempts)
        assert "-" * int(told.number("successes")) not in outcomes
        assert_asked(told, told.past)


@given(streams(("ex-1", "ex-2")))
def test_nothing_came_for_so_many_minutes_after_a_failed_attempt(stream: list[Activity]) -> None:
    for told in told_of(DETECTORS["inactive_after_error"], stream):
        failed = told.attempts[-1]
        assert failed.failed
        assert told.evidence == list(dict.fromkeys((failed, told.past[-1])))
        assert told.says["assignment"] == failed.assignment
        silence = timedelta(minutes=told.number("minutes"))
        assert told.finding.opened_at == told.past[-1].at + silence
        nexts = stream[len(told.past) :]
        assert not nexts or nexts[0].at >= told.finding.opened_at
        named = text(variant_of(failed.failures[0])) if failed.failures else UNKNOWN_ERROR
        # Without an error that is known, none is told.
        assert told.says.get("error", UNKNOWN_ERROR) == named


@given(streams())
def test_unchanged_code_was_run_so_many_times_in_quick_succession(stream: list[Activity]) -> None:
    executions, seconds = (int(LOW["rapid_fire"][name]) for name in ("executions", "seconds"))
    for told in told_of(DETECTORS["rapid_fire"], stream):
        assert told.number("count") == len(told.evidence) >= executions
        assert told.evidence == told.attempts[-len(told.evidence) :]
        assert len({(one.object_id, one.code_hash) for one in told.evidence}) == 1
        times = [one.at for one in told.evidence]
        quickest = timedelta(seconds=seconds)
        assert all(after - one <= quickest for one, after in zip(times, times[executions - 1 :], strict=False))


_LEARNERS = ("ada", "ben", "cleo", "dan", "eve")
_MOVES = st.dictionaries(
    st.sampled_from(_LEARNERS),
    st.lists(
        st.tuples(st.integers(0, 20 * 24), st.sampled_from("abcdef"), st.booleans()),
        max_size=12,
        unique_by=lambda m: m[:2],
    ),
)


@given(_MOVES)
def test_so_many_are_done_and_so_many_fewer_than_the_median_of_the_class(moves: dict[str, list[Any]]) -> None:
    now = START + timedelta(days=15)
    transitions = {
        learner: [
            Transition(START + timedelta(hours=hours), key, done, f"{learner}{hours}{key}") for hours, key, done in own
        ]
        for learner, own in moves.items()
    }
    found = FALLING_BEHIND.findings(_LEARNERS, transitions, START, now, {**FALLING_BEHIND.defaults(), "percentile": 40})
    for learner, findings in found.items():
        for finding in findings:
            told = _told(FALLING_BEHIND, finding, [])
            counts = {one: _done_at(transitions.get(one, []), finding.last_seen_at) for one in _LEARNERS}
            assert told.number("done") == counts[learner] == len(finding.evidence)
            assert told.number("count") == max(0, math.ceil(median(counts.values()) - counts[learner]))


def _done_at(transitions: Sequence[Transition], at: datetime) -> int:
    last: dict[str, bool] = {}
    for move in sorted(transitions):
        if move.at <= at:
            last[move.assignment] = move.done
    return sum(last.values())
