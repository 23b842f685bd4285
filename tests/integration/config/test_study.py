"""The study behind docs/explanation/which-signals-tell.md: its arithmetic, and that the page says what it finds."""

import re
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pytest

from benchmarks.study import scores, tables
from benchmarks.study.__main__ import DOCS, PAGE, written
from benchmarks.study.candidates import Beginning, longest_run, signal_value
from benchmarks.study.results import DEFAULT_SIGNALS, Sample, all_works
from benchmarks.study.students import (
    COURSES,
    HALVES,
    OUTCOMES,
    Work,
    any_failed_test,
    failing_tests_at_the_end,
    first_five,
    half_of_compilations,
    half_of_the_time,
    incomplete_at_the_end,
    incomplete_at_the_very_end,
)
from learntrace.config.demo.cs1 import Compilation, CompilerError, Outcome

COURSE = COURSES[0]
ERROR = (CompilerError("hw3.java", 3, "';' expected"),)


def work(*hours_and_passed: tuple[float, int | None]) -> Work:
    """A student's compilations: hours before the deadline, and tests passed, None for one that doesn't compile."""
    compilations = [
        Compilation(
            "ada",
            COURSE.deadline - timedelta(hours=hours),
            () if passed is not None else ERROR,
            Outcome(COURSE.tests - passed, passed, 0, 0) if passed is not None else Outcome(0, 0, 1, 0),
        )
        for hours, passed in hours_and_passed
    ]
    return Work(
        COURSE, "ada", compilations, [one.activity(COURSE.homework, place) for place, one in enumerate(compilations)]
    )


def numbers(*values: float) -> scores.Floats:
    return np.array(values, dtype=float)


POSITIVE = np.array([True, True, True, False, False])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((5, 4, 3, 2, 1), 1.0),
        ((1, 2, 3, 4, 5), 0.0),
        ((1, 1, 1, 1, 1), 0.5),
        ((1, 1, 0, 1, 0), (0.5 + 1 + 0.5 + 1 + 0 + 0.5) / 6),
        ((9, 1, 5, 4, 0), 5 / 6),
    ],
)
def test_the_auc_is_the_share_of_pairs_in_which_the_positive_is_higher(
    values: tuple[float, ...], expected: float
) -> None:
    assert scores.auc(numbers(*values), POSITIVE) == pytest.approx(expected)


def test_the_auc_of_a_resample_is_that_of_the_students_it_drew() -> None:
    values, weights = numbers(3, 1, 2, 2, 0), scores.resamples(5, 200, seed=7)
    resampled = scores.resampled_aucs(values, POSITIVE, weights)
    for row, found in zip(weights.astype(int), resampled, strict=True):
        drawn = np.repeat(np.arange(5), row)
        assert scores.auc(values[drawn], POSITIVE[drawn]) == pytest.approx(found, nan_ok=True)


def test_resamples_draw_as_many_as_there_are_and_the_same_with_the_same_seed() -> None:
    weights = scores.resamples(30, 50, seed=1)
    assert weights.shape == (50, 30)
    assert set(weights.sum(axis=1)) == {30.0}
    assert (weights == scores.resamples(30, 50, seed=1)).all()
    assert (weights != scores.resamples(30, 50, seed=2)).any()


def test_an_interval_holds_the_middle_95_percent_and_leaves_out_what_is_unknown() -> None:
    estimate = scores.estimate(0.5, numbers(*(number / 1000 for number in range(1001)), float("nan")))
    assert (estimate.low, estimate.high) == pytest.approx((0.025, 0.975))


def test_an_interval_holds_the_true_value_about_as_often_as_it_says() -> None:
    # Two normal groups a standard deviation apart: their AUC is Phi(1 / sqrt(2)) = 0.7602.
    chance = np.random.default_rng(5)
    positive = np.arange(80) < 40
    weights = scores.resamples(80, 400, seed=3)
    held = 0
    for _ in range(200):
        values = chance.normal(size=80) + positive
        estimate = scores.estimate(scores.auc(values, positive), scores.resampled_aucs(values, positive, weights))
        held += estimate.low <= 0.7602 <= estimate.high
    assert 0.89 <= held / 200 <= 0.99


def test_the_p_of_a_difference_is_twice_the_share_beyond_zero() -> None:
    assert scores.two_sided(numbers(*[1.0] * 999)) == pytest.approx(2 / 1000)
    assert scores.two_sided(numbers(*[1.0] * 90, *[-1.0] * 9)) == pytest.approx(2 * 10 / 100)
    assert scores.two_sided(numbers(0, 0, 0)) == 1.0


def test_ps_are_corrected_as_holm_does() -> None:
    assert scores.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert scores.holm([0.9, 0.8]) == [1.0, 1.0]


