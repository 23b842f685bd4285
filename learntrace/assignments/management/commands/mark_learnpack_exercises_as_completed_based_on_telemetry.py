import argparse
from typing import Any

from django.core.management.base import CommandParser

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.assignments.completed_exercises import mark_completed
from learntrace.assignments.completion import COMPLETE
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.progress_line import ProgressLine


def _percent(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return number


class Command(RecordedCommand):
    help = "Mark EXERCISE tasks as DONE and APPROVED where the telemetry of a graded asset says they are complete."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--completion-threshold",
            type=_percent,
            default=COMPLETE,
            metavar="PERCENT",
            help=f"The completion rate from which on an exercise is complete. Default: {COMPLETE}.",
        )
        add_dry_run(parser)

    def handle(self, *args: Any, completion_threshold: float, dry_run: bool, **options: Any) -> None:
        complete, tasks = mark_completed(completion_threshold, dry_run=dry_run, progress=ProgressLine("telemetry rows"))
        done = "Would mark" if dry_run else "Marked"
        self.stdout.write(f"{done} {tasks} tasks as completed ({complete} complete telemetry rows).")
