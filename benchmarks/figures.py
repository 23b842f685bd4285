"""A measured figure next to its reference."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Detail:
    """A figure that is told beside a ratio, measured once a round; `most`: what it may be at most, None where none is set.

    Rows that share a measurement share its details.
    """

    name: str
    unit: str
    most: float | None = None
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def judgement(self) -> str:
        """Return `p99 60 ms: met`, or nothing where no target is set."""
        if self.most is None:
            return ""
        return f"{self.name} {self.most:g} {self.unit}: {_met(self.median <= self.most)}"

    def __str__(self) -> str:
        return f"{self.name} {self.median:,.1f} {self.unit}".rstrip()


@dataclass
class Row:
    """The measurements of one benchmark, of Learntrace and of the reference in turn; both in `unit`.

    `target`: the ratio that is aimed at; `most`: what Learntrace's figure may be at most; None where none is set. `left_out`:
    why it can't be measured on this machine; `failed`: what was wrong with what it measured.
    """

    name: str
    unit: str
    reference: str
    target: float | None = None
    most: float | None = None
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    details: Sequence[Detail] = ()
    left_out: str = ""
    failed: str = ""

    def fail(self, reason: str) -> None:
        """Note what was wrong; figures of wrong rows tell nothing."""
        self.failed = reason
        self.ours, self.theirs = [], []

    @property
    def ratios(self) -> list[float]:
        """Learntrace's figure divided by the reference's, for each round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def is_far_off(self) -> bool:
        """Whether even the best round's ratio is below half of its target."""
        return self.target is not None and bool(self.ratios) and max(self.ratios) < self.target / 2

    def judgement(self) -> str:
        """Return each target and whether the median of the rounds meets it; nothing of a row without figures."""
        if not self.ratios:
            return ""
        judged = [detail.judgement() for detail in self.details]
        if self.target is not None:
            judged.insert(0, f"{self.target:g}: {_met(statistics.median(self.ratios) >= self.target)}")
        if self.most is not None:
            judged.insert(0, f"{self.most:g} {self.unit}: {_met(statistics.median(self.ours) <= self.most)}")
        return "; ".join(filter(None, judged))

    def line(self) -> str:
        """Return the row of the Markdown table."""
        if self.failed or self.left_out:
            why = f"failed: {self.failed}" if self.failed else f"left out: {self.left_out}"
            return f"| {self.name} | {why} | {self.reference} | | | |"
        ratios = self.ratios
        ours = ", ".join((f"{statistics.median(self.ours):,.1f} {self.unit}", *map(str, self.details)))
        return (
            f"| {self.name} | {ours} | {self.reference} | "
            f"{statistics.median(self.theirs):,.1f} {self.unit} | {statistics.median(ratios):.3g} "
            f"({min(ratios):.3g} to {max(ratios):.3g}) | {self.judgement()} |"
        )


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"


class Benchmark(NamedTuple):
    """A comparison to run: the row to fill, and the functions that measure Learntrace and the reference once."""

    row: Row
    ours: Callable[[], float]
    theirs: Callable[[], float]


# Comparisons whose rounds are interleaved. A function that several of them name is called once a round for all of them.
Group = list[Benchmark]


def compare(group: Group, rounds: int, progress: Callable[[str], None]) -> list[Row]:
    """Measure in turn, so that other load on the machine affects all; return the rows.

    `progress` is told each round that is over.
    """
    measured = [benchmark for benchmark in group if not benchmark.row.left_out]
    for number in range(rounds if measured else 0):
        figures: dict[Callable[[], float], float] = {}
        for row, ours, theirs in measured:
            for measure, rounds_of in ((ours, row.ours), (theirs, row.theirs)):
                if measure not in figures:
                    figures[measure] = measure()
                rounds_of.append(figures[measure])
        progress(f"{measured[0].row.name}: round {number + 1} of {rounds}, {len(measured)} rows")
    return [benchmark.row for benchmark in group]
