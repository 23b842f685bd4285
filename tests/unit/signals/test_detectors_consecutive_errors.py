from collections import defaultdict
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures.activity import Activity, Failure
from learntrace.measures.error_groups import group_of
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.detectors.base import Findings, advance
from learntrace.signals.evaluation.group_keys import group_key
from tests.support import sequences
from tests.support.sequences import NAME, TYPE, aborted, activity, attempts, failing, findings_of, moment, passing

CONSECUTIVE = DETECTORS["consecutive_errors"]


def slow_reference(received: list[Activity]) -> set[tuple[Any, ...]]:
    """docs/explanation/signals.md word by word, over everything at once, from the events as they were received."""
    once: list[Activity] = []
    for one in received:
        if one.id not in [other.id for other in once]:
            once.append(one)
    ordered = sorted(once, key=lambda one: (one.at, one.arrival))
    found = set()
    for cell in {(one.session_id, one.object_id, one.assignment) for one in ordered if one.assignment is not None}:
        tries = [
            one
            for one in ordered
            if (one.session_id, one.object_id, one.assignment) == cell and one.outcome in ("ok", "error")
        ]
        for start, first in enumerate(tries):
            if first.outcome == "ok" or (start > 0 and same_failure(tries[start - 1], first)):
                continue
            end = start + 1
            while end < len(tries) and same_failure(first, tries[end]):
                end += 1
            run = tries[start:end]
            if len(run) < 3:
                continue
            success = next((one for one in tries[end:] if one.outcome == "ok"), None)
            found.add(
                (
                    first.id,
                    run[2].at,
                    run[-1].at,
                    len(run),
                    tuple(one.id for one in run),
                    success.at if success else None,
                    success.id if success else "",
                )
            )
    return found


def same_failure(one: Activity, other: Activity) -> bool:
    return (
        one.outcome == "error"
        and other.outcome == "error"
        and one.code_hash is not None
        and one.code_hash == other.code_hash
    )


def found_by_the_detector(received: list[Activity]) -> set[tuple[Any, ...]]:
    groups = defaultdict(list)
    for one in sequences.in_order(received):
        groups[group_key(CONSECUTIVE.group, one)].append(one)
    groups.pop(None, None)
    found = set()
    for own in groups.values():
        findings = Findings()
        findings.apply(advance(CONSECUTIVE, CONSECUTIVE.begin(), own, CONSECUTIVE.defaults()))
        found |= {
            (
                finding.key,
                finding.opened_at,
                finding.last_seen_at,
                finding.count,
                tuple(finding.evidence),
                finding.resolved_at,
                finding.resolved_by,
            )
            for finding in findings.by_key.values()
        }
    return found


