"""The middle half of a class's scores on each asset."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Aggregate, Count, FloatField

from learntrace.accounts.models import Academy
from learntrace.assignments.visibility import telemetry_seen_in

# Fewer learners are no class to compare with, and their quartiles would be single learners' scores.
LEAST_LEARNERS = 4
SCORES: Mapping[str, str] = {"engagement": "engagement_score", "frustration": "frustration_score"}


class Quartile(Aggregate):
    """The first (0.25) or third (0.75) quartile of a column; rows without a value are left out."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True)
class Band:
    """The first and the third quartile of a class's scores on an asset, 0 to 100."""

    low: float
    high: float


def class_bands(academy: Academy, slugs: Collection[str]) -> dict[str, dict[str, Band]]:
    """Return the band of each score by score and asset, of the academy's learners; one query."""
    measures: dict[str, Any] = {}
    for name, column in SCORES.items():
        measures[f"{name}_low"] = Quartile(column, fraction="0.25")
        measures[f"{name}_high"] = Quartile(column, fraction="0.75")
        measures[f"{name}_count"] = Count(column)
    rows: Any = telemetry_seen_in(academy).filter(asset_slug__in=slugs).order_by().values("asset_slug")
    bands: dict[str, dict[str, Band]] = {name: {} for name in SCORES}
    for row in rows.annotate(**measures):
        for name in SCORES:
            if row[f"{name}_count"] >= LEAST_LEARNERS:
                bands[name][row["asset_slug"]] = Band(row[f"{name}_low"], row[f"{name}_high"])
    return bands
