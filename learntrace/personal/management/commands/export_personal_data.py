from argparse import FileType
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from learntrace.accounts.tokens.command import TokenCommandError, find_user
from learntrace.personal.exporting import write_export


class Command(BaseCommand):
    help = "Write all that is held about a user into a ZIP file, for whoever asks for the own data and can't sign in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "user",
            metavar="USER",
            help="Id, user name or e-mail address; id:101 or name:101 where one looks like the other.",
        )
        parser.add_argument(
            "--output",
            type=FileType("xb"),
            required=True,
            metavar="FILE",
            help="The ZIP file to write; one that is there already is left alone.",
        )
        parser.add_argument(
            "--language", choices=("en", "es"), default="", help="Of its README. Default: the user's, else English."
        )

    def handle(self, *args: Any, user: str, output: IO[bytes], language: str, **options: Any) -> None:
        try:
            owner = find_user(user)
        except TokenCommandError as error:
            raise CommandError(str(error)) from error
        with output:
            counts = write_export(owner, output, language or owner.language or "en")
        self.stdout.write(f"Wrote {sum(counts.values())} rows of {owner.username} to {output.name}.")
