from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.core.command_arguments import add_dry_run, days, positive
from learntrace.core.progress_line import ProgressLine
from learntrace.intake.retention import delete_old_refusals
from learntrace.learnpack.webhook_log.retention import delete_old_webhooks


class Command(RecordedCommand):
    help = (
        "Delete old webhooks, oldest first, and refused requests of the same age. PENDING webhooks are never deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=days,
            default=settings.RETENTION_DAYS,
            metavar="DAYS",
            help="Delete what is older than this many days. Default: LEARNTRACE_RETENTION_DAYS, 30 unless set.",
        )
        parser.add_argument(
            "--batch-size", type=positive, default=5_000, metavar="ROWS", help="Rows a transaction. Default: 5000."
        )
        parser.add_argument(
            "--max",
            type=positive,
            default=50_000,
            dest="most",
            metavar="ROWS",
            help="Delete at most this many webhooks, and as many refusals. Default: 50000.",
        )
        add_dry_run(parser)

    def handle(self, *args: Any, days: int, batch_size: int, most: int, dry_run: bool, **options: Any) -> None:
        webhooks = delete_old_webhooks(
            days=days, batch_size=batch_size, most=most, dry_run=dry_run, progress=ProgressLine("webhooks")
        )
        refusals = delete_old_refusals(
            days=days, batch_size=batch_size, most=most, dry_run=dry_run, progress=ProgressLine("refusals")
        )
        done = "Would delete" if dry_run else "Deleted"
        self.stdout.write(f"{done} {webhooks} webhooks and {refusals} refusals older than {days} days.")
