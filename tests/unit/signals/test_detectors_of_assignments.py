"""repeated_error, stuck, wheel_spinning and rapid_fire: hand-made examples of their definitions and edges."""

from collections.abc import Sequence
from typing import Any

import pytest

from learntrace.measures.activity import Activity, Failure
from learntrace.measures.error_groups import group_of
from learntrace.signals.detectors import DETECTORS
from tests.support.sequences import (
    NAME,
    TYPE,
    VALUE,
    aborted,
    activity,
    attempts,
    failing,
    findings_of,
    moment,
    passing,
)

REPEATED = DETECTORS["repeated_error"]
STUCK = DETECTORS["stuck"]
WHEEL = DETECTORS["wheel_spinning"]
RAPID = DETECTORS["rapid_fire"]


def changing(*failures: Any, codes: Sequence[str | None] = "abcdefghijkl") -> list[Activity]:
    """Failed attempts, a minute apart, each with other code; each has one failure or a tuple of them."""
    return [
        failing(number, number * 60, code, *(one if isinstance(one, tuple) else (one,)))
        for number, (one, code) in enumerate(zip(failures, codes, strict=False), 1)
    ]


class TestRepeatedError:
    def test_the_same_error_three_times_in_changed_code(self) -> None:
        (finding,) = findings_of(REPEATED, changing(NAME, NAME, NAME, NAME))
        assert (finding.key, finding.count, finding.opened_at) == ("a1", 4, moment(180))
        assert finding.last_seen_at == moment(240)
        assert (finding.facts["error"], finding.facts["versions"]) == ("NameError: name 'x' is not defined", 4)

    def test_two_are_too_few(self) -> None:
        assert findings_of(REPEATED, changing(NAME, NAME)) == []

    def test_unchanged_code_is_left_to_consecutive_errors_until_it_changes(self) -> None:
        assert findings_of(REPEATED, changing(NAME, NAME, NAME, NAME, codes="aaaa")) == []
        assert findings_of(REPEATED, changing(*[NAME] * 8, codes="aaaaaaab")) == []
        (finding,) = findings_of(REPEATED, changing(NAME, NAME, NAME, NAME, NAME, codes="aaabc"))
        assert (finding.opened_at, finding.count, finding.facts["versions"]) == (moment(300), 5, 3)

    def test_code_that_was_changed_back_is_no_new_version(self) -> None:
        assert findings_of(REPEATED, changing(*[NAME] * 6, codes="ababab")) == []
        (finding,) = findings_of(REPEATED, changing(*[NAME] * 4, codes="abac"))
        assert finding.facts["versions"] == 3

    @pytest.mark.parametrize("codes", [(None, None, None), ("a", "b", None), (None, "a", "b")])
    def test_unknown_code_differs_from_everything_and_its_versions_are_not_told(self, codes: tuple[Any, ...]) -> None:
        (finding,) = findings_of(REPEATED, changing(NAME, NAME, NAME, codes=codes))
        assert "versions" not in finding.facts
        told = REPEATED.sentence_in(str, learner="Ada", count=3, assignment="ex-1", **finding.facts)
        assert told == "Ada got NameError: name 'x' is not defined 3 times in a row on ex-1"

    def test_variants_of_a_group_are_one_error_and_told_as_the_group(self) -> None:
        other = Failure("NameError", "name 'y' is not defined")
        (finding,) = findings_of(REPEATED, changing(NAME, NAME, other, other))
        assert (finding.count, finding.facts["error"]) == (4, "NameError: name '…' is not defined")
        assert finding.facts["error_group"] == group_of(NAME).digest

    def test_another_group_is_another_error(self) -> None:
        assert findings_of(REPEATED, changing(NAME, NAME, TYPE, TYPE)) == []

    def test_all_attempts_of_a_run_have_an_error_in_common(self) -> None:
        (finding,) = findings_of(REPEATED, changing((NAME, TYPE), (TYPE, VALUE), (VALUE, TYPE)))
        assert finding.facts["error_name"] == "TypeError"
        assert findings_of(REPEATED, changing((NAME, TYPE), (TYPE, VALUE), (VALUE, NAME))) == []

    def test_an_attempt_that_shares_none_begins_a_run(self) -> None:
        (finding,) = findings_of(REPEATED, changing(NAME, NAME, TYPE, TYPE, TYPE))
        assert finding.key == "a3"

    def test_a_run_that_was_followed_by_another_error_stays_open_until_a_success(self) -> None:
        activities = changing(NAME, NAME, NAME, TYPE, TYPE, TYPE)
        assert [finding.resolved_by for finding in findings_of(REPEATED, activities)] == ["", ""]
        activities.append(passing(7, 500))
        assert [finding.resolved_by for finding in findings_of(REPEATED, activities)] == ["a7", "a7"]

    def test_a_success_breaks_a_run_and_an_aborted_attempt_does_not(self) -> None:
        first, second, third = changing(NAME, NAME, NAME)
        assert findings_of(REPEATED, [first, second, passing(9, 150), third]) == []
        assert len(findings_of(REPEATED, [first, second, aborted(9, 150), activity(8, 160, "saved"), third])) == 1

    def test_attempts_without_a_known_error_share_none(self) -> None:
        unknown = [activity(number, number, outcome="error", code_hash=str(number)) for number in range(1, 6)]
        assert findings_of(REPEATED, unknown) == []


