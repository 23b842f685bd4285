"""Marking exercises by the completion that their telemetry has already, where the processing of a batch did not."""

from collections.abc import Iterator

from django.db import transaction

from learntrace.assignments.completion import COMPLETE, Completion, apply_completion
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.progress import Progress
from learntrace.registry.resolution import load_registry

BATCH_SIZE = 1_000


def mark_completed(
    threshold: float = COMPLETE, *, dry_run: bool = False, progress: Progress | None = None
) -> tuple[int, int]:
    """Bring the tasks of learners whose completion rate is `threshold` or more in line (contract, 3.3).

    Returns how many telemetry rows are complete and how many tasks changed. Only graded assets count, and those are
    found by the row's slug. A batch is a transaction.
    """
    complete = tasks = 0
    for completions in _batches(threshold):
        with transaction.atomic():
            tasks += len(apply_completion(completions))
            transaction.set_rollback(dry_run)
        complete += len(completions)
        if progress:
            progress.advance(len(completions))
    return complete, tasks


def _batches(threshold: float) -> Iterator[list[Completion]]:
    after = 0
    rows = AssignmentTelemetry.objects.filter(completion_rate__gte=threshold).order_by("id")
    while found := list(rows.filter(id__gt=after).values_list("id", "user_id", "asset_slug")[:BATCH_SIZE]):
        registry = load_registry(slugs={slug for _id, _user, slug in found})
        completions = []
        for _id, user_id, slug in found:
            asset = registry.by_slug(slug)
            if asset and registry.canonical(asset).graded:
                slugs = tuple(one.slug for one in registry.translations(asset))
                completions.append(Completion(user_id, slugs, complete=True))
        yield completions
        after = found[-1][0]
