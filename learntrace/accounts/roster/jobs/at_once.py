"""Import a roster for one academy, or undo an import, while the caller waits: for the command, which needs no worker."""

from typing import Final

from django.db import IntegrityError, OperationalError, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.accounts.roster import importing
from learntrace.accounts.roster.jobs import steps
from learntrace.accounts.roster.jobs.asking import JobNotFound, NotNow
from learntrace.accounts.roster.jobs.models import RosterJob

_State = RosterJob.State
_ATTEMPTS: Final = 3


def import_at_once(academy: Academy, name: str, content: bytes, *, dry_run: bool) -> RosterJob:
    """Check a file as its upload would be, and apply it; return the import, which is kept where it was applied.

    `state` says what became of it: APPLIED, READY (a dry run), or REFUSED with its problems.
    """
    failures = 0
    while True:
        try:
            return _imported(academy, name, content, dry_run=dry_run)
        except (IntegrityError, OperationalError) as error:
            # Another transaction created the same rows, or locked them in another order: compare again.
            failures += 1
            if failures == _ATTEMPTS or not importing.is_clash(error):
                raise


@transaction.atomic
def _imported(academy: Academy, name: str, content: bytes, *, dry_run: bool) -> RosterJob:
    # No worker sees it before the transaction ends, and then there is nothing left to do.
    job = RosterJob(
        academy=academy,
        asked_door="command",
        language=translation.get_language() or "",
        file_name=name.replace("\0", "")[-200:],
        content=content,
    )
    steps.check(job, _tell_nobody)
    if job.state == _State.READY and not dry_run:
        steps.apply(job, _tell_nobody)
    if job.state != _State.APPLIED:
        transaction.set_rollback(True)
    return job


@transaction.atomic
def undo_at_once(job_id: int) -> RosterJob:
    """Take back what an import has written; return it with what stays as it is.

    Raises JobNotFound, NotNow.
    """
    rows = RosterJob.objects.select_for_update(of=("self",), no_key=True).select_related("academy")
    job = rows.filter(pk=job_id).first()
    if job is None:
        raise JobNotFound
    if job.state != _State.APPLIED:
        text = _("Only an import that is applied can be undone; this one is: %(state)s")
        raise NotNow(text, state=_State(job.state).label)
    job.asked_by, job.asked_from, job.asked_door = None, "", "command"
    steps.undo(job, _tell_nobody)
    return job


def _tell_nobody(step: str, done: int, total: int) -> None:
    """The terminal has its own progress line."""
