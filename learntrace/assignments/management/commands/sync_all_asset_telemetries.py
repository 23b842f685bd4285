from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error
from django.utils import timezone

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.assignments.telemetry_stats import assets_to_sync, sync_telemetry_stats
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.progress_line import ProgressLine
from learntrace.registry.models import Asset


class Command(RecordedCommand):
    help = "Recompute telemetry_stats of every asset that has telemetry, now and in this process."

    def add_arguments(self, parser: CommandParser) -> None:
        add_dry_run(parser)

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        ids = list(assets_to_sync().values_list("pk", flat=True))
        if dry_run:
            self.stdout.write(f"Would recompute the statistics of {len(ids)} assets.")
            return
        progress = ProgressLine("assets", len(ids))
        synced, failed = 0, []
        for asset_id in ids:
            try:
                synced += sync_telemetry_stats(asset_id, timezone.now())
            except Asset.DoesNotExist:
                pass  # deleted since the list was made
            except (Error, ValueError) as error:
                failed.append(f"asset {asset_id}: {error}")
            progress.advance()
        self.stdout.write(f"Recomputed the statistics of {synced} assets, {len(failed)} failed.")
        if failed:
            raise CommandError("\n".join(failed))
