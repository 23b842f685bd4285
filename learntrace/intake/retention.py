"""Retention of refused requests."""

from datetime import timedelta

from django.utils import timezone

from learntrace.core.deletion import BATCH_SIZE, delete_in_batches
from learntrace.core.progress_line import ProgressLine
from learntrace.intake.models import Refusal


def delete_old_refusals(
    *,
    days: int,
    batch_size: int = BATCH_SIZE,
    most: int | None = None,
    dry_run: bool = False,
    progress: ProgressLine | None = None,
) -> int:
    """Delete refusals older than `days`, oldest first, and return how many; with `dry_run` only count them."""
    old = Refusal.objects.filter(created_at__lt=timezone.now() - timedelta(days=days)).order_by("created_at", "id")
    return delete_in_batches(old, batch_size=batch_size, most=most, dry_run=dry_run, progress=progress)
