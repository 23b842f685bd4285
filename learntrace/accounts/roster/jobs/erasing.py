"""Erase a person from the imports of rosters: those that the person made, and what others' imports tell of the person."""

from typing import Any

from django.db import transaction
from django.db.models import Q

from learntrace.accounts.models import RosterJob, User
from learntrace.accounts.roster.reasons import of_stored


@transaction.atomic
def erase_from_jobs(user_id: int) -> int:
    """Delete a user's imports, and take the user out of others'; return how many rows were deleted or changed."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return 0
    # A job that a worker has in hand is taken by the sweep that follows each erasure.
    own = RosterJob.objects.filter(made_by=user).exclude(state__in=(RosterJob.State.APPLYING, RosterJob.State.UNDOING))
    free = list(own.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
    gone = RosterJob.objects.filter(pk__in=free).delete()[1].get("accounts.RosterJob", 0)
    asked = RosterJob.objects.filter(asked_by=user).exclude(
        state__in=(RosterJob.State.APPLYING, RosterJob.State.UNDOING)
    )
    RosterJob.objects.filter(
        pk__in=[job.pk for job in asked.select_for_update(skip_locked=True, of=("self",)).only("pk")]
    ).update(asked_by=None, asked_from="")
    names = {name for name in (user.username, user.email) if name}
    told = Q()
    for name in names:
        told |= Q(preview__contains=[{"about": name}])
    jobs = list(RosterJob.objects.select_for_update(no_key=True, of=("self",)).filter(told) if names else ())
    for job in jobs:
        _take_out(job, names)
    return gone + len(jobs)


def _take_out(job: RosterJob, names: set[str]) -> None:
    if job.content is not None and job.state not in RosterJob.WORKING:
        job.content, job.state = None, RosterJob.State.DROPPED
    job.preview = [change for change in job.preview if change["about"] not in names]
    job.left = [entry for entry in job.left if entry["about"] not in names]
    job.problems = [problem for problem in job.problems if not _names(problem[1], names)]
    # What was written about the person can't be taken back any more, and needn't be.
    job.undo = {label: {kind: _others(rows, names) for kind, rows in told.items()} for label, told in job.undo.items()}
    job.save(update_fields=["content", "state", "preview", "left", "problems", "undo"])


def _names(told: Any, names: set[str]) -> bool:
    """Whether a stored sentence names one of them."""
    sentence = of_stored(told)
    return any(name in sentence for name in names)


def _others(rows: list[Any], names: set[str]) -> list[Any]:
    """Return the rows that aren't about the person; the third value of a row is whom it is about."""
    return [row for row in rows if row[2] not in names]
