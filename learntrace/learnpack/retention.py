"""How long webhooks are kept, and emptying the queue by hand (contract, section 11)."""

from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from learntrace.core.deletion import BATCH_SIZE, delete_in_batches
from learntrace.core.progress import Progress
from learntrace.learnpack.models import Webhook

ALL = "ALL"


def delete_old_webhooks(
    *,
    days: int,
    batch_size: int = BATCH_SIZE,
    most: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """Delete webhooks older than `days`, oldest first, and return how many; with `dry_run` only count them.

    PENDING ones stay however old they are: they are telemetry that nobody has looked at yet.
    """
    old = (
        Webhook.objects.filter(created_at__lt=timezone.now() - timedelta(days=days))
        .exclude(status=Webhook.Status.PENDING)
        .order_by("created_at", "id")
    )
    return delete_in_batches(old, batch_size=batch_size, most=most, dry_run=dry_run, progress=progress)


def clear_webhooks(status: str, *, dry_run: bool = False, progress: Progress | None = None) -> int:
    """Delete all webhooks of a status (or ALL) that are there now, and return how many; with `dry_run` only count.

    Those in the hands of a worker are left to it, as are those that arrive meanwhile.
    """
    newest = Webhook.objects.aggregate(newest=Max("id"))["newest"] or 0
    rows = Webhook.objects.filter(id__lte=newest).order_by("id")
    if status != ALL:
        rows = rows.filter(status=status)
    return delete_in_batches(rows, dry_run=dry_run, progress=progress)
