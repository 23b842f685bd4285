"""The Repeated Error Density: how often, and how persistently, a learner makes the same error again.

Becker, "A new metric to quantify repeated compiler errors for novice programmers", ITiCSE 2016. A run of the same error in
consecutive attempts with r repeats (one less than its attempts) gives r^2 / (r + 1); runs are summed, not normalised.

In attempts with several errors each error has its own runs and counts once an attempt; errors are the same if type and
message are equal, the excerpt of code included. Of the rules that were tried (the first error, the last one, any shared
one, all of them, each by itself; by type, type and line, or message) only this one gives the published values (Svabensky et
al., ITiCSE 2024): 295 of 295 and 281 of 281 students, to 1e-9. By type alone, each by itself gives 135 and 207, the first
error 144 and 219. Messages cleaned by `failures.clean` give all of them too.
"""

from collections.abc import Iterable, Mapping
from math import fsum

Runs = Mapping[tuple[str, str], int]
"""The runs that the last attempt belongs to: repeats so far by the error's type and message, 0 at the first occurrence."""


def run_density(repeats: int) -> float:
    """Return what a run with that many repeats adds to the density."""
    return repeats * repeats / (repeats + 1)


def continued(runs: Runs, errors: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the runs after one more attempt with these errors (none if it succeeded)."""
    return {error: runs[error] + 1 if error in runs else 0 for error in errors}


def ended(runs: Runs, after: Runs) -> float:
    """Return what the runs that are not in `after` add to the density."""
    # fsum gives the same in every version of Python.
    return fsum(run_density(repeats) for error, repeats in runs.items() if error not in after)
