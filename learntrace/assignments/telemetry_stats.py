"""Statistics of an asset's telemetry, day by day: `telemetry_stats` (contract, section 9)."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from learntrace.accounts.models import Membership
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.queue import run_turn
from learntrace.core.sql import fetch
from learntrace.registry.models import Asset

# Rows that the asset's academy may see (`assignments.visibility`), all of them where it has none; `home` is the academy of
# the canonical asset. One scan, three histograms. A score has two decimal places, so there are few distinct scores however
# many rows. Their exact sum doesn't depend on the order of addition: the mean equals that of `measures.telemetry_stats` to
# the last bit.
_HISTOGRAMS = """
SELECT CASE WHEN GROUPING(frustration_score) = 0 THEN 'frustration_avg'
            WHEN GROUPING(engagement_score) = 0 THEN 'engagement_avg'
            ELSE 'completion_avg' END,
       coalesce(frustration_score, engagement_score, completion_rate), count(*)
  FROM assignments_assignmenttelemetry
 WHERE asset_slug = %(slug)s
   AND (%(academy)s::bigint IS NULL
        OR EXISTS (SELECT FROM accounts_membership m
                    WHERE m.user_id = assignments_assignmenttelemetry.user_id AND m.academy_id = %(academy)s)
       AND NOT (%(home)s::bigint IS DISTINCT FROM %(academy)s
                AND EXISTS (SELECT FROM accounts_membership m
                             WHERE m.user_id = assignments_assignmenttelemetry.user_id AND m.academy_id = %(home)s)))
 GROUP BY GROUPING SETS ((frustration_score), (engagement_score), (completion_rate))
"""
_AVERAGES = ("frustration_avg", "engagement_avg", "completion_avg")


def stats_of(asset_slug: str, academy: int | None = None, home: int | None = None) -> dict[str, float] | None:
    """Return the means and the number of telemetry rows of a canonical slug, None without rows.

    Only the rows that an academy sees count, so that no other academy's staff moves them; all where `academy` is None.
    `home`: the academy of the canonical asset.
    """
    histograms: dict[str, dict[float | None, int]] = {name: {} for name in _AVERAGES}
    for name, value, count in fetch(_HISTOGRAMS, {"slug": asset_slug, "academy": academy, "home": home}):
        histograms[name][value] = count
    rows = sum(histograms["completion_avg"].values())
    if not rows:
        return None
    return {**{name: _mean(histogram) for name, histogram in histograms.items()}, "total_sessions": rows}


def _mean(histogram: dict[float | None, int]) -> float:
    # Infinities and NaN, which can only have been written by SQL, would make the stored JSON invalid.
    known = {value: count for value, count in histogram.items() if value is not None and math.isfinite(value)}
    total = sum((Fraction(value) * count for value, count in known.items()), Fraction())
    return round(float(total) / sum(known.values()), 2) if known else 0


def sync_telemetry_stats(asset_id: int, now: datetime) -> bool:
    """Recompute an asset's statistics of today; return whether there were rows to compute them from.

    Today's entry is overwritten and older ones stay. Without rows only the asset's `sync_status` changes, to OK.
    Raises Asset.DoesNotExist.
    """
    with transaction.atomic():
        # no_key: an inbox that writes rows of the asset must not wait for this transaction.
        asset = Asset.objects.select_for_update(no_key=True).get(pk=asset_id)
        day = stats_now(asset)
        changes: dict[str, Any] = {"sync_status": Asset.SyncStatus.OK}
        if day is not None:
            moment = now.astimezone(UTC)
            stored = asset.telemetry_stats.get("days") if isinstance(asset.telemetry_stats, dict) else None
            today, told = moment.date().isoformat(), moment.isoformat().replace("+00:00", "Z")
            days = {**(stored if isinstance(stored, dict) else {}), today: day}
            changes |= {
                "telemetry_stats": {"last_sync_at": told, "days": days},
                "stats_times": {**asset.stats_times, today: told},
                "last_synch_at": moment,
            }
        Asset.objects.filter(pk=asset_id).update(**changes)
    return day is not None


def stats_now(asset: Asset) -> dict[str, float] | None:
    """Return what an asset's statistics would be now; two queries at most."""
    slug, home = _canonical(asset)
    return stats_of(slug, asset.academy_id, home)


def _canonical(asset: Asset) -> tuple[str, int | None]:
    """Return the slug and the academy of the canonical asset."""
    if asset.translation_group_id is None:
        return asset.slug, asset.academy_id
    group = Asset.objects.filter(translation_group=asset.translation_group_id).order_by("id")
    return group.values_list("slug", "academy_id")[0]


def drain_stats(limit: int = 100) -> int:
    """Recompute the statistics of assets that are PENDING, `limit` at most; return how many were taken.

    Several workers may do it at the same time: each takes assets that no other one has locked. An asset whose
    statistics can't be computed ends as an ERROR. Raises OperationalError when the database is away.
    """
    for taken in range(limit):
        if not run_turn(_StatsTurn()):
            return taken
    return limit


class _StatsTurn:
    """Queue of asset ids, one a turn: a worker that computes means long has no other asset locked."""

    name = "asset statistics"

    def describe(self, item: int) -> Mapping[str, object]:
        return {"asset": item}

    def claim(self) -> list[int]:
        return list(self._pending().order_by("id").values_list("id", flat=True)[:1])

    def claim_again(self, item: int) -> list[int]:
        return list(self._pending().filter(pk=item).values_list("id", flat=True))

    def work(self, items: Sequence[int]) -> None:
        for asset_id in items:
            sync_telemetry_stats(asset_id, timezone.now())

    def postpone(self, items: Sequence[int]) -> None:
        """They are still PENDING; the next turn takes them."""

    def give_up(self, items: Sequence[int], error: Exception) -> None:
        """Asking for the statistics again sets it back to PENDING."""
        Asset.objects.filter(pk__in=items).update(sync_status=Asset.SyncStatus.ERROR)

    @staticmethod
    def _pending() -> QuerySet[Asset]:
        rows = Asset.objects.filter(sync_status=Asset.SyncStatus.PENDING)
        return rows.select_for_update(skip_locked=True, no_key=True)


def assets_to_sync() -> QuerySet[Asset]:
    """Return every asset with telemetry of its academy's members: its own, or that of the canonical asset."""
    group = Asset.objects.filter(translation_group=OuterRef("translation_group")).order_by("id")
    rows = AssignmentTelemetry.objects.filter(asset_slug=OuterRef("canonical_slug"))
    member = Membership.objects.filter(user=OuterRef("user"), academy=OuterRef(OuterRef("academy")))
    return (
        Asset.objects.alias(canonical_slug=Coalesce(Subquery(group.values("slug")[:1]), F("slug")))
        .filter((Q(academy=None) & Exists(rows)) | Exists(rows.filter(Exists(member))))
        .order_by("id")
    )
