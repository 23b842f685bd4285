"""The study itself: every candidate's value of every student, and what follows. Deterministic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """A candidate's AUC, and how much it differs from another's with the same resamples; `p` is Holm's."""

    candidate: Candidate
    auc: Estimate
    difference: Estimate | None = None
    p: float | None = None


class Sample:
    """The students of a homework in whom a half and an outcome can be seen, and every candidate's value of them."""

    def __init__(
        self, course: Course, works: Iterable[Work], half: Half, outcome: Outcome, *, times: int = RESAMPLES,
        candidates: Iterable[Candidate] = CANDIDATES,
    ) -> None:  # fmt: skip
        self.course = course
        self._times = times
        found = [
            (Beginning(work, count), bool(ended))
            for work in works
            if (count := half(work)) is not None and (ended := outcome(work)) is not None
        ]
        self.beginnings = [beginning for beginning, _ended in found]
        self.incomplete: NDArray[np.bool_] = np.array([ended for _beginning, ended in found], dtype=bool)
        self.values: Mapping[str, Floats] = {
            one.name: np.array([one.value(beginning) for beginning in self.beginnings]) for one in candidates
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
        """The AUC alone."""
        return scores.auc(self.values[candidate.name], self.incomplete)

    def resampled(self, candidate: Candidate) -> Floats:
        return scores.resampled_aucs(self.values[candidate.name], self.incomplete, self.weights)

    def auc(self, candidate: Candidate) -> Estimate:
        return scores.estimate(self.point(candidate), self.resampled(candidate))

    def against(self, reference: Candidate, candidates: Iterable[Candidate]) -> list[Comparison]:
        """Each candidate against the reference, student by student the same resamples; corrected for their number."""
        listed = list(candidates)
        theirs, theirs_resampled = self.point(reference), self.resampled(reference)
        rows = []
        for one in listed:
            resampled = self.resampled(one)
            differences = resampled - theirs_resampled
            value = self.point(one)
            rows.append(
                (one, scores.estimate(value, resampled), scores.estimate(value - theirs, differences),
                 scores.two_sided(differences))
            )  # fmt: skip
        ps = scores.holm([row[3] for row in rows])
        return [Comparison(one, auc, difference, p) for (one, auc, difference, _p), p in zip(rows, ps, strict=True)]

    def alerts(self, candidate: Candidate) -> Alerts:
        return scores.alerts(self.values[candidate.name] > 0, self.incomplete, self.weights)


def named(name: str) -> Candidate:
    return next(one for one in CANDIDATES if one.name == name)


EQ = named(ERROR_QUOTIENT)
# What is compared with the Error Quotient: everything at its default.
RIVALS = tuple(one for one in CANDIDATES if one.is_default and one is not EQ)
DEFAULT_SIGNALS = tuple(one for one in CANDIDATES if one.sort == SIGNAL and one.is_default)


def family_of(signal: Candidate) -> list[Candidate]:
    """The signal at all thresholds that were tried, its default among them."""
    return [one for one in CANDIDATES if one.family == signal.family]


def works(*, silent_errors: bool = False) -> dict[str, list[Work]]:
    """The work of every student, by homework (`works_of`)."""
    return {course.homework: works_of(course, silent_errors=silent_errors) for course in COURSES}


def samples(read: Mapping[str, list[Work]], half: str, outcome: str, times: int = RESAMPLES) -> list[Sample]:
    """A sample of each homework; `half` and `outcome` are named as in `HALVES` and `OUTCOMES`."""
    return [Sample(course, read[course.homework], HALVES[half], OUTCOMES[outcome], times=times) for course in COURSES]


@dataclass(frozen=True)
class Chosen:
    """A signal's threshold that was best on the first homework, and how it differs from the default on both."""

    default: Candidate
    best: Candidate
    first: Comparison
    second: Comparison

    @property
    def beats_the_default(self) -> bool:
        """The rule, said before looking: better on the first homework beyond noise after correction for all thresholds
        that were tried, and better on the second one beyond noise."""
        if self.best is self.default or self.first.difference is None or self.second.difference is None:
            return False
        is_sure = self.first.p is not None and self.first.p < 0.05 and self.first.difference.low > 0
        return is_sure and self.second.difference.low > 0


def choose(first: Sample, second: Sample, default: Candidate) -> Chosen:
    """Choose on the first homework, confirm on the second."""
    others = [one for one in family_of(default) if one is not default]
    # The default is preferred where others are no better.
    best = max(family_of(default), key=lambda one: (round(first.point(one), 9), one is default))
    if best is default:
        same = Comparison(default, first.auc(default)), Comparison(default, second.auc(default))
        return Chosen(default, default, *same)
    on_first = next(one for one in first.against(default, others) if one.candidate is best)
    return Chosen(default, best, on_first, second.against(default, [best])[0])
