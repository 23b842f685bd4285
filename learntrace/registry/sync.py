"""Requesting that an asset's statistics are recomputed (contract, section 9)."""

from collections.abc import Callable, Mapping

from django.db import transaction

from learntrace.accounts.audit.actions import STATISTICS_REQUESTED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy
from learntrace.core.wakeup import announce
from learntrace.registry.models import Asset

TOPIC = "telemetry-stats"


def sync_telemetry_stats(asset: Asset, academy: Academy) -> None:
    """Queue the recomputation for an academy's staff: the asset's sync_status is the queue."""
    with transaction.atomic():
        # Only this column: the asset may be written elsewhere at the same time.
        Asset.objects.filter(pk=asset.pk).update(sync_status=Asset.SyncStatus.PENDING)
        record(STATISTICS_REQUESTED, academy_id=academy.pk, object_id=asset.pk, after={"asset": asset.slug})
        transaction.on_commit(lambda: announce(TOPIC))
    asset.sync_status = Asset.SyncStatus.PENDING


ACTIONS: Mapping[str, Callable[[Asset, Academy], None]] = {"sync_telemetry_stats": sync_telemetry_stats}
