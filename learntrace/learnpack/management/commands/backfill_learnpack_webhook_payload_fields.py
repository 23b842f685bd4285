from typing import Any

from django.core.management.base import CommandParser

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.progress_line import ProgressLine
from learntrace.learnpack.webhook_log.backfill import backfill


class Command(RecordedCommand):
    help = "Fill package_slug, asset_id and learnpack_package_id of webhooks from their payloads."

    def add_arguments(self, parser: CommandParser) -> None:
        add_dry_run(parser)
        parser.add_argument(
            "--overwrite", action="store_true", help="Replace what is filled already, wherever the payload says it."
        )

    def handle(self, *args: Any, dry_run: bool, overwrite: bool, **options: Any) -> None:
        looked_at, changed = backfill(overwrite=overwrite, dry_run=dry_run, progress=ProgressLine("webhooks"))
        done = "Would change" if dry_run else "Changed"
        self.stdout.write(f"{done} {changed} of {looked_at} webhooks looked at.")
