"""The daily statistics of an asset's telemetry (contract section 9, "telemetry_stats")."""

from collections.abc import Iterable, Mapping
from math import fsum


def telemetry_stats_day(rows: Iterable[Mapping[str, float | None]]) -> dict[str, float]:
    """Return one entry of `telemetry_stats.days`, from all telemetry rows of the asset.

    A row has `frustration_score`, `engagement_score` and `completion_rate`, each 0 to 100 or None (not computed yet).
    The averages are means of the known values, rounded to two places, 0 if none is known; `total_sessions` counts all
    rows. The caller makes sure that no entry is written without rows.
    """
    rows = list(rows)
    return {
        "frustration_avg": _mean(row.get("frustration_score") for row in rows),
        "engagement_avg": _mean(row.get("engagement_score") for row in rows),
        "completion_avg": _mean(row.get("completion_rate") for row in rows),
        "total_sessions": len(rows),
    }


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    # fsum gives the same mean in every order of the rows and every version of Python.
    return round(fsum(known) / len(known), 2) if known else 0
