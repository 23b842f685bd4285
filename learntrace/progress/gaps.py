"""The longest gap between two events that counts as active time: an academy's setting (signals.md, "Measures")."""

from collections.abc import Collection
from typing import Any

from learntrace.accounts.models import AcademySettings
from learntrace.metrics.measures import GAP_SECONDS

FEATURE = "active_gap_seconds"


def gap_in(stored: Any) -> float:
    """The gap in settings as they are stored; who writes past the API may have stored anything."""
    given = stored.get(FEATURE) if isinstance(stored, dict) else None
    usable = isinstance(given, int | float) and not isinstance(given, bool) and given > 0
    return float(given) if usable and given is not None else float(GAP_SECONDS)


def gaps_of(academy_ids: Collection[int | None]) -> dict[int | None, float]:
    """Each academy's gap in seconds; the default where there is no academy."""
    asked = [academy for academy in academy_ids if academy is not None]
    stored = dict(AcademySettings.objects.filter(academy__in=asked).values_list("academy_id", "signal_features"))
    return {academy: gap_in(stored.get(academy or 0)) for academy in academy_ids}
