"""What pages and the API ask of an import: to check a file, to apply it, to undo it, to drop it. A worker does it."""

from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.origin import current_origin
from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.models import Academy, User
from learntrace.accounts.roster.jobs.models import RosterJob, RosterProgress
from learntrace.core.errors import FieldProblem, NotFound, Problem
from learntrace.core.wakeup import announce

TOPIC: Final = "roster"
# What a form needs beside its file, of the bytes that a request may have.
FORM_BYTES: Final = 64 * 1024
# Files that an academy may have waiting, checked or refused. They are kept for a day, and checked one after the other, all
# academies' together.
MOST_FILES: Final = 30
_State = RosterJob.State


class JobNotFound(NotFound):
    slug = "import-not-found"
    text = _("There is no such import")


class TooManyFiles(Problem):
    status_code = 429
    slug = "too-many-imports"
    text = _("%(most)s files are here that were not applied: drop some of them first")


class NotNow(Problem):
    status_code = 409
    slug = "import-not-now"


def jobs_of(academy: Academy) -> QuerySet[RosterJob]:
    """Return the academy's imports, the newest first; without the files and what they changed."""
    rows = RosterJob.objects.filter(academy=academy).select_related("made_by", "progress").order_by("-pk")
    return rows.defer("content", "preview", "undo")


def job_of(academy: Academy, job_id: int) -> RosterJob:
    """Return an import of the academy, without its file.

    Raises JobNotFound, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    rows = RosterJob.objects.filter(academy=academy, pk=job_id).select_related("made_by", "progress", "academy")
    job = rows.defer("content", "undo").first()
    if job is None:
        raise JobNotFound
    return job


def most_bytes() -> int:
    """Return how large a file may be: what fits into a request, as all of them have one limit."""
    return max(settings.BODY_LIMIT - FORM_BYTES, FORM_BYTES)


@transaction.atomic
def upload(academy: Academy, user: User, name: str, content: bytes) -> RosterJob:
    """Store a file, and have it checked.

    Raises FieldProblem, TooManyFiles, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    if not content:
        raise FieldProblem("file", _("Choose a file that isn't empty."))
    if len(content) > most_bytes():
        text = _("The file is larger than %(limit)s. Split it, or import it on the server: learntrace roster import")
        raise FieldProblem("file", text, limit=filesizeformat(most_bytes()))
    if RosterJob.objects.filter(academy=academy, content__isnull=False).count() >= MOST_FILES:
        raise TooManyFiles(most=MOST_FILES)
    origin = current_origin()
    job = RosterJob.objects.create(
        academy=academy,
        made_by=user,
        address=origin.address,
        asked_by=user,
        asked_from=origin.address,
        asked_door=origin.door,
        language=translation.get_language() or "",
        file_name=name.replace("\0", "")[-200:],
        content=content,
    )
    RosterProgress.objects.create(job=job)
    _wake()
    return job


def ask_to_apply(academy: Academy, job_id: int, fingerprint: str) -> None:
    """Have a checked file applied as it was shown.

    Raises JobNotFound, NotNow, WholeAcademyOnly.
    """
    _move(academy, job_id, {_State.READY}, _State.APPLYING, fingerprint)


def ask_to_undo(academy: Academy, job_id: int) -> None:
    """Have an applied file undone.

    Raises JobNotFound, NotNow, WholeAcademyOnly.
    """
    _move(academy, job_id, {_State.APPLIED}, _State.UNDOING)


def drop(academy: Academy, job_id: int) -> None:
    """Forget a file that wasn't applied, with what it said.

    Raises JobNotFound, NotNow, WholeAcademyOnly.
    """
    _move(academy, job_id, {_State.READY, _State.REFUSED, _State.FAILED}, _State.DROPPED)
    RosterJob.objects.filter(pk=job_id, state=_State.DROPPED).update(content=None, preview=[], problems=[], notes=[])


@transaction.atomic
def _move(academy: Academy, job_id: int, states: set[RosterJob.State], to: RosterJob.State, seen: str = "") -> None:
    require_all_cohorts(academy)
    rows = RosterJob.objects.select_for_update(of=("self",), no_key=True)
    job = rows.filter(academy=academy, pk=job_id).only("state", "fingerprint").first()
    if job is None:
        raise JobNotFound
    if job.state == to or (to == _State.APPLYING and job.state == _State.APPLIED):
        return  # asked twice
    if job.state not in states:
        text = _("This import is in another state by now: %(state)s. Look at it again.")
        raise NotNow(text, state=_State(job.state).label)
    if seen and seen != job.fingerprint:
        raise NotNow(_("What the file would change is no longer the same. Look at it again."))
    origin = current_origin()
    job.state, job.asked_by_id = to, origin.actor_id
    job.asked_from, job.asked_door = origin.address, origin.door
    job.save(update_fields=["state", "asked_by", "asked_from", "asked_door"])
    RosterProgress.objects.filter(job=job).update(step="", done=0, total=0)
    _wake()


def _wake() -> None:
    transaction.on_commit(lambda: announce(TOPIC))
