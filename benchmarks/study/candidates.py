"""What might tell who doesn't finish: measures, signals at many thresholds, and baselines that need no thought.

A candidate's value is higher the more it is thought to tell of trouble; which way that is was said before looking.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.study.students import Work
from learntrace.metrics import measures
from learntrace.metrics.attempts import Activity
from learntrace.metrics.measures import Measures
from learntrace.signals.detection import Findings, advance
from learntrace.signals.detectors import DETECTORS

MEASURE, SIGNAL, BASELINE = "measure", "signal", "baseline"
ERROR_QUOTIENT = "Error Quotient"


@dataclass(frozen=True)
class Beginning:
    """What a candidate may look at: the first `count` compilations of a student, and when the homework is due."""

    work: Work
    count: int

    @property
    def activities(self) -> Sequence[Activity]:
        return self.work.activities[: self.count]

    @cached_property
    def measures(self) -> Measures:
        return measures.of(self.activities)


@dataclass(frozen=True)
class Candidate:
    """Something that gives each beginning a number. `family` holds a signal's thresholds together."""

    name: str
    sort: str
    value: Callable[[Beginning], float]
    family: str = ""
    is_default: bool = True
    thresholds: dict[str, float] = field(default_factory=dict)


def signal_value(kind: str, thresholds: dict[str, float]) -> Callable[[Beginning], float]:
    """1 where the detector has found anything, whether or not it was resolved; else 0."""
    detector = DETECTORS[kind]
    limits = {**detector.defaults(), **thresholds}

    def value(beginning: Beginning) -> float:
        found = Findings()
        found.apply(advance(detector, detector.begin(), beginning.activities, limits))
        return float(bool(found.by_key))

    return value


def _signals() -> Iterator[Candidate]:
    grids: dict[str, list[dict[str, float]]] = {
        "repeated_error": [{"errors": errors} for errors in range(2, 9)],
        "stuck": [{"minutes": m, "attempts": n} for m in (2, 5, 10, 15, 20) for n in (2, 3, 5, 8)],
        "wheel_spinning": [{"attempts": attempts} for attempts in range(4, 16)],
        "inactive_after_error": [{"minutes": minutes} for minutes in (5, 10, 15, 30, 60)],
    }
    for kind, grid in grids.items():
        defaults = DETECTORS[kind].defaults()
        for thresholds in grid:
            is_default = all(defaults[name] == value for name, value in thresholds.items())
            told = ", ".join(f"{value:g} {name}" for name, value in thresholds.items())
            yield Candidate(f"{kind} ({told})", SIGNAL, signal_value(kind, thresholds), kind, is_default, thresholds)


def longest_run(activities: Sequence[Activity]) -> int:
    """The most failed attempts in a row."""
    longest = running = 0
    for one in activities:
        running = running + 1 if one.failed else 0
        longest = max(longest, running)
    return longest


def _passed_so_far(beginning: Beginning) -> float:
    """Tests failed, or not run, at the last compilation whose tests are known; all of them before the first."""
    known = [one.outcome for one in beginning.work.compilations[: beginning.count] if one.outcome is not None]
    passed = known[-1].t_success if known else 0
    return float(beginning.work.course.complete - passed)


def _lateness(beginning: Beginning) -> float:
    """Seconds from the deadline to the first compilation, below 0 before it."""
    return (beginning.work.first_at - beginning.work.course.deadline).total_seconds()


CANDIDATES: tuple[Candidate, ...] = (
    Candidate(ERROR_QUOTIENT, MEASURE, lambda one: one.measures.error_quotient or 0.0),
    Candidate("Repeated Error Density", MEASURE, lambda one: one.measures.repeated_error_density),
    Candidate("error rate", MEASURE, lambda one: one.measures.errors / max(one.measures.attempts, 1)),
    Candidate("errors", MEASURE, lambda one: float(one.measures.errors)),
    Candidate("active time", MEASURE, lambda one: one.measures.active_seconds),
    Candidate("failed since success", MEASURE, lambda one: float(one.measures.failed_since_success)),
    Candidate("longest run of errors", MEASURE, lambda one: float(longest_run(one.activities))),
    *_signals(),
    Candidate("number of compilations", BASELINE, lambda one: float(one.count)),
    Candidate("a late first compilation", BASELINE, _lateness),
    Candidate("tests not yet passed", BASELINE, _passed_so_far),
)
