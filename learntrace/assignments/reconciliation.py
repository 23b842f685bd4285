"""Bringing telemetry rows under the slug where they belong, after assets were renamed or became translations.

A learner's rows that end under one slug become one row: the newest document wins whole, as it would have in the order
of batches (contract, 3.3).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, OperationalError, transaction

from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.progress import Progress
from learntrace.registry.models import AssetAlias
from learntrace.registry.resolution import load_registry

_ATTEMPTS = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Moves:
    """What happened to rows: `renamed` have another slug now, `removed` gave way to a newer one."""

    users: int = 0
    renamed: int = 0
    removed: int = 0


def canonical_names() -> dict[str, str]:
    """The canonical slug of every slug, alias or translation, that telemetry has and that isn't canonical."""
    slugs = set(AssignmentTelemetry.objects.values_list("asset_slug", flat=True).distinct())
    registry = load_registry(slugs=slugs)
    canonical = {slug: registry.canonical(asset).slug for slug in slugs if (asset := registry.by_slug(slug))}
    return {slug: target for slug, target in canonical.items() if slug != target}


def names_of_renamed() -> dict[str, str]:
    """The asset's slug for every alias that telemetry has."""
    slugs = set(AssignmentTelemetry.objects.values_list("asset_slug", flat=True).distinct())
    aliases = AssetAlias.objects.filter(slug__in=slugs).values_list("slug", "asset__slug")
    return {alias: slug for alias, slug in aliases if alias != slug}


def move_telemetry(names: Mapping[str, str], *, dry_run: bool = False, progress: Progress | None = None) -> Moves:
    """Move rows from the slugs that are keys to those that are values.

    A transaction a learner, whose rows are locked: stopped at any time, every learner is either done or as before.
    """
    moves = Moves()
    rows = AssignmentTelemetry.objects.filter(asset_slug__in=list(names))
    for user_id in list(rows.order_by("user_id").values_list("user_id", flat=True).distinct()):
        renamed, removed = _move_persistently(user_id, names, dry_run)
        moves.users += bool(renamed or removed)
        moves.renamed += renamed
        moves.removed += removed
        if progress:
            progress.advance()
    return moves


def _move_persistently(user_id: int, names: Mapping[str, str], dry_run: bool) -> tuple[int, int]:
    """Move one learner's rows; again when a worker stored a new row under the target meanwhile."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _move(user_id, names, dry_run)
        except (IntegrityError, OperationalError):
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _move(user_id: int, names: Mapping[str, str], dry_run: bool) -> tuple[int, int]:
    slugs = {*names, *names.values()}
    # In the order in which workers lock them, and without the documents.
    rows = (
        AssignmentTelemetry.objects.filter(user_id=user_id, asset_slug__in=slugs)
        .only("id", "asset_slug", "last_interaction_at", "receipt", "updated_at")
        .order_by("asset_slug")
        .select_for_update()
    )
    together: dict[str, list[AssignmentTelemetry]] = defaultdict(list)
    for row in rows:
        together[names.get(row.asset_slug, row.asset_slug)].append(row)
    renamed = removed = 0
    for slug, group in together.items():
        winner = max(group, key=_order)
        others = [row.pk for row in group if row is not winner]
        removed += len(others)
        renamed += winner.asset_slug != slug
        if not dry_run:
            AssignmentTelemetry.objects.filter(pk__in=others).delete()
            # Not updated_at: the document is as old as it was.
            AssignmentTelemetry.objects.filter(pk=winner.pk).exclude(asset_slug=slug).update(asset_slug=slug)
    return renamed, removed


def _order(row: AssignmentTelemetry) -> tuple[datetime, int, datetime]:
    return (row.last_interaction_at or _LONG_AGO, row.receipt or 0, row.updated_at)
