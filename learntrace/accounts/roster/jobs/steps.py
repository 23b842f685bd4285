"""The steps of an import: check a file, apply it, undo it. A worker takes them for pages and API, a command at once."""

from collections.abc import Callable, Sequence
from typing import Final

from django.db import transaction
from django.utils import timezone

from learntrace.accounts.audit.actions import ROSTER_UNDONE
from learntrace.accounts.audit.recording import record
from learntrace.accounts.memberships import keeping_an_admin
from learntrace.accounts.models import User
from learntrace.accounts.people.former_address import tell_former_address
from learntrace.accounts.roster import importing, of_academy
from learntrace.accounts.roster.file import RosterFileError, read_bytes
from learntrace.accounts.roster.importing import HOOKS, Comparison, Plans
from learntrace.accounts.roster.items import Problems, RosterError
from learntrace.accounts.roster.jobs import preview, undoing
from learntrace.accounts.roster.jobs.models import RosterJob
from learntrace.accounts.roster.passwords import PasswordBook
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.reasons import of_problem, stored
from learntrace.core.errors import Problem

# What a file through a page may hold: a worker reads it beside its other work, and the page shows what would change.
MOST_MARKS: Final = 500_000
MOST_CHANGES: Final = 80_000
# Problems that are kept and shown; the number of all of them is told.
MOST_PROBLEMS: Final = 500
_State = RosterJob.State
# Is told the step, and how much of it is done of how much.
Tell = Callable[[str, int, int], None]


def check(job: RosterJob, tell: Tell) -> None:
    """Read the file, compare it, and store what would change or what is wrong."""
    tell("reading", 0, 0)
    try:
        comparison = _compared(job, PasswordBook(), tell)
        _store_preview(job, comparison)
    except RosterFileError as error:
        _refuse(job, [_unreadable(error)])
    job.save()


def _unreadable(error: RosterFileError) -> tuple[str, str]:
    return "" if error.line is None else str(error.line), error.text


def _compared(job: RosterJob, passwords: PasswordBook, tell: Tell) -> Comparison:
    """Compare the stored file with the database.

    Raises RosterFileError.
    """
    found = read_bytes(job.file_name, bytes(job.content or b""), of_academy.names_of(job.academy), MOST_MARKS)
    job.form, job.notes = found.form, [stored(note) for note in found.notes]
    if found.document.content is None:
        raise RosterFileError(None, _("the file is empty"))
    tell("comparing", 0, 0)
    before = Problems()
    document = of_academy.adapt(found.document, job.academy, before)

    def check_scope(plans: Plans, problems: Problems) -> None:
        of_academy.check(plans, job.academy, problems)

    comparison = importing.compare(document, passwords, of_academy.sections(), check_scope)
    comparison.problems.noted[:0] = before.noted
    return comparison


def _store_preview(job: RosterJob, comparison: Comparison) -> None:
    changes = preview.changes_of(comparison.plans)
    if len(changes) > MOST_CHANGES:
        text = _(
            "the file has more than %(limit)s entries: split it, or import it on the server: learntrace roster import"
        )
        raise RosterFileError(None, text % {"limit": f"{MOST_CHANGES:,}"})
    job.preview = [change.stored() for change in changes]
    job.counts = preview.counts_of(changes)
    job.fingerprint = preview.fingerprint(changes)
    if problem := importing.last_admin_problem(comparison):
        comparison.problems.add(0, of_problem(problem))
    try:
        comparison.problems.raise_if_any(job.file_name)
    except RosterError as error:
        _refuse(job, [(str(line) if line else "", text) for line, text in error.problems])
    else:
        job.problems, job.state = [], _State.READY


def _refuse(job: RosterJob, problems: Sequence[tuple[str, str]]) -> None:
    job.state = _State.REFUSED
    job.problems = [[line, stored(sentence)] for line, sentence in problems[:MOST_PROBLEMS]]
    job.counts = {**job.counts, "problems": len(problems)}


def apply(job: RosterJob, tell: Tell) -> None:
    """Write what was shown; where it would be something else by now, show that instead."""
    seen = job.fingerprint
    try:
        comparison = _settled(job, tell)
    except RosterFileError as error:
        # It was read before: the academy may have other cohorts, or the server other limits, by now.
        _refuse(job, [_unreadable(error)])
        job.save()
        return
    if job.state == _State.READY and job.fingerprint == seen:
        try:
            with transaction.atomic():
                importing.write(comparison, job.academy_id)
                _tell_former_addresses(job, comparison)
        except Problem as problem:
            _refuse(job, [("", of_problem(problem))])
        else:
            job.undo = undoing.written_by(comparison.plans)
            job.state, job.applied_at, job.content = _State.APPLIED, timezone.now(), None
            for committed in HOOKS.committed:
                transaction.on_commit(committed, robust=True)
    elif job.state == _State.READY:
        text = _("Something has changed since this was shown. Look at it again before you apply it.")
        job.notes = [*job.notes, stored(text)]
    job.save()


def _settled(job: RosterJob, tell: Tell) -> Comparison:
    """Compare the file with its passwords hashed, and store what it would change now.

    Raises RosterFileError.
    """
    passwords = PasswordBook()
    comparison = _compared(job, passwords, tell)
    if not passwords.complete:
        passwords.work()
        comparison = _compared(job, passwords, tell)
    _store_preview(job, comparison)
    return comparison


def _tell_former_addresses(job: RosterJob, comparison: Comparison) -> None:
    for plan in comparison.plans:
        for draft in plan.drafts:
            if isinstance(draft.row, User) and not draft.is_new and "email" in draft.changed:
                tell_former_address(draft.row, draft.before.get("email") or "", job.academy)


def undo(job: RosterJob, tell: Tell) -> None:
    """Take back what was written, as far as nothing else has changed it."""
    tell("undoing", 0, 0)
    try:
        with transaction.atomic(), keeping_an_admin():
            job.left = undoing.undo(job.undo, job.academy)
            told = {"import": job.pk, "kept": len(job.left)}
            record(ROSTER_UNDONE, academy_id=job.academy_id, object_id=job.pk, before={"import": job.pk}, after=told)
    except Problem as problem:
        job.state, job.notes = _State.APPLIED, [*job.notes, stored(of_problem(problem))]
    else:
        job.state, job.undone_at, job.undo = _State.UNDONE, timezone.now(), {}
    job.save()
