"""How well a number tells two groups apart, and how sure that is: AUC, bootstrap over students, Holm's correction."""

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
    """How likely a positive has a higher value than a negative, ties counting half (Mann and Whitney); NaN where either
    group is empty."""
    wins = _wins(values, positive)
    return float(wins.mean()) if wins.size else float("nan")


def _wins(values: Floats, positive: NDArray[np.bool_]) -> Floats:
    """For each positive and negative 1, 0.5 or 0."""
    above, below = values[positive][:, None], values[~positive][None, :]
    return np.asarray((above > below) + 0.5 * (above == below), dtype=np.float64)


def resamples(students: int, times: int, seed: int) -> Floats:
    """How often each student is drawn, a row a resample, with replacement.

    By Python's own generator, whose stream is the same in every version, as numpy's isn't promised to be.
    """
    chance = random.Random(seed)
    rows = (np.bincount(chance.choices(range(students), k=students), minlength=students) for _ in range(times))
    return np.array(list(rows), dtype=np.float64)


def resampled_aucs(values: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """The AUC of each resample; NaN where one drew nobody of a group."""
    wins = _wins(values, positive)
    above, below = weights[:, positive], weights[:, ~positive]
    with np.errstate(invalid="ignore"):
        return np.asarray(((above @ wins) * below).sum(axis=1) / (above.sum(axis=1) * below.sum(axis=1)))


def estimate(value: float, resampled: Floats) -> Estimate:
    """A value with the percentiles 2.5 and 97.5 of its resamples (the percentile bootstrap)."""
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def two_sided(differences: Floats) -> float:
    """The bootstrap's p that there is no difference: twice the share of resamples beyond 0, at least one of them."""
    known = differences[~np.isnan(differences)]
    beyond = min((known <= 0).sum(), (known >= 0).sum())
    return float(min(1.0, 2 * (beyond + 1) / (len(known) + 1)))


def holm(ps: Sequence[float]) -> list[float]:
    """The ps corrected for their number (Holm 1979), each where it was."""
    corrected = [0.0] * len(ps)
    running = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda one: ps[one])):
        running = max(running, min(1.0, ps[place] * (len(ps) - rank)))
        corrected[place] = running
    return corrected


@dataclass(frozen=True)
class Alerts:
    """A signal as an alarm: whom it marks, of these the share who ended incomplete, and of these the share it marks."""

    rate: Estimate
    precision: Estimate
    recall: Estimate


def alerts(marked: NDArray[np.bool_], positive: NDArray[np.bool_], weights: Floats) -> Alerts:
    """The alert rate, precision and recall of a binary signal. A precision of nobody is NaN."""
    ones = np.ones((1, len(marked)))

    def shares(drawn: Floats) -> tuple[Floats, Floats, Floats]:
        hit, all_marked, all_positive = (drawn[:, one].sum(axis=1) for one in (marked & positive, marked, positive))
        with np.errstate(invalid="ignore", divide="ignore"):
            return all_marked / drawn.sum(axis=1), hit / all_marked, hit / all_positive

    return Alerts(*(_safe(float(now[0]), drawn) for now, drawn in zip(shares(ones), shares(weights), strict=True)))


def _safe(value: float, resampled: Floats) -> Estimate:
    return Estimate(value, value, value) if np.isnan(resampled).all() else estimate(value, resampled)
