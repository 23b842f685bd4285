"""Completion rates (docs/explanation/signals.md, "Measures").

Rates are 0 to 100, like every `completion_rate` of the contract. The denominators are the published assignments and the
members of the class, not the assignments and learners that were seen.
"""

from collections.abc import Collection, Iterable


def learner_rate(done: Collection[str], published: Collection[str]) -> float | None:
    """Return the share of the published assignments that a learner has done; None if nothing is published."""
    return _rate(len(set(done).intersection(published)), len(set(published)))


def class_rate(done: Iterable[Collection[str]], learners: int, published: Collection[str]) -> float | None:
    """Return the share of the published assignments that a class of `learners` has done.

    `done` holds the assignments of each learner who has done any. None if nothing is published or the class is empty.
    """
    keys = set(published)
    return _rate(sum(len(keys.intersection(own)) for own in done), learners * len(keys))


def assignment_rate(learners_done: int, learners: int) -> float | None:
    """Return the share of a class that has done one assignment; None if the class is empty."""
    return _rate(learners_done, learners)


def _rate(done: int, total: int) -> float | None:
    return 100 * done / total if total else None
