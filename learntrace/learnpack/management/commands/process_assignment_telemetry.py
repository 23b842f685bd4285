"""See `learnpack/processing/queueing.py`."""

from argparse import ArgumentParser
from typing import Any

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.core.progress_line import ProgressLine
from learntrace.learnpack.processing.queueing import queue_pending


class Command(RecordedCommand):
    help = (
        "Queue pending webhooks; of several batches for one learner and asset only the newest, the older are IGNORED."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        result = queue_pending(dry_run=options["dry_run"], progress=ProgressLine("pending batches read"))
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(f"{result.queued} webhooks {would}queued, {result.ignored} older batches {would}ignored.")