def test_alarms_have_a_rate_a_precision_and_a_recall() -> None:
    found = scores.alerts(np.array([True, True, False, True, False]), POSITIVE, scores.resamples(5, 100, seed=1))
    assert (found.rate.value, found.precision.value, found.recall.value) == pytest.approx((3 / 5, 2 / 3, 2 / 3))
    nobody = scores.alerts(np.zeros(5, dtype=bool), POSITIVE, scores.resamples(5, 100, seed=1))
    assert np.isnan(nobody.precision.value)


@pytest.mark.parametrize(
    ("compilations", "incomplete", "very_last", "tests_ran", "literal"),
    [
        ([(20, 3), (1, 18)], False, False, False, False),
        ([(20, 18), (1, 17)], True, True, True, True),
        ([(20, 18), (1, None)], True, True, None, True),
        ([(20, 3), (-47, 18)], False, False, False, False),  # late, but not too late
        ([(20, 3), (-49, 18)], True, False, True, True),
        ([(-49, 18)], None, False, None, None),
    ],
)  # fmt: skip
def test_who_ends_incomplete(
    compilations: list[tuple[float, int | None]], incomplete: bool | None, very_last: bool | None,
    tests_ran: bool | None, literal: bool | None,
) -> None:  # fmt: skip
    one = work(*compilations)
    assert incomplete_at_the_end(one) is incomplete
    assert incomplete_at_the_very_end(one) is very_last
    assert failing_tests_at_the_end(one) is tests_ran
    assert any_failed_test(one) is literal


def test_a_first_half_ends_before_the_homework_does() -> None:
    one = work((40, 0), (30, 1), (21, 2), (19, 3), (1, 4), (-40, 5), (-50, 6))
    assert half_of_compilations(one) == 3  # of six: the last is too late
    assert half_of_the_time(one) == 3  # until 20 hours before the deadline
    assert first_five(one) == 5
    short = work((40, 0), (39, 1), (38, 18))
    assert [half(short) for half in HALVES.values()] == [None, None, None]
    assert half_of_the_time(work((-1, 0), (-2, 0))) is None


def test_candidates_look_at_the_first_half_alone() -> None:
    one = work((9, None), (8, None), (7, None), (6, 2), (5, None), (4, 1))
    assert longest_run(one.activities) == 3
    repeated = signal_value("repeated_error", {"versions": 3})
    assert (repeated(Beginning(one, 2)), repeated(Beginning(one, 3))) == (0.0, 1.0)
    assert Beginning(one, 2).measures.attempts == 2


def test_the_page_needs_a_place_for_every_table() -> None:
    assert (
        written("<!-- a: begin -->\nold\n<!-- a: end -->\n", {"a": "new"})
        == "<!-- a: begin -->\nnew\n<!-- a: end -->\n"
    )
    with pytest.raises(ValueError, match="0 places for a"):
        written("nothing", {"a": "new"})


@pytest.fixture(scope="module")
def read() -> Mapping[str, list[Work]]:
    return all_works()


def section(name: str) -> str:
    found = re.search(rf"<!-- {name}: begin -->\n(.*?)\n<!-- {name}: end -->", PAGE.read_text(), re.DOTALL)
    assert found, name
    return found[1]


def cells(table: str) -> dict[str, list[str]]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    return {row[0]: row[1:] for row in rows[2:]}


def test_the_page_says_who_there_is(read: Mapping[str, list[Work]]) -> None:
    assert section("class") == tables.the_class(read)


@pytest.fixture(scope="module")
def main(read: Mapping[str, list[Work]]) -> list[Sample]:
    """The samples of the page's main table, without what only intervals need."""
    half, outcome = HALVES[tables.MAIN_HALF], OUTCOMES[tables.MAIN_OUTCOME]
    return [Sample(course, read[course.homework], half, outcome, times=1, candidates=tables.ROWS) for course in COURSES]


def test_the_page_says_how_well_each_candidate_tells(main: list[Sample]) -> None:
    told = section("comparison")
    assert tables.the_halves(main) in told
    rows = cells(told)
    assert list(rows) == [one.name for one in tables.ROWS]
    for candidate in tables.ROWS:
        row = rows[candidate.name]
        assert [row[1].split()[0], row[3].split()[0]] == [f"{sample.point(candidate):.2f}" for sample in main]


def test_the_page_says_how_many_students_each_signal_marks(main: list[Sample]) -> None:
    lines = section("alarms").splitlines()[2:]
    marked = [line.split("|")[3].split()[0] for line in lines]
    assert marked == [f"{(sample.values[signal.name] > 0).mean():.0%}" for signal in DEFAULT_SIGNALS for sample in main]


def test_the_pictures_of_the_page_are_there() -> None:
    named = re.findall(r"\.\./pictures/([\w-]+\.svg)", PAGE.read_text())
    assert len(named) == 2
    for name in named:
        assert (DOCS / "pictures" / name).read_text().startswith("<?xml")
