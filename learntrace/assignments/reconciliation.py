"""Moving telemetry rows to the right slug after assets were renamed or became translations.

If several rows of a learner end under one slug, the one with the newest document stays, as it would have in the order
of batches (contract, 3.3).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, OperationalError, transaction

from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.telemetry_documents import keep_unread_records
from learntrace.core.progress_line import ProgressLine
from learntrace.registry.models import AssetAlias
from learntrace.registry.resolution import load_registry

_ATTEMPTS = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Moves:
    """Numbers of rows: `renamed` have another slug now, `removed` had an older document than another row."""

    users: int = 0
    renamed: int = 0
    removed: int = 0


def canonical_names() -> dict[str, str]:
    """Return the canonical slug for every slug in telemetry, alias or translation, that isn't canonical."""
    slugs = set(AssignmentTelemetry.objects.values_list("asset_slug", flat=True).distinct())
    registry = load_registry(slugs=slugs)
    canonical = {slug: registry.canonical(asset).slug for slug in slugs if (asset := registry.by_slug(slug))}
    return {slug: target for slug, target in canonical.items() if slug != target}


def names_of_renamed() -> dict[str, str]:
    """Return the asset's slug for every alias in telemetry."""
    slugs = set(AssignmentTelemetry.objects.values_list("asset_slug", flat=True).distinct())
    aliases = AssetAlias.objects.filter(slug__in=slugs).values_list("slug", "asset__slug")
    return {alias: slug for alias, slug in aliases if alias != slug}


def move_telemetry(names: Mapping[str, str], *, dry_run: bool = False, progress: ProgressLine | None = None) -> Moves:
    """Move rows from the slugs that are keys of `names` to those that are values.

    Each learner is a transaction that locks the rows: stopped at any time, a learner is either moved or unchanged.
    """
    moves = Moves()
    rows = AssignmentTelemetry.objects.filter(asset_slug__in=list(names))
    for user_id in list(rows.order_by("user_id").values_list("user_id", flat=True).distinct()):
        renamed, removed = _move_with_retries(user_id, names, dry_run)
        moves.users += bool(renamed or removed)
        moves.renamed += renamed
        moves.removed += removed
        if progress:
            progress.advance()
    return moves


def _move_with_retries(user_id: int, names: Mapping[str, str], dry_run: bool) -> tuple[int, int]:
    """Move a learner's rows; try again when a worker has stored a new row under the target meanwhile."""
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
    # In the order in which workers lock them; the documents are not loaded.
    rows = (
        AssignmentTelemetry.objects.filter(user_id=user_id, asset_slug__in=slugs)
        .only("id", "asset_slug", "last_interaction_at", "receipt", "updated_at")
        .order_by("asset_slug")
        .select_for_update()
    )
    by_target: dict[str, list[AssignmentTelemetry]] = defaultdict(list)
    for row in rows:
        by_target[names.get(row.asset_slug, row.asset_slug)].append(row)
    renamed = removed = 0
    for slug, group in by_target.items():
        winner = max(group, key=_order)
        others = {row.pk: (user_id, row.asset_slug) for row in group if row is not winner}
        removed += len(others)
        renamed += winner.asset_slug != slug
        if not dry_run:
            if others:
                keep_unread_records(list(others.values()))
                AssignmentTelemetry.objects.filter(pk__in=others).delete()
            # updated_at stays: the document is no newer than before.
            AssignmentTelemetry.objects.filter(pk=winner.pk).exclude(asset_slug=slug).update(asset_slug=slug)
    return renamed, removed


def _order(row: AssignmentTelemetry) -> tuple[datetime, int, datetime]:
    return (row.last_interaction_at or _LONG_AGO, row.receipt or 0, row.updated_at)
