"""Deleting old webhooks, and emptying the queue by hand (contract, section 11)."""

from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from learntrace.core.deletion import BATCH_SIZE, delete_in_batches
from learntrace.core.progress_line import ProgressLine
from learntrace.learnpack.models import Webhook

ALL = "ALL"


def delete_old_webhooks(
    *,
    days: int,
    batch_size: int = BATCH_SIZE,
    most: int | None = None,
    dry_run: bool = False,
    progress: ProgressLine | None = None,
) -> int:
    """Delete webhooks older than `days`, oldest first, and return how many; with `dry_run` only count them.

    PENDING webhooks stay however old they are: their telemetry hasn't been processed yet.
    """
    old = (
        Webhook.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
        .exclude(status=Webhook.Status.PENDING)
        .order_by("created_at", "id")
    )
    return delete_in_batches(old, batch_size=batch_size, most=most, dry_run=dry_run, progress=progress)


def clear_webhooks(status: str, *, dry_run: bool = False, progress: ProgressLine | None = None) -> int:
    """Delete all current webhooks of a status (or ALL) and return how many; with `dry_run` only count them.

    Webhooks that a worker has locked are left to it; webhooks that arrive meanwhile stay.
    """
    newest = Webhook.objects.aggregate(newest=Max("id"))["newest"] or 0
    rows = Webhook.objects.filter(id__lte=newest).order_by("id")
    if status != ALL:
        rows = rows.filter(status=status)
    return delete_in_batches(rows, dry_run=dry_run, progress=progress)
