"""The study's tables, as Markdown for docs/explanation/which-signals-tell.md."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from benchmarks.study.candidates import CANDIDATES
from benchmarks.study.results import (
    DEFAULT_SIGNALS,
    EQ,
    RESAMPLES,
    RIVALS,
    Comparison,
    Sample,
    all_works,
    choose,
    samples,
)
from benchmarks.study.scores import Estimate
from benchmarks.study.students import COURSES, HALVES, OUTCOMES, Outcome, Work, any_failed_test

MAIN_HALF, MAIN_OUTCOME = next(iter(HALVES)), next(iter(OUTCOMES))
ROWS = (EQ, *RIVALS)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """Return a value with its interval, "0.66 (0.60 to 0.73)"."""
    form = "+.2f" if signed else ".2f"
    value, low, high = (_minus(format(number, form)) for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _minus(text: str) -> str:
    # No "-0.00".
    return text.replace("-", "+") if text.strip("+-0.") == "" else text


def _percent(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "none marked"
    return f"{estimate.value:.0%} ({estimate.low:.0%} to {estimate.high:.0%})"


def the_class(works: Mapping[str, list[Work]]) -> str:
    """Return the table of the students, and how many end incomplete by each definition."""
    rows = []
    for course in COURSES:
        own = works[course.homework]
        gaps = [
            (after.at - before.at).total_seconds() / 60 for work in own for before, after in pairwise(work.compilations)
        ]
        rows.append(
            [
                course.homework,
                str(len(own)),
                f"{sum(len(work.compilations) for work in own):,}",
                f"{statistics.median(gaps):.0f} min",
                f"{course.complete} of {course.tests}",
                *(_share(outcome, own) for outcome in (*OUTCOMES.values(), any_failed_test)),
            ]
        )
    head = ["homework", "students", "compilations", "median pause", "complete", *OUTCOMES, "any failed test"]
    return _table(head, rows)


def _share(outcome: Outcome, works: Sequence[Work]) -> str:
    ended = [incomplete for work in works if (incomplete := outcome(work)) is not None]
    return f"{sum(ended)} of {len(ended)} ({sum(ended) / len(ended):.0%})"


def the_comparison(main: Sequence[Sample]) -> str:
    """Return the table of every candidate at its default, with its difference to the Error Quotient."""
    against = [{row.candidate.name: row for row in sample.against(EQ, RIVALS)} for sample in main]
    rows = []
    for candidate in ROWS:
        row = [candidate.name, candidate.sort]
        for sample, compared in zip(main, against, strict=True):
            row += [interval(sample.auc(candidate)), _difference(compared.get(candidate.name))]
        rows.append(row)
    head = ["what", "kind"]
    for sample in main:
        head += [f"{sample.course.homework}: AUC", "against the EQ"]
    return _table(head, rows)


def _difference(comparison: Comparison | None) -> str:
    if comparison is None or comparison.difference is None or comparison.p is None:
        return ""
    return f"{interval(comparison.difference, signed=True)}, p {comparison.p:.2f}"


def the_alarms(main: Sequence[Sample]) -> str:
    """Return the table of the signals at their defaults, as alarms."""
    rows = []
    for signal in DEFAULT_SIGNALS:
        for sample in main:
            alerts = sample.alerts(signal)
            rows.append(
                [
                    signal.name,
                    sample.course.homework,
                    _percent(alerts.rate),
                    _percent(alerts.precision),
                    f"{sample.share_incomplete:.0%}",
                    _percent(alerts.recall),
                ]
            )
    return _table(
        ["signal", "homework", "students marked", "of these incomplete", "of all", "found of the incomplete"], rows
    )


def the_thresholds(main: Sequence[Sample]) -> str:
    """Return the table of each signal's best threshold on the first homework, and how it does on the second."""
    first, second = main
    rows = []
    for signal in DEFAULT_SIGNALS:
        chosen = choose(first, second, signal)
        if chosen.best is chosen.default:
            rows.append([signal.name, "the default", "", "", "keep the default"])
            continue
        on_second = chosen.second.difference
        assert on_second is not None
        rows.append(
            [
                signal.name,
                chosen.best.name,
                _difference(chosen.first),
                interval(on_second, signed=True),
                "change it" if chosen.beats_the_default else "keep the default",
            ]
        )
    tried = len(CANDIDATES) - len(ROWS) + len(DEFAULT_SIGNALS)
    return _table(["default", f"best of {tried} on hw03", "better there by", "better on hw04 by", "follows"], rows)


def the_sensitivity(columns: Sequence[tuple[str, Sample]]) -> str:
    """Return the table of the AUCs in other samples, each under its title."""
    head = ["what"]
    for title, sample in columns:
        who = f"{sample.students} students, {sample.share_incomplete:.0%} incomplete"
        head.append(f"{title}, {sample.course.homework} ({who})")
    rows = [[candidate.name, *(interval(sample.auc(candidate)) for _title, sample in columns)] for candidate in ROWS]
    return _table(head, rows)


def sections(works: Mapping[str, list[Work]], main: Sequence[Sample], times: int = RESAMPLES) -> dict[str, str]:
    """Return all tables by the name of their markers in the page."""
    halves = [(half, sample) for half in list(HALVES)[1:] for sample in samples(works, half, MAIN_OUTCOME, times)]
    outcomes = [
        (outcome, sample) for outcome in list(OUTCOMES)[1:] for sample in samples(works, MAIN_HALF, outcome, times)
    ]
    _first, loud = samples(all_works(silent_errors=True), MAIN_HALF, MAIN_OUTCOME, times)
    return {
        "class": the_class(works),
        "comparison": f"{the_halves(main)}\n\n{the_comparison(main)}",
        "alarms": the_alarms(main),
        "thresholds": the_thresholds(main),
        "halves": the_sensitivity(halves),
        "outcomes": the_sensitivity([*outcomes, ("silent compile errors count", loud)]),
    }


def the_halves(main: Sequence[Sample]) -> str:
    """Return the sentence about the students in the samples."""
    parts = (
        f"{sample.course.homework}: {sample.students} students with a median of {sample.median_count:g} compilations in the "
        f"first half, of whom {sample.share_incomplete:.0%} end incomplete"
        for sample in main
    )
    return f"{'; '.join(parts)}."
