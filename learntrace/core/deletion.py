"""Deleting many rows without holding many locks."""

from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from learntrace.core.progress import Progress

BATCH_SIZE = 5_000


def delete_in_batches(
    rows: "QuerySet[Any]",
    *,
    batch_size: int = BATCH_SIZE,
    most: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """Delete the rows in their order, at most `most`, and return how many; with `dry_run` only count them.

    Each batch is a transaction of its own: stopped at any time, what is done stays done. A row that somebody else
    holds, a worker say, is passed over: locking looks at its condition again, so nothing that has just changed is lost.
    """
    if dry_run:
        return rows.count() if most is None else rows[:most].count()
    deleted = 0
    while most is None or deleted < most:
        size = batch_size if most is None else min(batch_size, most - deleted)
        with transaction.atomic():
            ids = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:size])
            rows.model._base_manager.filter(pk__in=ids).delete()
        if not ids:
            break
        deleted += len(ids)
        if progress:
            progress.advance(len(ids))
    return deleted


def delete_by(statement: str, *parameters: int | str) -> int:
    """Run a statement that deletes, in the open transaction, and return how many rows: no row is read for it."""
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        return int(cursor.rowcount)
