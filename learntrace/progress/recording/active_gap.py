"""The longest gap between two events that counts as active time: an academy's setting."""

from collections.abc import Collection
from typing import Any

import msgspec

from learntrace.core.sql import fetch, once_a_turn
from learntrace.measures.learner_measures import GAP_SECONDS

FEATURE = "active_gap_seconds"
_FEATURES = "SELECT academy_id, signal_features::text FROM accounts_academysettings WHERE academy_id = ANY(%s)"


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
    features = signal_features_of(academy_ids)
    return {academy: gap_in(features.get(academy)) for academy in academy_ids}


def signal_features_of(academy_ids: Collection[int | None]) -> dict[int | None, Any]:
    """Return the stored `signal_features` of those academies that have settings."""
    asked = sorted({academy for academy in academy_ids if academy is not None})
    return once_a_turn((_FEATURES, *asked), lambda: _read_features(asked)) if asked else {}


def _read_features(academy_ids: list[int]) -> dict[int | None, Any]:
    return {academy: msgspec.json.decode(stored) for academy, stored in fetch(_FEATURES, [academy_ids])}
