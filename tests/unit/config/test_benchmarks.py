"""The table of `make bench`: what is measured together, what is left out, and which targets are met."""

import json

import pytest

from benchmarks.__main__ import compared
from benchmarks.figures import Benchmark, Detail, Row, compare
from benchmarks.payloads import batch_of


def silent(_progress: str) -> None:
    pass


def test_rounds_are_interleaved_and_what_rows_share_is_measured_once_a_round() -> None:
    calls = []

    def measure(name: str, figure: float) -> float:
        calls.append(name)
        return figure

    at_work, stopped = (lambda: measure("at work", 6.0)), (lambda: measure("stopped", 9.0))
    bare = lambda: measure("bare", 3.0)  # noqa: E731
    group = [Benchmark(Row("a", "1/s", "bare"), at_work, bare), Benchmark(Row("b", "1/s", "bare"), stopped, bare)]
    first, second = compare(group, 2, silent)
    assert calls == ["at work", "bare", "stopped"] * 2
    assert (first.ratios, second.ratios) == ([2.0, 2.0], [3.0, 3.0])


def test_a_row_that_is_left_out_says_why_and_is_not_measured() -> None:
    def fail() -> float:
        raise AssertionError("measured")

    row = Row("processing", "1/s", "Celery", target=10.0, left_out="no broker answers")
    assert compare([Benchmark(row, fail, fail)], 2, silent) == [row]
    assert row.line() == "| processing | left out: no broker answers | Celery | | | |"
    assert not row.is_far_off
    assert row.judgement() == ""


def test_a_failed_check_fails_its_rows_and_no_others() -> None:
    def fail() -> float:
        raise AssertionError("2 answers, 1 rows")

    right, wrong = Row("a", "1/s", "bare", 0.7), Row("b", "1/s", "bare", 0.7)
    (first,) = compared([Benchmark(right, lambda: 2.0, lambda: 1.0)], 1)
    (second,) = compared([Benchmark(wrong, lambda: 2.0, fail)], 1)
    assert not first.failed
    assert second.line() == "| b | failed: 2 answers, 1 rows | bare | | | |"
    assert (second.ratios, second.judgement(), second.is_far_off) == ([], "", False)


def test_a_row_tells_each_target_and_whether_the_median_meets_it() -> None:
    p99 = Detail("p99", "ms", 60.0, [50.0, 55.0, 90.0])
    row = Row("ingest", "1/s", "bare", 0.7, ours=[60, 70, 80], theirs=[100, 100, 100], details=[p99])
    assert row.judgement() == "0.7: met; p99 60 ms: met"
    p99.values[1] = 61.0
    row.theirs = [100, 101, 100]
    assert row.judgement() == "0.7: missed; p99 60 ms: missed"
    assert "70.0 1/s, p99 61.0 ms" in row.line()


def test_a_figure_that_may_be_no_larger_is_judged_by_itself() -> None:
    row = Row("a refusal, p99", "ms", "an answer, p99", most=100.0, ours=[101.0], theirs=[50.0])
    assert row.judgement() == "100 ms: missed"
    row.ours = [100.0]
    assert row.judgement() == "100 ms: met"


@pytest.mark.parametrize("kilobytes", [1, 4, 30])
def test_a_batch_has_the_size_that_was_asked_for_and_steps(kilobytes: int) -> None:
    batch = batch_of(kilobytes)
    assert len(json.dumps(batch)) == pytest.approx(kilobytes * 1024, abs=2)
    assert batch["steps"]
    assert batch == batch_of(kilobytes)
