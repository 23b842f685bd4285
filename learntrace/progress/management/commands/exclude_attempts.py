from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusion_requests import FIELDS, meant_by


class Command(BaseCommand):
    help = (
        "Exclude learners' attempts from everything that is counted, or lift that again. Without --confirm it only tells "
        "how many attempts are meant."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("academy", metavar="ACADEMY", help="Id or slug.")
        parser.add_argument(
            "--learner",
            action="append",
            metavar="NAME",
            help="A learner's id or user name, or id:101, name:101; repeatable.",
        )
        parser.add_argument("--cohort", action="append", metavar="NAME", help="A cohort's id or slug; repeatable.")
        parser.add_argument("--everyone", action="store_true", help="All learners who were seen.")
        for name in ("attempt", "session", "assignment", "since", "until"):
            text = FIELDS[name].removeprefix("or ")
            parser.add_argument(f"--{name}", help=f"{text[:1].upper()}{text[1:]}.")
        parser.add_argument("--reason", default="", help="Why; it is shown beside the attempts.")
        parser.add_argument("--confirm", type=int, metavar="ATTEMPTS", help="Exclude this many attempts.")
        parser.add_argument(
            "--lift", type=int, metavar="ID", help="Lift an exclusion, and those made together with it."
        )

    def handle(self, *args: Any, academy: str, lift: int | None, **options: Any) -> None:
        home = Academy.objects.filter(Q(slug=academy) | Q(pk=natural(academy) or 0)).first()
        if home is None:
            raise CommandError(f"There is no academy {academy}.")
        try:
            if lift is None:
                self._exclude(home, options)
            else:
                together = exclusions.made_together_with(home, exclusions.exclusion_in(home, lift))
                self.stdout.write(f"Lifted {exclusions.lift(home, together, None)} exclusions.")
        except Problem as problem:
            raise CommandError(f"{problem.sentence()}.") from problem

    def _exclude(self, academy: Academy, options: dict[str, Any]) -> None:
        meant = meant_by(academy, {name: options[name] for name in FIELDS})
        counted = exclusions.count(academy, meant)
        if options["confirm"] is None:
            self.stdout.write(
                f"Would exclude {counted.attempts} attempts of {counted.learners} learners. "
                f"To do so, repeat with --confirm {counted.attempts} and a --reason."
            )
            return
        if options["confirm"] != counted.attempts:
            raise exclusions.NotConfirmed(counted)
        made = exclusions.exclude(academy, meant, options["reason"], None, options["confirm"])
        self.stdout.write(
            f"Excluded {counted.attempts} attempts of {counted.learners} learners. "
            f"To lift that: exclude_attempts {academy.slug} --lift {made[0].pk}"
        )
