"""What an asset's telemetry amounts to, day by day: `telemetry_stats` (contract, section 9)."""

import math
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from learntrace.assignments.models import AssignmentTelemetry
from learntrace.registry.models import Asset

log = structlog.get_logger(__name__)

# One scan, three histograms. A score has two places, so there are few distinct ones however many rows, and their exact
# sum doesn't depend on the order in which the database adds: the mean is that of metrics.stats to the last bit.
_HISTOGRAMS = """
SELECT CASE WHEN GROUPING(frustration_score) = 0 THEN 'frustration_avg'
            WHEN GROUPING(engagement_score) = 0 THEN 'engagement_avg'
            ELSE 'completion_avg' END,
       coalesce(frustration_score, engagement_score, completion_rate), count(*)
  FROM assignments_assignmenttelemetry
 WHERE asset_slug = %s
 GROUP BY GROUPING SETS ((frustration_score), (engagement_score), (completion_rate))
"""
_AVERAGES = ("frustration_avg", "engagement_avg", "completion_avg")


def stats_of(asset_slug: str) -> dict[str, float] | None:
    """The means and the number of telemetry rows of a canonical slug; None where there are no rows."""
    histograms: dict[str, dict[float | None, int]] = {name: {} for name in _AVERAGES}
    with connection.cursor() as cursor:
        cursor.execute(_HISTOGRAMS, [asset_slug])
        for name, value, count in cursor.fetchall():
            histograms[name][value] = count
    rows = sum(histograms["completion_avg"].values())
    if not rows:
        return None
    return {**{name: _mean(histogram) for name, histogram in histograms.items()}, "total_sessions": rows}


def _mean(histogram: dict[float | None, int]) -> float:
    # Infinities and NaN, which only somebody with SQL can have written, would make the stored JSON none.
    known = {value: count for value, count in histogram.items() if value is not None and math.isfinite(value)}
    total = sum((Fraction(value) * count for value, count in known.items()), Fraction())
    return round(float(total) / sum(known.values()), 2) if known else 0


def sync_telemetry_stats(asset_id: int, now: datetime) -> bool:
    """Recompute an asset's statistics of today; tells whether there were rows to compute them from.

    Today's entry is overwritten and older ones stay; without rows nothing changes but that the asset no longer waits.
    Raises Asset.DoesNotExist.
    """
    with transaction.atomic():
        # No key: an inbox that writes rows of the asset must not wait for us.
        asset = Asset.objects.select_for_update(no_key=True).get(pk=asset_id)
        day = stats_of(_canonical_slug(asset))
        changes: dict[str, Any] = {"sync_status": Asset.SyncStatus.OK}
        if day is not None:
            moment = now.astimezone(UTC)
            stored = asset.telemetry_stats.get("days") if isinstance(asset.telemetry_stats, dict) else None
            days = {**(stored if isinstance(stored, dict) else {}), moment.date().isoformat(): day}
            stats = {"last_sync_at": moment.isoformat().replace("+00:00", "Z"), "days": days}
            changes |= {"telemetry_stats": stats, "last_synch_at": moment}
        Asset.objects.filter(pk=asset_id).update(**changes)
    return day is not None


def _canonical_slug(asset: Asset) -> str:
    if asset.translation_group_id is None:
        return asset.slug
    slugs = Asset.objects.filter(translation_group=asset.translation_group_id).order_by("id")
    return slugs.values_list("slug", flat=True)[0]


def drain_stats(limit: int = 100) -> int:
    """Recompute the statistics of assets that wait for it, `limit` at most; returns how many were taken.

    Several workers may do it at the same time: each takes assets that no other one holds. One that fails is noted as
    an ERROR; that the database is away is no asset's failure and is raised.
    """
    for taken in range(limit):
        if not _take_one():
            return taken
    return limit


def _take_one() -> bool:
    with transaction.atomic():
        waiting = Asset.objects.filter(sync_status=Asset.SyncStatus.PENDING).order_by("id")
        asset_id = waiting.select_for_update(skip_locked=True, no_key=True).values_list("id", flat=True).first()
        if asset_id is None:
            return False
        try:
            sync_telemetry_stats(asset_id, timezone.now())
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("an asset's statistics can't be computed", asset=asset_id)
            Asset.objects.filter(pk=asset_id).update(sync_status=Asset.SyncStatus.ERROR)
    return True


def assets_to_sync() -> QuerySet[Asset]:
    """Every asset that has telemetry, be it as a translation of the one that has the rows."""
    group = Asset.objects.filter(translation_group=OuterRef("translation_group")).order_by("id")
    rows = AssignmentTelemetry.objects.filter(asset_slug=OuterRef("canonical_slug"))
    return (
        Asset.objects.alias(canonical_slug=Coalesce(Subquery(group.values("slug")[:1]), F("slug")))
        .filter(Exists(rows))
        .order_by("id")
    )