class TestStuck:
    def test_ten_minutes_and_five_failures(self) -> None:
        """Six failures, two minutes apart: the time is up at the sixth."""
        (finding,) = findings_of(STUCK, attempts("xxxxxx", every=120))
        assert (finding.key, finding.opened_at, finding.count) == ("a1", moment(6 * 120), 6)
        assert finding.facts["minutes"] == 10

    def test_a_microsecond_less_is_too_little(self) -> None:
        activities = attempts("xxxxx", every=120)
        assert findings_of(STUCK, [*activities, failing(6, 6 * 120 - 0.000001)]) == []
        assert len(findings_of(STUCK, [*activities, failing(6, 6 * 120)])) == 1

    def test_it_opens_at_the_first_thing_done_after_the_time_is_up(self) -> None:
        activities = [*attempts("xxxxx", every=120), activity(6, 6 * 120 + 1, "saved"), activity(7, 800, "focused")]
        (finding,) = findings_of(STUCK, activities)
        assert finding.opened_at == finding.last_seen_at == moment(6 * 120 + 1)
        assert (finding.count, finding.evidence) == (5, ["a1", "a2", "a3", "a4", "a5"])
        (finding,) = findings_of(STUCK, [*activities, failing(8, 900, "h2", TYPE)])
        assert (finding.opened_at, finding.last_seen_at, finding.count) == (moment(721), moment(900), 6)
        assert finding.facts["error_name"] == "TypeError"

    def test_four_failures_are_too_few_however_long(self) -> None:
        assert findings_of(STUCK, attempts("xxxx" + "s" * 60)) == []
        assert findings_of(STUCK, attempts("aaaaaa" * 5)) == []

    def test_a_long_pause_counts_as_five_minutes(self) -> None:
        activities = [failing(number, number) for number in range(1, 5)]
        assert findings_of(STUCK, [*activities, failing(5, 3600)]) == []
        assert len(findings_of(STUCK, [*activities, failing(5, 3600), failing(6, 7200)])) == 1
        assert len(findings_of(STUCK, [*activities, failing(5, 3600)], active_gap_seconds=20 * 60)) == 1

    def test_other_activity_before_the_first_failure_is_active_time(self) -> None:
        reading = [activity(number, number * 120, "focused") for number in range(1, 6)]
        failures = [failing(number, 600 + number * 24) for number in range(6, 11)]
        (finding,) = findings_of(STUCK, [*reading, *failures])
        assert (finding.key, finding.count) == ("a6", 5)

    def test_a_success_resolves_it_and_begins_anew(self) -> None:
        activities = attempts("xxxxxx-xxxx", every=120)
        (finding,) = findings_of(STUCK, activities)
        assert (finding.resolved_at, finding.resolved_by) == (moment(7 * 120), "a7")
        _, second = findings_of(STUCK, [*activities, failing(12, 12 * 120)])
        assert (second.key, second.opened_at, second.count) == ("a8", moment(12 * 120), 5)

    def test_the_time_before_a_success_does_not_count_after_it(self) -> None:
        before = attempts("xxxxxx-", every=120)
        assert len(findings_of(STUCK, [*before, *(failing(number, 900 + number) for number in range(8, 20))])) == 1

    def test_a_success_at_the_time_it_would_open_opens_nothing(self) -> None:
        assert findings_of(STUCK, attempts("xxxxx-", every=120)) == []


