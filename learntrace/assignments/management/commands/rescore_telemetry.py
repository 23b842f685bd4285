from typing import Any

from django.core.management.base import CommandError, CommandParser

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.assignments.changes.assets import follow
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.progress_line import ProgressLine
from learntrace.registry.models import Asset
from learntrace.registry.resolution import load_registry


class Command(RecordedCommand):
    help = (
        "Bring telemetry in line with its assets as they are now: records come under the canonical slug, those of graded "
        "assets that have no scores get them, with the tasks, and failed webhooks that would find their asset or task now "
        "are processed again. Workers do it by themselves when an asset changes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("assets", nargs="*", metavar="ASSET", help="Slugs or aliases. Default: all assets.")
        add_dry_run(parser)

    def handle(self, *args: Any, assets: list[str], dry_run: bool, **options: Any) -> None:
        progress = ProgressLine("assets")
        done: set[int] = set()
        moved = removed = scored = 0
        for asset_id in _ids(assets):
            if asset_id in done or (followed := follow(asset_id, dry_run=dry_run)) is None:
                continue
            done |= followed.asset_ids
            moved += followed.moves.renamed
            removed += followed.moves.removed
            scored += len(followed.scored)
            progress.advance(len(followed.asset_ids))
        would = "Would score" if dry_run else "Scored"
        self.stdout.write(
            f"{would} {scored} telemetry rows; {moved} came under their canonical slug, {removed} gave way to a newer one "
            f"({len(done)} assets)."
        )


def _ids(slugs: list[str]) -> list[int]:
    if not slugs:
        return list(Asset.objects.order_by("id").values_list("id", flat=True))
    registry = load_registry(slugs=slugs)
    found = {slug: registry.by_slug(slug) for slug in slugs}
    if unknown := [slug for slug, asset in found.items() if asset is None]:
        raise CommandError(f"There is no asset {unknown[0]}.")
    return sorted({asset.id for asset in found.values() if asset is not None})
