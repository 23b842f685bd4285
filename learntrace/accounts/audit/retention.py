"""How long the audit log is kept."""

from datetime import timedelta

from django.utils import timezone

from learntrace.core.deletion import BATCH_SIZE
from learntrace.core.sql import fetch_one


def delete_old_entries(*, days: int, batch_size: int = BATCH_SIZE) -> int:
    """Delete entries older than `days` with their values, the oldest first, and return how many.

    By the database's function, which alone may delete any, and none that is younger than 30 days.
    """
    before = timezone.now() - timedelta(days=days)
    deleted = 0
    while True:
        row = fetch_one("SELECT audit_forget(%s, %s)", [before, batch_size])
        gone = int(row[0]) if row else 0
        deleted += gone
        if gone < batch_size:
            return deleted
