"""The longest gap between two events that counts as active time: an academy's setting."""

from collections.abc import Collection
from typing import Any

from learntrace.accounts.models import AcademySettings
from learntrace.measures.learner_measures import GAP_SECONDS

FEATURE = "active_gap_seconds"


def gap_in(features: Any) -> float:
    """Return the gap from stored settings, the default where they hold none that is usable.

    Whoever writes settings past the API may have stored anything.
    """
    gap = features.get(FEATURE) if isinstance(features, dict) else None
    if isinstance(gap, bool) or not isinstance(gap, int | float) or not gap > 0:
        return float(GAP_SECONDS)
    return float(gap)


def gaps_of(academy_ids: Collection[int | None]) -> dict[int | None, float]:
    """Return each academy's gap in seconds; the default for None."""
    settings = AcademySettings.objects.filter(academy__in=[academy for academy in academy_ids if academy is not None])
    features = dict(settings.values_list("academy_id", "signal_features"))
    return {academy: gap_in(features.get(academy or 0)) for academy in academy_ids}
