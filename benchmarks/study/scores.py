"""How well a number separates two groups, and how certain that is: AUC, bootstrap over students, Holm's correction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def auc(values: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive has a higher value than a negative, ties counting half (Mann and Whitney).

    NaN if either group is empty.
    """
    wins = _wins(values, positive)
    return float(wins.mean()) if wins.size else float("nan")


def _wins(values: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Return 1, 0.5 or 0 for each pair of a positive (row) and a negative (column)."""
    above, below = values[positive][:, None], values[~positive][None, :]
    return np.asarray((above > below) + 0.5 * (above == below), dtype=np.float64)


def resamples(students: int, times: int, seed: int) -> Floats:
    """Return how often each student is drawn with replacement; one row a resample.

    Python's own generator draws: its stream is the same in every version, which numpy does not promise for its own.
    """
    chance = random.Random(seed)
    rows = (np.bincount(chance.choices(range(students), k=students), minlength=students) for _ in range(times))
    return np.array(list(rows), dtype=np.float64)


def resampled_aucs(values: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return the AUC of each resample; NaN where it drew nobody of a group."""
    wins = _wins(values, positive)
    above, below = weights[:, positive], weights[:, ~positive]
    with np.errstate(invalid="ignore"):
        return np.asarray(((above @ wins) * below).sum(axis=1) / (above.sum(axis=1) * below.sum(axis=1)))


def estimate(value: float, resampled: Floats) -> Estimate:
    """Return a value with the percentiles 2.5 and 97.5 of its resamples (the percentile bootstrap)."""
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def two_sided(differences: Floats) -> float:
    """Return the bootstrap's p of no difference: twice the share of resamples beyond 0, counting at least one."""
    known = differences[~np.isnan(differences)]
    beyond = min((known <= 0).sum(), (known >= 0).sum())
    return float(min(1.0, 2 * (beyond + 1) / (len(known) + 1)))


def holm(ps: Sequence[float]) -> list[float]:
    """Return the ps corrected for their number (Holm 1979), in the given order."""
    corrected = [0.0] * len(ps)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        running = max(running, min(1.0, ps[index] * (len(ps) - rank)))
        corrected[index] = running
    return corrected


@dataclass(frozen=True)
class Alerts:
    """A signal as an alarm.

    `rate` is the share of students it marks, `precision` the share of these who end incomplete, `recall` the share of the
    students ending incomplete that it marks.
    """

    rate: Estimate
    precision: Estimate
    recall: Estimate


def alerts(marked: NDArray[np.bool_], positive: NDArray[np.bool_], weights: Floats) -> Alerts:
    """Return the alert rate, precision and recall of a binary signal; the precision is NaN if nobody is marked."""
    ones = np.ones((1, len(marked)))

    def shares(drawn: Floats) -> tuple[Floats, Floats, Floats]:
        hit, all_marked, all_positive = (drawn[:, group].sum(axis=1) for group in (marked & positive, marked, positive))
        with np.errstate(invalid="ignore", divide="ignore"):
            return all_marked / drawn.sum(axis=1), hit / all_marked, hit / all_positive

    return Alerts(*(_safe(float(value[0]), drawn) for value, drawn in zip(shares(ones), shares(weights), strict=True)))


def _safe(value: float, resampled: Floats) -> Estimate:
    return Estimate(value, value, value) if np.isnan(resampled).all() else estimate(value, resampled)
