"""`learntrace roster import FILE`: the sections of all rooms, in the order of their dependencies."""

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

from learntrace.accounts.memberships import LastAdmin, keeping_an_admin
from learntrace.accounts.models import Cohort
from learntrace.accounts.roster.file import RosterFileError, Value, read_file
from learntrace.accounts.roster.items import Item, Problems, RosterError
from learntrace.accounts.roster.passwords import PasswordBook
from learntrace.accounts.roster.plan import Counts, Plan, Roster, Section
from learntrace.accounts.roster.recording import record_import
from learntrace.accounts.roster.references import RowIndex
from learntrace.accounts.roster.sections import Academies, Cohorts, Memberships, Permissions, Tokens, Users
from learntrace.assignments.models import Task
from learntrace.assignments.roster import Tasks
from learntrace.progress.corrections.course_runs import (
    Course,
    begin_course_runs,
    overlap,
    overlap_sentence,
    remember_first_cohorts,
)
from learntrace.progress.step_lists import publish_manifests
from learntrace.registry.models import Asset
from learntrace.registry.roster import Assets

# A section may refer to earlier ones; references forward are possible only within a section.
SECTIONS: tuple[Section[Any], ...] = (
    Academies(),
    Users(),
    Cohorts(),
    Memberships(),
    Permissions(),
    Tokens(),
    Assets(),
    Tasks(),
)
_ATTEMPTS = 3
# Two imports at the same time would both create what neither finds.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('learntrace roster', 0))"


@dataclass(frozen=True)
class RosterReport:
    """The changes of an import in each section; with `dry_run` those that it would make."""

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
                plans = _compare(path, document, passwords)
                if passwords.complete:
                    if not dry_run:
                        with keeping_an_admin():
                            _write(plans)
                    counts = {plan.section.name: plan.counts() for plan, _roster in plans}
                    if not dry_run:
                        # After the commit: each learner's activities are locked for a moment.
                        transaction.on_commit(begin_course_runs, robust=True)
                    return RosterReport(path.name, dry_run, counts)
        except LastAdmin as problem:
            raise RosterError(path.name, [(None, problem.sentence())]) from problem
        except (IntegrityError, OperationalError) as error:
            # Another transaction created the same rows, or locked them in another order: compare again.
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
        message = _("the file can't be read: %(reason)s") % {"reason": error.strerror}
        raise RosterError(str(path), [(None, message)]) from error
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
            roster.known[section.model] = RowIndex(section.model, section.names)
    items = _items(document, roster.problems)
    for section in SECTIONS:
        for item in items[section.name]:
            section.wanted(item, roster)
    for known in roster.known.values():
        known.load()
    plans = [(section.plan(items[section.name], roster), roster) for section in SECTIONS]
    if not roster.problems.noted:
        _refuse_overlaps(plans, roster.problems)
    roster.problems.raise_if_any(path.name)
    return plans


def _refuse_overlaps(plans: Sequence[tuple[Plan[Any], Roster]], problems: Problems) -> None:
    """Note the learners whom the file would put into cohorts whose dates overlap: no course run could follow from that."""
    drafts = [draft for plan, _roster in plans for draft in plan.drafts]
    cohorts = {draft.row.pk: draft for draft in drafts if isinstance(draft.row, Cohort) and draft.row.pk}
    tasks = [(draft.row, draft.item.line) for draft in drafts if isinstance(draft.row, Task)]
    dated = [pk for pk, draft in cohorts.items() if {"starts_on", "ends_on"} & draft.changed]
    users = {task.user_id for task, _line in tasks if task.user_id}
    users |= set(Task.objects.filter(cohort__in=dated).values_list("user_id", flat=True))
    others = Task.objects.filter(user__in=users, cohort__isnull=False).exclude(
        pk__in=[task.pk for task, _line in tasks if task.pk]
    )
    for task in others.select_related("cohort", "user"):
        line = cohorts[task.cohort_id].item.line if task.cohort_id in cohorts else 0
        tasks.append((task, line))
    courses: dict[tuple[int, int], set[Course]] = {}
    lines: dict[tuple[int, int], tuple[str, int]] = {}
    for task, line in tasks:
        if task.cohort is None:
            continue
        cohort = cohorts[task.cohort.pk].row if task.cohort.pk in cohorts else task.cohort
        if cohort.starts_on is None:
            continue
        # A row that isn't stored yet has no id: a negative number, which no stored row has, stands for it.
        place = task.user.pk or -id(task.user), cohort.academy.pk or -id(cohort.academy)
        courses.setdefault(place, set()).add(Course(cohort.starts_on, cohort.name, cohort.ends_on))
        lines[place] = task.user.username, max(line, lines.get(place, ("", 0))[1])
    for place, taken in courses.items():
        if (both := overlap(taken)) is not None:
            username, line = lines[place]
            problems.add(line, overlap_sentence(username, both))


def _write(plans: Sequence[tuple[Plan[Any], Roster]]) -> None:
    for plan, roster in plans:
        if isinstance(plan.section, Tasks):
            remember_first_cohorts()
        plan.section.write(plan, roster)
    record_import([plan for plan, _roster in plans])
    # The registry, which has the assets, doesn't know their steps.
    publish_manifests(
        [
            draft.row.pk
            for plan, _roster in plans
            for draft in plan.drafts
            if isinstance(draft.row, Asset)
            and draft.values.get("manifest")
            and (draft.is_new or "manifest" in draft.changed)
        ]
    )


def _items(document: Value, problems: Problems) -> dict[str, list[Item]]:
    """Return the entries of each section; a value that is no list of entries is noted as a problem."""
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
