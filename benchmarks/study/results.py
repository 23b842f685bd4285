"""The study's results: the value of each candidate for each student, and the comparisons. Deterministic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.study import scores
from benchmarks.study.candidates import CANDIDATES, ERROR_QUOTIENT, SIGNAL, Beginning, Candidate
from benchmarks.study.scores import Alerts, Estimate, Floats
from benchmarks.study.students import COURSES, HALVES, OUTCOMES, Course, Half, Outcome, Work, works_of

SEED = 2020
RESAMPLES = 5000


@dataclass(frozen=True)
class Comparison:
    """A candidate's AUC, and its difference to another's on the same resamples; `p` is corrected after Holm."""

    candidate: Candidate
    auc: Estimate
    difference: Estimate | None = None
    p: float | None = None


class Sample:
    """The students of a homework with a known half and outcome, and the value of each candidate for each of them."""

    def __init__(
        self,
        course: Course,
        works: Iterable[Work],
        half: Half,
        outcome: Outcome,
        *,
        times: int = RESAMPLES,
        candidates: Iterable[Candidate] = CANDIDATES,
    ) -> None:
        self.course = course
        self._times = times
        students = [
            (Beginning(work, count), bool(ended))
            for work in works
            if (count := half(work)) is not None and (ended := outcome(work)) is not None
        ]
        self.beginnings = [beginning for beginning, _ended in students]
        self.incomplete: NDArray[np.bool_] = np.array([ended for _beginning, ended in students], dtype=bool)
        self.values: Mapping[str, Floats] = {
            candidate.name: np.array([candidate.value(beginning) for beginning in self.beginnings])
            for candidate in candidates
        }

    @property
    def students(self) -> int:
        return len(self.beginnings)

    @property
    def share_incomplete(self) -> float:
        return float(self.incomplete.mean())

    @property
    def median_count(self) -> float:
        """The median number of compilations in the half."""
        return float(np.median([beginning.count for beginning in self.beginnings]))

    @cached_property
    def weights(self) -> Floats:
        return scores.resamples(self.students, self._times, SEED)

    def point(self, candidate: Candidate) -> float:
        """Return the AUC without its interval."""
        return scores.auc(self.values[candidate.name], self.incomplete)

    def resampled(self, candidate: Candidate) -> Floats:
        return scores.resampled_aucs(self.values[candidate.name], self.incomplete, self.weights)

    def auc(self, candidate: Candidate) -> Estimate:
        return scores.estimate(self.point(candidate), self.resampled(candidate))

    def against(self, reference: Candidate, candidates: Iterable[Candidate]) -> list[Comparison]:
        """Compare each candidate with the reference on the same resamples; the ps are corrected for their number."""
        theirs = self.point(reference), self.resampled(reference)
        compared = [self._against(theirs, candidate) for candidate in candidates]
        corrected = scores.holm([p for _comparison, p in compared])
        return [replace(comparison, p=p) for (comparison, _p), p in zip(compared, corrected, strict=True)]

    def _against(self, reference: tuple[float, Floats], candidate: Candidate) -> tuple[Comparison, float]:
        """Return a comparison without its p, and the uncorrected p; `reference` is an AUC and its resamples."""
        value, resampled = self.point(candidate), self.resampled(candidate)
        differences = resampled - reference[1]
        difference = scores.estimate(value - reference[0], differences)
        comparison = Comparison(candidate, scores.estimate(value, resampled), difference)
        return comparison, scores.two_sided(differences)

    def alerts(self, candidate: Candidate) -> Alerts:
        return scores.alerts(self.values[candidate.name] > 0, self.incomplete, self.weights)


def named(name: str) -> Candidate:
    return next(candidate for candidate in CANDIDATES if candidate.name == name)


EQ = named(ERROR_QUOTIENT)
# Every candidate at its default is compared with the Error Quotient.
RIVALS = tuple(candidate for candidate in CANDIDATES if candidate.is_default and candidate is not EQ)
DEFAULT_SIGNALS = tuple(candidate for candidate in CANDIDATES if candidate.sort == SIGNAL and candidate.is_default)


def family_of(signal: Candidate) -> list[Candidate]:
    """Return the signal at all thresholds that were tried, the default included."""
    return [candidate for candidate in CANDIDATES if candidate.family == signal.family]


def all_works(*, silent_errors: bool = False) -> dict[str, list[Work]]:
    """Return the work of every student, by homework (`works_of`)."""
    return {course.homework: works_of(course, silent_errors=silent_errors) for course in COURSES}


def samples(works: Mapping[str, list[Work]], half: str, outcome: str, times: int = RESAMPLES) -> list[Sample]:
    """Return a sample of each homework; `half` and `outcome` are named as in `HALVES` and `OUTCOMES`."""
    return [Sample(course, works[course.homework], HALVES[half], OUTCOMES[outcome], times=times) for course in COURSES]


@dataclass(frozen=True)
class Chosen:
    """A signal's threshold that was best on the first homework, and its difference to the default on both."""

    default: Candidate
    best: Candidate
    first: Comparison
    second: Comparison

    @property
    def beats_the_default(self) -> bool:
        """Whether the default should change, by the rule fixed before looking at the data.

        The threshold has to be better beyond noise on the first homework, after correction for all thresholds that were
        tried, and better beyond noise on the second.
        """
        if self.best is self.default or self.first.difference is None or self.second.difference is None:
            return False
        is_sure = self.first.p is not None and self.first.p < 0.05 and self.first.difference.low > 0
        return is_sure and self.second.difference.low > 0


def choose(first: Sample, second: Sample, default: Candidate) -> Chosen:
    """Choose a threshold on the first homework and confirm it on the second."""
    others = [candidate for candidate in family_of(default) if candidate is not default]
    # The default wins a tie.
    best = max(family_of(default), key=lambda candidate: (round(first.point(candidate), 9), candidate is default))
    if best is default:
        same = Comparison(default, first.auc(default)), Comparison(default, second.auc(default))
        return Chosen(default, default, *same)
    on_first = next(row for row in first.against(default, others) if row.candidate is best)
    return Chosen(default, best, on_first, second.against(default, [best])[0])
