"""Delete many rows without holding many locks."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from learntrace.core.progress_line import ProgressLine
from learntrace.core.sql import execute

BATCH_SIZE = 5_000


def delete_in_batches(
    rows: "QuerySet[Any]",
    *,
    batch_size: int = BATCH_SIZE,
    most: int | None = None,
    dry_run: bool = False,
    progress: ProgressLine | None = None,
) -> int:
    """Delete the rows in their order, at most `most`, and return how many; with `dry_run` only count them.

    Each batch is a transaction of its own, so an interrupted deletion keeps its progress. Rows that are locked, by a worker
    for example, are skipped; locking checks the condition again, so rows that have just changed are kept.
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
    """Run a DELETE in the open transaction, without reading rows, and return how many it deleted."""
    return execute(statement, parameters)
