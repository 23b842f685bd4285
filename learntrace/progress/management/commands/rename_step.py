from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from learntrace.accounts.models import Academy
from learntrace.core.command_arguments import add_dry_run
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.progress.corrections import step_renames
from learntrace.progress.models import FormerStep


class Command(BaseCommand):
    help = (
        "Join the history of a former step of a package with that of the step that replaced it, or undo that. Without steps "
        "it lists former steps, with what may have replaced them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("academy", metavar="ACADEMY", help="Id or slug.")
        parser.add_argument("old", metavar="OLD", nargs="?", help="The former step, as asset/step.")
        parser.add_argument("new", metavar="NEW", nargs="?", help="The step that replaced it.")
        parser.add_argument("--undo", action="store_true", help="Separate the histories again.")
        add_dry_run(parser)

    def handle(
        self, *args: Any, academy: str, old: str | None, new: str | None, undo: bool, dry_run: bool, **options: Any
    ) -> None:
        home = Academy.objects.filter(Q(slug=academy) | Q(pk=natural(academy) or 0)).first()
        if home is None:
            raise CommandError(f"There is no academy {academy}.")
        try:
            if old is None:
                self._list(home)
            elif undo:
                self._undo(home, old, dry_run)
            elif new is None:
                raise CommandError("Name the step that replaced it, too.")
            elif dry_run:
                step_renames.check(home, old, new)
                self.stdout.write(f"Would read {old} as {new}.")
            else:
                step_renames.rename(home, old, new, None)
                self.stdout.write(
                    f"{old} is read as {new} from now on. To undo that: rename_step {academy} {old} --undo"
                )
        except Problem as problem:
            raise CommandError(f"{problem.sentence()}.") from problem

    def _list(self, academy: Academy) -> None:
        assets = set(FormerStep.objects.filter(academy=academy).values_list("asset_id", flat=True))
        for row in step_renames.former_steps(academy, assets):
            joined = (
                f"read as {row.rename.new_key}" if row.rename else f"perhaps {row.proposed}" if row.proposed else ""
            )
            self.stdout.write(f"{row.key}  {row.learners} learners, {row.attempts} attempts  {joined}".rstrip())

    def _undo(self, academy: Academy, old: str, dry_run: bool) -> None:
        row = step_renames.standing(academy).filter(old_key=old).first()
        if row is None:
            raise step_renames.RenameNotFound
        if not dry_run:
            step_renames.undo(academy, row.pk, None)
        self.stdout.write(f"{'Would separate' if dry_run else 'Separated'} {old} and {row.new_key}.")
