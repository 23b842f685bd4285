"""Marking exercises as completed by their stored telemetry, where the processing of a batch did not do it."""

from collections.abc import Iterator

from django.db import transaction

from learntrace.accounts.write_facts import read_people
from learntrace.accounts.write_scope import owners
from learntrace.assignments.completion import COMPLETE, Completion, apply_completion
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.progress_line import ProgressLine
from learntrace.registry.resolution import load_registry

BATCH_SIZE = 1_000


def mark_completed(
    threshold: float = COMPLETE, *, dry_run: bool = False, progress: ProgressLine | None = None
) -> tuple[int, int]:
    """Bring the tasks of learners whose completion rate is `threshold` or more in line (contract, 3.3).

    Return how many telemetry rows are complete and how many tasks changed. Only graded assets count; they are found
    by the row's slug. A batch is a transaction.
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
    while telemetry := list(rows.filter(id__gt=after).values_list("id", "user_id", "asset_slug")[:BATCH_SIZE]):
        registry = load_registry(slugs={slug for _id, _user, slug in telemetry})
        people = read_people(user_id for _id, user_id, _slug in telemetry)
        completions = []
        for _id, user_id, slug in telemetry:
            asset = registry.by_slug(slug)
            if asset and registry.canonical(asset).graded:
                slugs = tuple(translation.slug for translation in registry.translations(asset))
                academies = people.learner(user_id).academies
                # Regardless of who wrote the record: tasks of an academy that doesn't own it stay as they are.
                closed = academies - owners(academies, registry.canonical(asset).academy_id)
                completions.append(Completion(user_id, slugs, complete=True, closed=closed))
        yield completions
        after = telemetry[-1][0]
