"""`learntrace roster import | undo`: the sections of all rooms, in the order of their dependencies, or one academy's."""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.memberships import LastAdmin, academy_named
from learntrace.accounts.models import Academy, RosterJob
from learntrace.accounts.roster import importing
from learntrace.accounts.roster.file import TABLES, RosterFileError, Value, read_file
from learntrace.accounts.roster.importing import HOOKS, Comparison
from learntrace.accounts.roster.items import RosterError
from learntrace.accounts.roster.jobs.at_once import import_at_once, undo_at_once
from learntrace.accounts.roster.jobs.telling import Kind, Told, kinds_of_problems, left_of, notes_of
from learntrace.accounts.roster.passwords import PasswordBook
from learntrace.accounts.roster.plan import Counts, Section
from learntrace.accounts.roster.sections import (
    Academies,
    CohortLearners,
    Cohorts,
    Memberships,
    Permissions,
    Tokens,
    Users,
)
from learntrace.assignments.roster import Tasks
from learntrace.core.errors import Problem
from learntrace.registry.roster import Assets

# A section may refer to earlier ones; references forward are possible only within a section.
SECTIONS: tuple[Section[Any], ...] = (
    Academies(),
    Users(),
    Cohorts(),
    CohortLearners(),
    Memberships(),
    Permissions(),
    Tokens(),
    Assets(),
    Tasks(),
)
_ATTEMPTS = 3


@dataclass(frozen=True)
class RosterReport:
    """The changes of an import in each section; with `dry_run` those that it would make."""

    file: str
    dry_run: bool
    sections: dict[str, Counts]
    # The number by which an import of one academy is undone.
    undo: int | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            _("%(section)s: %(created)s created, %(updated)s updated, %(unchanged)s unchanged")
            % {"section": name, **asdict(counts)}
            for name, counts in self.sections.items()
            if counts != Counts()
        ]
        done = _("Nothing was written (dry run).") if self.dry_run else _("Imported.")
        lines = [*self.notes, *parts, done if parts else _("The roster is empty.")]
        if self.undo is not None:
            lines.append(_("Undo it with: learntrace roster undo %(number)s") % {"number": self.undo})
        return "\n".join(lines)


def import_roster(path: str | Path, dry_run: bool = False) -> RosterReport:
    """Bring the database to the state that the file declares; importing it again changes nothing.

    Runs in one transaction. Raises RosterError with all faults of the file; then nothing has changed.
    """
    path = Path(path)
    document = _read(path)
    passwords = PasswordBook()
    failures = 0
    while True:
        try:
            with transaction.atomic():
                comparison = _compare(path, document, passwords)
                if passwords.complete:
                    _finish(comparison, path.name, dry_run=dry_run)
                    counts = {plan.section.name: plan.counts() for plan in comparison.plans}
                    return RosterReport(path.name, dry_run, counts)
        except LastAdmin as problem:
            raise RosterError(path.name, [(None, problem.sentence())]) from problem
        except (IntegrityError, OperationalError) as error:
            # Another transaction created the same rows, or locked them in another order: compare again.
            failures += 1
            if failures == _ATTEMPTS or not importing.is_clash(error):
                raise
        passwords.work(check_only=dry_run)


def _finish(comparison: Comparison, name: str, *, dry_run: bool) -> None:
    """Write what was planned, or with `dry_run` check that it could be."""
    if not dry_run:
        _write(comparison)
        for committed in HOOKS.committed:
            # After the commit: each learner's activities are locked for a moment.
            transaction.on_commit(committed, robust=True)
    elif (problem := importing.last_admin_problem(comparison)) is not None:
        raise RosterError(name, [(None, problem.sentence())])


def _write(comparison: Comparison) -> None:
    importing.write(comparison)


def _read(path: Path) -> Value:
    try:
        document = read_file(path)
    except RosterFileError as error:
        raise RosterError(path.name, [(error.line, error.text)]) from error
    except OSError as error:
        message = _("the file can't be read: %(reason)s") % {"reason": error.strerror}
        raise RosterError(str(path), [(None, message)]) from error
    if document.content is None:
        raise RosterError(path.name, [(None, _("the file is empty"))])
    return document


def _compare(path: Path, document: Value, passwords: PasswordBook) -> Comparison:
    """Plan every section.

    Raises RosterError.
    """
    comparison = importing.compare(document, passwords, SECTIONS)
    if path.suffix.lower() in TABLES:
        comparison.problems.leave_lists_out()
    comparison.problems.raise_if_any(path.name)
    return comparison


def import_for(academy: Academy, path: Path, *, dry_run: bool) -> RosterReport:
    """Import a file as the academy's admins do on a page: about the own people only, and with an undo.

    Raises RosterError with the faults of the file; then nothing has changed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = _("the file can't be read: %(reason)s") % {"reason": error.strerror}
        raise RosterError(str(path), [(None, message)]) from error
    job = import_at_once(academy, path.name, content, dry_run=dry_run)
    if kinds := kinds_of_problems(job):
        raise RosterError(path.name, [(told.line, told.text) for kind in kinds for told in _told(kind)])
    told = {name: Counts(of["new"], of["changed"], of["same"]) for name, of in job.counts.items()}
    number = None if dry_run else job.pk
    return RosterReport(path.name, dry_run, told, number, tuple(notes_of(job)))


def _told(kind: Kind) -> Iterator[Told]:
    """Yield problems of one kind, each with its lines, and how many more there are."""
    yield from kind.sentences
    if kind.further:
        more = ngettext("%(shown)s more problem of this kind", "%(shown)s more problems of this kind", kind.further) % {
            "shown": kind.further
        }
        yield Told("", more)


def main(argv: list[str]) -> int:
    """Run `learntrace roster ...`; Django is set up already. 0: done, 1: the file is bad, 2: wrong usage."""
    parser = argparse.ArgumentParser(prog="learntrace roster", description=_("Import rosters, and undo imports."))
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("import", help=_("import a roster file (YAML, JSON; CSV for learners; OneRoster)"))
    command.add_argument("file", type=Path)
    command.add_argument(
        "--academy",
        help=_("id or slug: import for this academy only, as its administrators do on a page; can be undone"),
    )
    command.add_argument("--json", action="store_true", help=_("print the report as JSON"))
    command.add_argument("--dry-run", action="store_true", help=_("check the file and report what would change"))
    command.set_defaults(run=_import)
    command = commands.add_parser("undo", help=_("undo an import for one academy"))
    command.add_argument(
        "number", type=int, help=_("the import's number, as it printed it or as in the URL of its page")
    )
    command.set_defaults(run=_undo)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (RosterError, Problem) as error:
        print(error, file=sys.stderr)
        print(_("Nothing was changed."), file=sys.stderr)
        return 1
    return 0


def _import(arguments: argparse.Namespace) -> None:
    if arguments.academy is None:
        report = import_roster(arguments.file, dry_run=arguments.dry_run)
    else:
        report = import_for(academy_named(arguments.academy), arguments.file, dry_run=arguments.dry_run)
    print(json.dumps(asdict(report), ensure_ascii=False, indent=2) if arguments.json else report)


def _undo(arguments: argparse.Namespace) -> None:
    job = undo_at_once(arguments.number)
    for told in left_of(job):
        print(
            _("Stays: line %(line)s, %(about)s: %(reason)s")
            % {"line": told.line, "about": told.about, "reason": told.text}
        )
    print(_("Undone.") if job.state == RosterJob.State.UNDONE else "\n".join(notes_of(job)[-1:]))
