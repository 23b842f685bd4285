"""The turn of a worker that checks, applies and undoes imports, one at a time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone, translation

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.origin import Origin, on_behalf_of
from learntrace.accounts.models import RosterJob
from learntrace.accounts.roster.jobs import steps
from learntrace.accounts.roster.jobs.progress import ProgressTeller
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.reasons import stored
from learntrace.core.queue import run_turn

_State = RosterJob.State
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
        return list(locked.select_related("academy", "asked_by")[:1])

    def work(self, items: Sequence[RosterJob]) -> None:
        for job in items:
            with (
                translation.override(job.language or "en"),
                on_behalf_of(_origin(job)),
                ProgressTeller(job.pk) as teller,
            ):
                _WORK[_State(job.state)](job, teller.tell)

    def postpone(self, items: Sequence[RosterJob]) -> None:
        """Take it again at once."""

    def give_up(self, items: Sequence[RosterJob], error: Exception) -> None:
        for job in items:
            text = _("Server error: %(fault)s. Nothing was changed.") % {"fault": type(error).__name__}
            job.problems = [["", stored(text)]]
            job.state = _State.FAILED
            job.save(update_fields=["state", "problems"])


def _origin(job: RosterJob) -> Origin:
    """Return whoever has asked for what is done now: a colleague may apply or undo what another one has uploaded."""
    name = job.asked_by.username if job.asked_by else ""
    return Origin(AuditEntry.Door(job.asked_door), job.asked_by_id, name, job.asked_from)


_WORK = {_State.READING: steps.check, _State.APPLYING: steps.apply, _State.UNDOING: steps.undo}


def forget_old_jobs(*, days: int) -> int:
    """Delete imports that are older than so many days, and the files that nobody applied within one."""
    now = timezone.now()
    stale = RosterJob.objects.filter(content__isnull=False, created_at__lt=now - timedelta(days=1))
    stale.exclude(state__in=RosterJob.WORKING).update(content=None, state=_State.DROPPED, preview=[])
    return RosterJob.objects.filter(created_at__lt=now - timedelta(days=days)).delete()[0]
