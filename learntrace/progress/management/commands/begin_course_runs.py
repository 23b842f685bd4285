from argparse import ArgumentParser
from typing import Any

from learntrace.accounts.audit.commands import RecordedCommand
from learntrace.core.command_arguments import add_dry_run
from learntrace.progress.corrections.course_runs import begin_course_runs


class Command(RecordedCommand):
    help = (
        "Begin the course runs of learners whose newest cohort has begun; workers do so every ten minutes. Tells which "
        "learners are in cohorts whose dates overlap; these are left as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_dry_run(parser)

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        begun = begin_course_runs(dry_run=dry_run)
        for sentence in begun.overlaps:
            self.stdout.write(f"{sentence}.")
        done = "Would change" if dry_run else "Changed"
        self.stdout.write(f"{done} the course runs of {begun.learners} learners.")
