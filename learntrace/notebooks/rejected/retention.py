"""Retention of rejected events. Events themselves are kept until somebody erases them, as research needs them."""

from datetime import timedelta

from django.utils import timezone

from learntrace.core.deletion import BATCH_SIZE, delete_in_batches
from learntrace.core.progress_line import ProgressLine
from learntrace.notebooks.models import RejectedEvent


def delete_old_rejected(
    *,
    days: int,
    batch_size: int = BATCH_SIZE,
    most: int | None = None,
    dry_run: bool = False,
    progress: ProgressLine | None = None,
) -> int:
    """Delete rejected events that were last sent more than `days` ago, oldest first, and return how many.

    With `dry_run` only count them.
    """
    old = RejectedEvent.objects.filter(updated_at__lt=timezone.now() - timedelta(days=days)).order_by(
        "updated_at", "id"
    )
    return delete_in_batches(old, batch_size=batch_size, most=most, dry_run=dry_run, progress=progress)
