from typing import Any

from django.core.management.base import CommandParser

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.assignments.reconciliation import move_telemetry, names_of_renamed
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.progress_line import ProgressLine


class Command(RecordedCommand):
    help = "Bring telemetry that stands under a former slug (an alias) under the asset's slug; the newest wins."

    def add_arguments(self, parser: CommandParser) -> None:
        add_dry_run(parser)

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        moves = move_telemetry(names_of_renamed(), dry_run=dry_run, progress=ProgressLine("learners"))
        done = "Would move" if dry_run else "Moved"
        self.stdout.write(
            f"{done} {moves.renamed} telemetry rows to their asset's slug, {moves.removed} gave way to a newer one "
            f"({moves.users} learners)."
        )
