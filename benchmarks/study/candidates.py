"""Candidates to predict who doesn't finish: measures, signals at many thresholds, and simple baselines.

A candidate's value is higher the more trouble it is expected to mean; the direction was fixed before looking at the data.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.study.students import Work
from learntrace.measures import learner_measures
from learntrace.measures.activity import Activity
from learntrace.measures.learner_measures import Measures
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.detectors.base import Findings, advance

MEASURE, SIGNAL, BASELINE = "measure", "signal", "baseline"
ERROR_QUOTIENT = "Error Quotient"


@dataclass(frozen=True)
class Beginning:
    """The data that a candidate may use: the first `count` compilations of a student, and the deadline of the homework."""

    work: Work
    count: int

    @property
    def activities(self) -> Sequence[Activity]:
        return self.work.activities[: self.count]

    @cached_property
    def measures(self) -> Measures:
        return learner_measures.of(self.activities)


@dataclass(frozen=True)
class Candidate:
    """A function that gives each beginning a number; a signal at all its thresholds is one `family`."""

    name: str
    sort: str
    value: Callable[[Beginning], float]
    family: str = ""
    is_default: bool = True
    thresholds: dict[str, float] = field(default_factory=dict)


def signal_value(kind: str, thresholds: dict[str, float]) -> Callable[[Beginning], float]:
    """Return a function that gives 1 if the detector has any finding, resolved or not, else 0."""
    detector = DETECTORS[kind]
    limits = {**detector.defaults(), **thresholds}

    def value(beginning: Beginning) -> float:
        findings = Findings()
        findings.apply(advance(detector, detector.begin(), beginning.activities, limits))
        return float(bool(findings.by_key))

    return value


def _signals() -> Iterator[Candidate]:
    grids: dict[str, list[dict[str, float]]] = {
        "repeated_error": [{"versions": versions} for versions in range(2, 9)],
        "stuck": [
            {"minutes": minutes, "attempts": attempts} for minutes in (2, 5, 10, 15, 20) for attempts in (2, 3, 5, 8)
        ],
        "wheel_spinning": [{"attempts": attempts} for attempts in range(4, 16)],
        "inactive_after_error": [{"minutes": minutes} for minutes in (5, 10, 15, 30, 60)],
    }
    for kind, grid in grids.items():
        defaults = DETECTORS[kind].defaults()
        for thresholds in grid:
            is_default = all(defaults[name] == value for name, value in thresholds.items())
            limits = ", ".join(f"{value:g} {name}" for name, value in thresholds.items())
            yield Candidate(f"{kind} ({limits})", SIGNAL, signal_value(kind, thresholds), kind, is_default, thresholds)


def longest_run(activities: Sequence[Activity]) -> int:
    """Return the length of the longest run of failed attempts."""
    longest = running = 0
    for activity in activities:
        running = running + 1 if activity.failed else 0
        longest = max(longest, running)
    return longest


def _not_passed(beginning: Beginning) -> float:
    """Return the tests failed, or not run, at the last compilation with known tests; all of them before the first."""
    compilations = beginning.work.compilations[: beginning.count]
    outcomes = [compilation.outcome for compilation in compilations if compilation.outcome is not None]
    passed = outcomes[-1].t_success if outcomes else 0
    return float(beginning.work.course.complete - passed)


def _lateness(beginning: Beginning) -> float:
    """Return the seconds from the deadline to the first compilation, negative before the deadline."""
    return (beginning.work.first_at - beginning.work.course.deadline).total_seconds()


CANDIDATES: tuple[Candidate, ...] = (
    Candidate(ERROR_QUOTIENT, MEASURE, lambda start: start.measures.error_quotient or 0.0),
    Candidate("Repeated Error Density", MEASURE, lambda start: start.measures.repeated_error_density),
    Candidate("error rate", MEASURE, lambda start: start.measures.errors / max(start.measures.attempts, 1)),
    Candidate("errors", MEASURE, lambda start: float(start.measures.errors)),
    Candidate("active time", MEASURE, lambda start: start.measures.active_seconds),
    Candidate("failed since success", MEASURE, lambda start: float(start.measures.failed_since_success)),
    Candidate("longest run of errors", MEASURE, lambda start: float(longest_run(start.activities))),
    *_signals(),
    Candidate("number of compilations", BASELINE, lambda start: float(start.count)),
    Candidate("a late first compilation", BASELINE, _lateness),
    Candidate("tests not yet passed", BASELINE, _not_passed),
)