class TestWheelSpinning:
    def test_ten_attempts_without_three_successes_in_a_row(self) -> None:
        (finding,) = findings_of(WHEEL, attempts("x--x--x--x--"))
        assert (finding.key, finding.opened_at, finding.last_seen_at) == ("a1", moment(600), moment(720))
        assert (finding.count, finding.facts) == (12, {"successes": 3})

    def test_with_nine_nothing_is_known(self) -> None:
        assert findings_of(WHEEL, attempts("xxxxxxxxx")) == []

    def test_aborted_attempts_and_other_verbs_count_for_nothing(self) -> None:
        assert findings_of(WHEEL, attempts("xxxxxaaxssxxx")) == []
        (finding,) = findings_of(WHEEL, attempts("xxxxxxxxxx-a-s-"))
        assert finding.resolved_by == "a15"

    def test_three_in_a_row_at_the_tenth_are_mastery(self) -> None:
        assert findings_of(WHEEL, attempts("xxxxxxx---")) == []
        assert len(findings_of(WHEEL, attempts("xxxxxxxx--"))) == 1

    def test_mastery_ends_it_for_good(self) -> None:
        (finding,) = findings_of(WHEEL, attempts("xxxxxxxxxx---" + "x" * 20))
        assert (finding.resolved_at, finding.resolved_by, finding.count) == (moment(13 * 60), "a13", 12)
        assert findings_of(WHEEL, attempts("---" + "x" * 20)) == []


class TestRapidFire:
    def test_five_within_twenty_seconds(self) -> None:
        (finding,) = findings_of(RAPID, attempts("x-x-x", every=5))
        assert (finding.key, finding.opened_at, finding.count) == ("a1", moment(25), 5)

    def test_a_microsecond_more_is_too_slow(self) -> None:
        assert findings_of(RAPID, [*attempts("xxxx", every=5), failing(5, 25.000001)]) == []

    def test_four_are_too_few_and_aborted_ones_do_not_count(self) -> None:
        assert findings_of(RAPID, attempts("xxxx", every=1)) == []
        assert findings_of(RAPID, attempts("xxaxaxs", every=1)) == []

    def test_it_grows_while_the_last_five_lie_within_twenty_seconds(self) -> None:
        (finding,) = findings_of(RAPID, attempts("x" * 12, every=5))
        assert (finding.key, finding.count, finding.last_seen_at) == ("a1", 12, moment(60))
        assert finding.evidence == [f"a{number}" for number in range(1, 13)]
        assert finding.resolved_at is None

    @pytest.mark.parametrize(
        "over",
        [
            failing(6, 26, "h2"),
            failing(6, 26, None),
            failing(6, 26, object_id="c2"),
            failing(6, 31),
            passing(6, 3600),
        ],
        ids=["other code", "unknown code", "other cell", "a little late", "much later"],
    )
    def test_other_code_or_a_pause_resolves_it(self, over: Activity) -> None:
        (finding,) = findings_of(RAPID, [*attempts("xxxxx", every=5), over])
        assert (finding.resolved_at, finding.resolved_by, finding.count) == (over.at, "a6", 5)

    @pytest.mark.parametrize("between", [aborted(6, 26, "h2"), activity(6, 26, "saved"), activity(6, 90, "focused")])
    def test_what_is_no_execution_does_not_resolve_it(self, between: Activity) -> None:
        (finding,) = findings_of(RAPID, [*attempts("xxxxx", every=5), between])
        assert finding.resolved_at is None

    def test_a_second_burst_of_the_same_code_is_a_finding_of_its_own(self) -> None:
        later = [failing(number, 1000 + number) for number in range(6, 11)]
        first, second = findings_of(RAPID, [*attempts("xxxxx", every=5), *later])
        assert (first.key, first.resolved_by) == ("a1", "a6")
        assert (second.key, second.count) == ("a6", 5)

    def test_unknown_code_never_counts(self) -> None:
        assert findings_of(RAPID, attempts("x" * 20, every=1, code=None)) == []

    def test_an_execution_of_other_code_in_between_begins_anew(self) -> None:
        activities = [failing(number, number, "h2" if number == 4 else "h1") for number in range(1, 9)]
        assert findings_of(RAPID, activities) == []
        assert [finding.key for finding in findings_of(RAPID, [*activities, failing(9, 9)])] == ["a5"]

    def test_all_at_the_same_time(self) -> None:
        assert len(findings_of(RAPID, attempts("xxxxx", every=0))) == 1
