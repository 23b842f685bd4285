"""A measured figure next to its reference."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Row:
    """The measurements of one benchmark, of Learntrace and of the reference in turn; both in `unit`.

    `target`: the ratio that is aimed at, None where a smaller figure is better or none is set.
    """

    name: str
    unit: str
    reference: str
    target: float | None = None
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Learntrace's figure divided by the reference's, for each round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def is_far_off(self) -> bool:
        """Whether even the best round's ratio is below half of its target."""
        return self.target is not None and max(self.ratios) < self.target / 2

    def line(self) -> str:
        """Return the row of the Markdown table."""
        ratios = self.ratios
        return (
            f"| {self.name} | {statistics.median(self.ours):,.1f} {self.unit} | {self.reference} | "
            f"{statistics.median(self.theirs):,.1f} {self.unit} | {statistics.median(ratios):.3g} "
            f"({min(ratios):.3g} to {max(ratios):.3g}) |"
        )


class Benchmark(NamedTuple):
    """A comparison to run: the row to fill, and the functions that measure Learntrace and the reference once."""

    row: Row
    ours: Callable[[], float]
    theirs: Callable[[], float]
