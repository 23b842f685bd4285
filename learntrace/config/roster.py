"""`learntrace roster import FILE`: the sections of all rooms, in the order in which they need each other."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg.errors
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from learntrace.accounts.roster import Counts, Plan, Roster, Section
from learntrace.accounts.roster_file import RosterFileError, Value, read_file
from learntrace.accounts.roster_items import Item, Problems, RosterError
from learntrace.accounts.roster_known import Known
from learntrace.accounts.roster_passwords import PasswordBook
from learntrace.accounts.roster_sections import Academies, Cohorts, Memberships, Permissions, Tokens, Users
from learntrace.assignments.roster import Tasks
from learntrace.registry.roster import Assets

# A section may refer to those before it; only within a section may references point forward without more ado.
SECTIONS: tuple[Section[Any], ...] = (
    Academies(), Users(), Memberships(), Permissions(), Tokens(), Cohorts(), Assets(), Tasks(),
)  # fmt: skip
_ATTEMPTS = 3
# Two imports at a time would both make what neither finds.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace roster', 0))"


@dataclass(frozen=True)
class RosterReport:
    """What an import did, or with `dry_run` would do, in each section."""

    file: str
    dry_run: bool
    sections: dict[str, Counts]

    def __str__(self) -> str:
        parts = [
            _("%(section)s: %(created)s created, %(updated)s updated, %(unchanged)s unchanged")
            % {"section": name, **asdict(counts)}
            for name, counts in self.sections.items()
            if counts != Counts()
        ]
        done = _("Nothing was written (dry run).") if self.dry_run else _("Imported.")
        return "\n".join([*parts, done if parts else _("The roster is empty.")])


def import_roster(path: str | Path, dry_run: bool = False) -> RosterReport:
    """Make the database hold what the file declares; importing it again changes nothing.

    All in one transaction. Raises RosterError with everything that is wrong with the file; then nothing has changed.
    """
    path = Path(path)
    document = _read(path)
    passwords = PasswordBook()
    failures = 0
    while True:
        try:
            with transaction.atomic():
                plans = _compare(path, document, passwords)
                if passwords.complete:
                    if not dry_run:
                        _write(plans)
                    counts = {plan.section.name: plan.counts() for plan, _roster in plans}
                    return RosterReport(path.name, dry_run, counts)
        except (IntegrityError, OperationalError) as error:
            # Somebody else made the same thing, or wrote the same rows in another order: look again.
            failures += 1
            if failures == _ATTEMPTS or not _clash(error):
                raise
        passwords.work(check_only=dry_run)


def _clash(error: Exception) -> bool:
    return isinstance(error, IntegrityError) or isinstance(error.__cause__, psycopg.errors.DeadlockDetected)


def _read(path: Path) -> Value:
    try:
        document = read_file(path)
    except RosterFileError as error:
        raise RosterError(path.name, [(error.line, error.text)]) from error
    except OSError as error:
        told = _("the file can't be read: %(reason)s") % {"reason": error.strerror}
        raise RosterError(str(path), [(None, told)]) from error
    if document.content is None:
        raise RosterError(path.name, [(None, _("the file is empty"))])
    return document


def _compare(path: Path, document: Value, passwords: PasswordBook) -> list[tuple[Plan[Any], Roster]]:
    """Plan every section.

    Raises RosterError.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    roster = Roster(timezone.now(), passwords)
    for section in SECTIONS:
        if section.names:
            roster.known[section.model] = Known(section.model, section.names)
    items = _items(document, roster.problems)
    for section in SECTIONS:
        for item in items[section.name]:
            section.wanted(item, roster)
    for known in roster.known.values():
        known.load()
    plans = [(section.plan(items[section.name], roster), roster) for section in SECTIONS]
    roster.problems.raise_if_any(path.name)
    return plans


def _write(plans: Sequence[tuple[Plan[Any], Roster]]) -> None:
    for plan, roster in plans:
        plan.section.write(plan, roster)


def _items(document: Value, problems: Problems) -> dict[str, list[Item]]:
    """The entries of each section; what isn't a list of entries is noted."""
    items: dict[str, list[Item]] = {section.name: [] for section in SECTIONS}
    known = ", ".join(items)
    if not isinstance(document.content, dict):
        problems.add(document.line, _("a roster must be a mapping with the lists %(known)s"), known=known)
        return items
    for name, value in document.content.items():
        if name not in items:
            problems.add(value.line, _("unknown list `%(name)s`; known are %(known)s"), name=name[:80], known=known)
        elif value.content is not None and not isinstance(value.content, list):
            problems.add(value.line, _("`%(name)s` must be a list"), name=name)
    for section in SECTIONS:
        listed = document.content.get(section.name)
        entries = listed.content if listed and isinstance(listed.content, list) else []
        items[section.name] = [Item(section.name, entry, section.keys(), problems) for entry in entries]
    return items


def main(argv: list[str]) -> int:
    """Run `learntrace roster ...`; Django is set up already. 0: imported, 1: the file is bad, 2: wrong usage."""
    parser = argparse.ArgumentParser(prog="learntrace roster", description=_("Declare who and what there is."))
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("import", help=_("import a roster file (YAML, JSON; CSV for learners)"))
    command.add_argument("file", type=Path)
    command.add_argument("--json", action="store_true", help=_("print the report as JSON"))
    command.add_argument("--dry-run", action="store_true", help=_("check the file and tell what would change"))
    arguments = parser.parse_args(argv)
    try:
        report = import_roster(arguments.file, dry_run=arguments.dry_run)
    except RosterError as error:
        print(error, file=sys.stderr)
        print(_("Nothing was changed."), file=sys.stderr)
        return 1
    print(json.dumps(asdict(report), ensure_ascii=False, indent=2) if arguments.json else report)
    return 0
