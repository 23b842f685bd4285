"""How long rejected events are kept. Events themselves are, until somebody erases them: research needs them."""

from datetime import timedelta

from django.utils import timezone

from learntrace.core.deletion import BATCH_SIZE, delete_in_batches
from learntrace.core.progress import Progress
from learntrace.notebooks.models import RejectedEvent


def delete_old_rejected(
    *,
    days: int,
    batch_size: int = BATCH_SIZE,
    most: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """Delete rejected events that nobody has sent for `days`, the oldest first, and return how many.

    With `dry_run` only count them.
    """
    old = RejectedEvent.objects.filter(updated_at__lt=timezone.now() - timedelta(days=days)).order_by(
        "updated_at", "id"
    )
    return delete_in_batches(old, batch_size=batch_size, most=most, dry_run=dry_run, progress=progress)
