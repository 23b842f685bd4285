from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learntrace.accounts.tokens.command import TokenCommandError, find_user
from learntrace.core.command_arguments import add_dry_run
from learntrace.personal.erasing import erase, plan_of


class Command(BaseCommand):
    help = (
        "Erase all that was collected about a user, for good, whatever the academies have set. Account, roles and tasks "
        "stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "user",
            metavar="USER",
            help="Id, user name or e-mail address; id:101 or name:101 where one looks like the other.",
        )
        add_dry_run(parser)

    def handle(self, *args: Any, user: str, dry_run: bool, **options: Any) -> None:
        try:
            owner = find_user(user)
        except TokenCommandError as error:
            raise CommandError(str(error)) from error
        if dry_run:
            counts = {dataset.name: count for dataset, count in plan_of(owner).goes.items()}
        else:
            counts = erase(owner, by_operator=True).counts
        for name, count in counts.items():
            self.stdout.write(f"{count:>9}  {name}")
        self.stdout.write(f"{'Would erase' if dry_run else 'Erased'} {sum(counts.values())} rows of {owner.username}.")
