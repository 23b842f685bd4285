"""Retention of closed notifications."""

from datetime import timedelta

from django.utils import timezone

from learntrace.core.deletion import BATCH_SIZE, delete_in_batches
from learntrace.signals.models import Notification


def delete_old_notifications(*, days: int, batch_size: int = BATCH_SIZE, most: int | None = None) -> int:
    """Delete notifications that were sent, failed or dropped and are older than `days`, the oldest first; return how many.

    None of their signals is notified again: that happens within an hour of its opening or never (`queueing.NEWS`).
    """
    closed = [Notification.State.SENT, Notification.State.FAILED, Notification.State.DROPPED]
    old = Notification.objects.filter(
        state__in=closed, created_at__lt=timezone.now() - timedelta(days=max(days, 1))
    ).order_by("id")
    return delete_in_batches(old, batch_size=batch_size, most=most)