@given(sequences.sequences(80, assignments=("ex-1", "ex-1", "ex-1", "ex-2", None)), st.randoms())
def test_it_equals_a_slow_reference_also_for_late_and_duplicate_events(
    activities: list[Activity], chance: Random
) -> None:
    received = activities + chance.sample(activities, len(activities) // 3)
    chance.shuffle(received)
    assert found_by_the_detector(received) == slow_reference(received)


ONE_CELL = st.lists(st.sampled_from(["x1", "x1", "x1", "x2", "xn", "-", "a", "s"]), max_size=60)


@given(ONE_CELL)
def test_it_equals_a_slow_reference_in_long_runs_of_one_cell(letters: list[str]) -> None:
    made = {
        "x1": lambda number: failing(number, number // 2, "h1"),
        "x2": lambda number: failing(number, number // 2, "h2"),
        "xn": lambda number: failing(number, number // 2, None),
        "-": lambda number: passing(number, number // 2, "h1"),
        "a": lambda number: aborted(number, number // 2, "h2"),
        "s": lambda number: activity(number, number // 2, "saved"),
    }
    activities = [made[letter](number) for number, letter in enumerate(letters)]
    assert found_by_the_detector(activities) == slow_reference(activities)


@pytest.mark.parametrize(
    ("pattern", "evidence"),
    [
        ("xx", None),
        ("xxx", ["a1", "a2", "a3"]),
        ("xxxxx", ["a1", "a2", "a3", "a4", "a5"]),
        ("xx-x", None),
        ("xx-xxx", ["a4", "a5", "a6"]),
        ("xaxax", ["a1", "a3", "a5"]),
        ("xsssxsx", ["a1", "a5", "a7"]),
        ("aaa", None),
        ("---", None),
    ],
)
def test_three_errors_of_the_same_code_in_a_row_are_a_finding(pattern: str, evidence: list[str] | None) -> None:
    found = findings_of(CONSECUTIVE, attempts(pattern))
    assert [finding.evidence for finding in found] == ([evidence] if evidence else [])


def test_it_opens_at_the_third_error_and_goes_on_with_the_further_ones() -> None:
    (finding,) = findings_of(CONSECUTIVE, attempts("sxxxx"))
    assert finding.key == "a2"
    assert finding.opened_at == moment(4 * 60)
    assert finding.last_seen_at == moment(5 * 60)
    assert finding.count == 4
    assert finding.resolved_at is None


def test_a_success_resolves_it_and_the_next_run_is_a_finding_of_its_own() -> None:
    first, second = findings_of(CONSECUTIVE, attempts("xxx-xxx"))
    assert (first.resolved_at, first.resolved_by) == (moment(4 * 60), "a4")
    assert (second.key, second.resolved_at) == ("a5", None)


def test_a_success_with_other_code_resolves_it_too() -> None:
    (finding,) = findings_of(CONSECUTIVE, [*attempts("xxx"), passing(4, 300, "h2")])
    assert finding.resolved_by == "a4"


def test_other_code_ends_the_run_but_it_stays_open_until_a_success() -> None:
    other = [failing(number, number * 60, "h2") for number in (4, 5)]
    again = [failing(number, number * 60, "h1") for number in (6, 7, 8)]
    found = findings_of(CONSECUTIVE, [*attempts("xxx"), *other, *again])
    assert [(finding.key, finding.count, finding.resolved_at) for finding in found] == [
        ("a1", 3, None),
        ("a6", 3, None),
    ]
    found = findings_of(CONSECUTIVE, [*attempts("xxx"), *other, *again, passing(9, 600)])
    assert [finding.resolved_by for finding in found] == ["a9", "a9"]


def test_unknown_code_is_never_the_same_code() -> None:
    assert findings_of(CONSECUTIVE, attempts("xxxxxx", code=None)) == []
    assert findings_of(CONSECUTIVE, [failing(1, 1), failing(2, 2), failing(3, 3, None), failing(4, 4)]) == []


def test_the_facts_are_of_an_error_that_all_attempts_share() -> None:
    (finding,) = findings_of(CONSECUTIVE, [failing(1, 1), failing(2, 2), failing(3, 3, "h1", TYPE, NAME)])
    assert finding.facts == {
        "error": "NameError: name 'x' is not defined",
        "error_name": "NameError",
        "error_message": "name 'x' is not defined",
        "error_group": group_of(NAME).digest,
    }


def test_variants_of_an_error_are_told_as_their_group_and_other_errors_not_at_all() -> None:
    other = Failure("NameError", "name 'y' is not defined")
    (finding,) = findings_of(CONSECUTIVE, [failing(1, 1), failing(2, 2, "h1", other), failing(3, 3)])
    assert finding.facts["error"] == "NameError: name '…' is not defined"
    (finding,) = findings_of(CONSECUTIVE, [failing(1, 1), failing(2, 2, "h1", TYPE), failing(3, 3), failing(4, 4)])
    assert (finding.count, finding.facts) == (4, {})


@pytest.mark.parametrize(
    ("failures", "error"),
    [
        ((), None),
        ((Failure(""),), None),
        ((Failure("NameError"),), "NameError"),
        ((Failure("", "missing ;"),), "missing ;"),
        ((Failure("E", "m" * 500),), "E: " + "m" * 199 + "…"),
    ],
    ids=["none", "empty", "name only", "message only", "long"],
)
def test_an_error_of_which_little_is_known_or_very_much(failures: tuple[Failure, ...], error: str | None) -> None:
    run = [activity(number, number, outcome="error", code_hash="h1", failures=failures) for number in (1, 2, 3)]
    (finding,) = findings_of(CONSECUTIVE, run)
    assert finding.facts.get("error") == error


def test_simultaneous_attempts_go_by_their_arrival() -> None:
    received = [passing(3, 0), failing(5, 0), failing(2, 0), failing(4, 0), failing(1, 0)]
    assert findings_of(CONSECUTIVE, sequences.in_order(received)) == []
    assert len(findings_of(CONSECUTIVE, sequences.in_order([*received, failing(6, 0)]))) == 1


def test_the_threshold_can_be_set() -> None:
    assert len(findings_of(CONSECUTIVE, attempts("xx"), errors=2)) == 1
    assert findings_of(CONSECUTIVE, attempts("xxxx"), errors=5) == []
