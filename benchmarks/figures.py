"""A figure beside its reference."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Row:
    """One thing measured, ours and the reference in turn; both in `unit`."""

    name: str
    unit: str
    reference: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    def line(self) -> str:
        ratios = self.ratios
        return (
            f"| {self.name} | {statistics.median(self.ours):,.1f} {self.unit} | {self.reference} | "
            f"{statistics.median(self.theirs):,.1f} {self.unit} | {statistics.median(ratios):.3g} "
            f"({min(ratios):.3g} to {max(ratios):.3g}) |"
        )
