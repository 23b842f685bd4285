import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.progress_line import ProgressLine
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.retention import ALL, clear_webhooks


class Command(RecordedCommand):
    help = "Delete all webhooks of a status. What is PENDING was never processed: deleting it loses that telemetry."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--status",
            choices=[*Webhook.Status.values, ALL],
            default=Webhook.Status.PENDING.value,
            help="Which webhooks. Default: PENDING.",
        )
        add_dry_run(parser)
        parser.add_argument("--force", action="store_true", help="Don't ask; needed where no terminal can be asked.")

    def handle(self, *args: Any, status: str, dry_run: bool, force: bool, **options: Any) -> None:
        count = clear_webhooks(status, dry_run=True)
        if dry_run:
            self.stdout.write(f"Would delete {count} webhooks (status {status}).")
            return
        if not force:
            self._ask(count, status)
        deleted = clear_webhooks(status, progress=ProgressLine("webhooks", count))
        self.stdout.write(f"Deleted {deleted} webhooks (status {status}).")

    def _ask(self, count: int, status: str) -> None:
        """Raises CommandError unless somebody says yes."""
        if not sys.stdin.isatty():
            raise CommandError(
                f"This would delete {count} webhooks (status {status}) and there is no terminal to ask for "
                "confirmation: use --force, or --dry-run to see what would be done. Nothing was deleted."
            )
        if input(f"Delete {count} webhooks (status {status})? Type yes: ").strip().lower() != "yes":
            raise CommandError("Not confirmed. Nothing was deleted.")
