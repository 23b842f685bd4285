from typing import Any

from django.core.management.base import CommandParser

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.assignments.reconciliation import canonical_names, move_telemetry
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.progress_line import ProgressLine


class Command(RecordedCommand):
    help = "Bring telemetry that stands under a translation's or alias's slug under the canonical one; the newest wins."

    def add_arguments(self, parser: CommandParser) -> None:
        add_dry_run(parser)

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        moves = move_telemetry(canonical_names(), dry_run=dry_run, progress=ProgressLine("learners"))
        done = "Would move" if dry_run else "Moved"
        self.stdout.write(
            f"{done} {moves.renamed} telemetry rows to their canonical slug, {moves.removed} gave way to a newer one "
            f"({moves.users} learners)."
        )
