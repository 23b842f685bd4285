"""The study's tables, as they stand in docs/explanation/which-signals-tell.md."""

import math
import statistics
from collections.abc import Mapping, Sequence

from benchmarks.study.candidates import CANDIDATES
from benchmarks.study.results import DEFAULT_SIGNALS, EQ, RESAMPLES, RIVALS, Sample, choose, samples, works
from benchmarks.study.scores import Estimate
from benchmarks.study.students import COURSES, HALVES, OUTCOMES, Work, any_failed_test

MAIN_HALF, MAIN_OUTCOME = next(iter(HALVES)), next(iter(OUTCOMES))
ROWS = (EQ, *RIVALS)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def interval(one: Estimate, *, signed: bool = False) -> str:
    """A value with its interval, "0.66 (0.60 to 0.73)"."""
    form = "+.2f" if signed else ".2f"
    value, low, high = (_minus(format(number, form)) for number in (one.value, one.low, one.high))
    return f"{value} ({low} to {high})"


def _minus(text: str) -> str:
    # No "-0.00".
    return text.replace("-", "+") if text.strip("+-0.") == "" else text


def _percent(one: Estimate) -> str:
    if math.isnan(one.value):
        return "none marked"
    return f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"


def the_class(read: Mapping[str, list[Work]]) -> str:
    """Who there is, and how many end incomplete by each way to say it."""
    rows = []
    for course in COURSES:
        works = read[course.homework]
        gaps = [
            (after.at - before.at).total_seconds() / 60
            for work in works
            for before, after in zip(work.compilations, work.compilations[1:], strict=False)
        ]
        ended = {**OUTCOMES, "literally": any_failed_test}
        shares = [[found for work in works if (found := outcome(work)) is not None] for outcome in ended.values()]
        rows.append(
            [
                course.homework,
                str(len(works)),
                f"{sum(len(work.compilations) for work in works):,}",
                f"{statistics.median(gaps):.0f} min",
                f"{course.complete} of {course.tests}",
                *(f"{sum(share)} of {len(share)} ({sum(share) / len(share):.0%})" for share in shares),
            ]
        )
    head = ["homework", "students", "compilations", "median pause", "complete", *OUTCOMES, "any failed test"]
    return _table(head, rows)


def the_comparison(main: Sequence[Sample]) -> str:
    """Every candidate at its default, with its difference to the Error Quotient."""
    against = [{one.candidate.name: one for one in sample.against(EQ, RIVALS)} for sample in main]
    rows = []
    for candidate in ROWS:
        row = [candidate.name, candidate.sort]
        for sample, compared in zip(main, against, strict=True):
            other = compared.get(candidate.name)
            row.append(interval(sample.auc(candidate)))
            if other is None or other.difference is None or other.p is None:
                row.append("")
            else:
                row.append(f"{interval(other.difference, signed=True)}, p {other.p:.2f}")
        rows.append(row)
    head = ["what", "kind"]
    for sample in main:
        head += [f"{sample.course.homework}: AUC", "against the EQ"]
    return _table(head, rows)


def the_alarms(main: Sequence[Sample]) -> str:
    """The signals at their defaults, as alarms."""
    rows = []
    for signal in DEFAULT_SIGNALS:
        for sample in main:
            found = sample.alerts(signal)
            rows.append(
                [signal.name, sample.course.homework, _percent(found.rate), _percent(found.precision),
                 f"{sample.share_incomplete:.0%}", _percent(found.recall)]
            )  # fmt: skip
    return _table(
        ["signal", "homework", "students marked", "of these incomplete", "of all", "found of the incomplete"], rows
    )


def the_thresholds(main: Sequence[Sample]) -> str:
    """For each signal the thresholds that were best on the first homework, and what they do on the second."""
    first, second = main
    rows = []
    for signal in DEFAULT_SIGNALS:
        chosen = choose(first, second, signal)
        if chosen.best is chosen.default:
            rows.append([signal.name, "the default", "", "", "keep the default"])
            continue
        on_first, on_second = chosen.first.difference, chosen.second.difference
        assert on_first is not None
        assert on_second is not None
        rows.append(
            [signal.name, chosen.best.name, f"{interval(on_first, signed=True)}, p {chosen.first.p:.2f}",
             interval(on_second, signed=True), "change it" if chosen.beats_the_default else "keep the default"]
        )  # fmt: skip
    return _table(["default", f"best of {len(CANDIDATES) - len(ROWS) + len(DEFAULT_SIGNALS)} on hw03",
                   "better there by", "better on hw04 by", "follows"], rows)  # fmt: skip


def the_sensitivity(columns: Sequence[tuple[str, Sample]]) -> str:
    """The AUCs in other samples, each under its title."""
    head = ["what"]
    for title, sample in columns:
        who = f"{sample.students} students, {sample.share_incomplete:.0%} incomplete"
        head.append(f"{title}, {sample.course.homework} ({who})")
    rows = [[one.name, *(interval(sample.auc(one)) for _title, sample in columns)] for one in ROWS]
    return _table(head, rows)


def sections(read: Mapping[str, list[Work]], main: Sequence[Sample], times: int = RESAMPLES) -> dict[str, str]:
    """All tables by the name of their place in the page."""
    halves = [(half, one) for half in list(HALVES)[1:] for one in samples(read, half, MAIN_OUTCOME, times)]
    outcomes = [(outcome, one) for outcome in list(OUTCOMES)[1:] for one in samples(read, MAIN_HALF, outcome, times)]
    _first, loud = samples(works(silent_errors=True), MAIN_HALF, MAIN_OUTCOME, times)
    return {
        "class": the_class(read),
        "comparison": f"{the_halves(main)}\n\n{the_comparison(main)}",
        "alarms": the_alarms(main),
        "thresholds": the_thresholds(main),
        "halves": the_sensitivity(halves),
        "outcomes": the_sensitivity([*outcomes, ("silent compile errors count", loud)]),
    }


def the_halves(main: Sequence[Sample]) -> str:
    """Who is left to look at."""
    told = (
        f"{one.course.homework}: {one.students} students with a median of {one.median_count:g} compilations in the first "
        f"half, of whom {one.share_incomplete:.0%} end incomplete"
        for one in main
    )
    return f"{'; '.join(told)}."
