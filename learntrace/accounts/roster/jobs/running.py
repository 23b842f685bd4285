"""The turn of a worker that checks, applies and undoes imports, one at a time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from learntrace.accounts.audit.actions import ROSTER_UNDONE
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.origin import Origin, on_behalf_of
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
from learntrace.accounts.roster.jobs.progress import ProgressTeller
from learntrace.accounts.roster.passwords import PasswordBook
from learntrace.core.errors import Problem
from learntrace.core.queue import run_turn

_State = RosterJob.State
# What a file through a page may hold: a worker reads it beside its other work, and the page shows what would change.
MOST_MARKS = 500_000
MOST_CHANGES = 80_000
# Problems that are kept and shown; the number of all of them is told.
MOST_PROBLEMS = 500
WAITING = "EXISTS (SELECT FROM accounts_rosterjob WHERE state IN ('reading', 'applying', 'undoing'))"


def take_job() -> int:
    """Do what the oldest waiting import asks for; return how many there were."""
    return run_turn(_Jobs())


class _Jobs:
    name = "roster"

    def describe(self, item: RosterJob) -> Mapping[str, object]:
        return {"job": item.pk, "academy": item.academy_id, "state": item.state}

    def claim(self) -> Sequence[RosterJob]:
        return self._claim(RosterJob.objects.filter(state__in=RosterJob.WORKING).order_by("pk"))

    def claim_again(self, item: RosterJob) -> Sequence[RosterJob]:
        return self._claim(RosterJob.objects.filter(pk=item.pk, state=item.state))

    def _claim(self, rows: QuerySet[RosterJob]) -> Sequence[RosterJob]:
        locked = rows.select_for_update(of=("self",), no_key=True, skip_locked=True)
        return list(locked.select_related("academy", "made_by")[:1])

    def work(self, items: Sequence[RosterJob]) -> None:
        for job in items:
            with (
                translation.override(job.language or "en"),
                on_behalf_of(_origin(job)),
                ProgressTeller(job.pk) as teller,
            ):
                _WORK[_State(job.state)](job, teller)

    def postpone(self, items: Sequence[RosterJob]) -> None:
        """Take it again at once."""

    def give_up(self, items: Sequence[RosterJob], error: Exception) -> None:
        for job in items:
            with translation.override(job.language or "en"):
                text = _("A fault of this server: %(fault)s. Nothing was changed.")
                job.problems = [["", text % {"fault": type(error).__name__}]]
            job.state = _State.FAILED
            job.save(update_fields=["state", "problems"])


def _origin(job: RosterJob) -> Origin:
    name = job.made_by.username if job.made_by else ""
    return Origin(AuditEntry.Door.PAGE, job.made_by_id, name, job.address)


def _check(job: RosterJob, teller: ProgressTeller) -> None:
    """Read the file, compare it, and store what would change or what is wrong."""
    teller.tell("reading", 0, 0)
    try:
        comparison = _compared(job, PasswordBook(), teller)
        _store_preview(job, comparison)
    except RosterFileError as error:
        _refuse(job, [("" if error.line is None else str(error.line), error.text)])
    job.save()


def _compared(job: RosterJob, passwords: PasswordBook, teller: ProgressTeller) -> Comparison:
    """Compare the stored file with the database.

    Raises RosterFileError.
    """
    found = read_bytes(job.file_name, bytes(job.content or b""), of_academy.names_of(job.academy), MOST_MARKS)
    job.form, job.notes = found.form, list(found.notes)
    if found.document.content is None:
        raise RosterFileError(None, _("the file is empty"))
    teller.tell("comparing", 0, 0)
    before = Problems()
    document = of_academy.adapt(found.document, job.academy, before)

    def check(plans: Plans, problems: Problems) -> None:
        of_academy.check(plans, job.academy, problems)

    comparison = importing.compare(document, passwords, of_academy.sections(), check)
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
        comparison.problems.add(0, problem.sentence())
    try:
        comparison.problems.raise_if_any(job.file_name)
    except RosterError as error:
        _refuse(job, [(str(line) if line else "", text) for line, text in error.problems])
    else:
        job.problems, job.state = [], _State.READY


def _refuse(job: RosterJob, problems: Sequence[tuple[str, str]]) -> None:
    job.state = _State.REFUSED
    job.problems = [list(problem) for problem in problems[:MOST_PROBLEMS]]
    job.counts = {**job.counts, "problems": len(problems)}


def _apply(job: RosterJob, teller: ProgressTeller) -> None:
    """Write what was shown; where it would be something else by now, show that instead."""
    passwords = PasswordBook()
    seen = job.fingerprint
    comparison = _compared(job, passwords, teller)
    if not passwords.complete:
        passwords.work()
        comparison = _compared(job, passwords, teller)
    _store_preview(job, comparison)
    if job.state == _State.READY and job.fingerprint == seen:
        try:
            with transaction.atomic():
                importing.write(comparison, job.academy_id)
                _tell_former_addresses(job, comparison)
        except Problem as problem:
            _refuse(job, [("", problem.sentence())])
        else:
            job.undo = undoing.written_by(comparison.plans)
            job.state, job.applied_at, job.content = _State.APPLIED, timezone.now(), None
            for committed in HOOKS.committed:
                transaction.on_commit(committed, robust=True)
    elif job.state == _State.READY:
        job.notes = [*job.notes, _("Something has changed since this was shown. Look at it again before you apply it.")]
    job.save()


def _tell_former_addresses(job: RosterJob, comparison: Comparison) -> None:
    for plan in comparison.plans:
        for draft in plan.drafts:
            if isinstance(draft.row, User) and not draft.is_new and "email" in draft.changed:
                tell_former_address(draft.row, draft.before.get("email") or "", job.academy)


def _undo(job: RosterJob, teller: ProgressTeller) -> None:
    """Take back what was written, as far as nothing else has changed it."""
    teller.tell("undoing", 0, 0)
    try:
        with transaction.atomic(), keeping_an_admin():
            job.left = undoing.undo(job.undo, job.academy)
            told = {"import": job.pk, "kept": len(job.left)}
            record(ROSTER_UNDONE, academy_id=job.academy_id, object_id=job.pk, before={"import": job.pk}, after=told)
    except Problem as problem:
        job.state, job.notes = _State.APPLIED, [*job.notes, problem.sentence()]
    else:
        job.state, job.undone_at, job.undo = _State.UNDONE, timezone.now(), {}
    job.save()


_WORK = {_State.READING: _check, _State.APPLYING: _apply, _State.UNDOING: _undo}


def forget_old_jobs(*, days: int) -> int:
    """Delete imports that are older than so many days, and the files that nobody applied within one."""
    now = timezone.now()
    stale = RosterJob.objects.filter(content__isnull=False, created_at__lt=now - timedelta(days=1))
    stale.exclude(state__in=RosterJob.WORKING).update(content=None, state=_State.DROPPED, preview=[])
    return RosterJob.objects.filter(created_at__lt=now - timedelta(days=days)).delete()[0]
