"""Import a roster: upload a file, see what it would change, apply it, undo it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.models import RosterJob
from learntrace.accounts.roster.jobs import asking
from learntrace.accounts.roster.jobs.preview import NEW, SAME, Change
from learntrace.accounts.roster.jobs.telling import Kind, Told, count_problems, kinds_of_problems, left_of, notes_of
from learntrace.core.errors import Problem
from learntrace.dashboard.components.table import Paging, paged
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.people.words import COLUMNS, COUNTED, ROLES, SECTIONS, STEPS

LINES_PER_PAGE = 100
MOST_JOBS = 20
_STATES = RosterJob.State


@dataclass(frozen=True)
class JobLine:
    """An import in the list of imports."""

    job: RosterJob
    url: str
    state: str
    shape: str


@dataclass(frozen=True)
class ImportContext:
    """The context of people/import.html."""

    jobs: Sequence[JobLine]
    most_bytes: int
    problem: str = ""


@dataclass(frozen=True)
class FieldLine:
    """A column that changes, in words."""

    name: str | Promise
    before: str
    after: str


@dataclass(frozen=True)
class PartLine:
    """One thing that a line of the file makes or changes."""

    title: str | Promise
    shape: str
    word: str
    fields: Sequence[FieldLine]


@dataclass(frozen=True)
class PreviewLine:
    """A line of the file: whom it is about, and what becomes of it."""

    line: str
    about: str
    parts: Sequence[PartLine]


@dataclass(frozen=True)
class CountLine:
    """How many entries of a kind are new, changed and as they were."""

    title: str | Promise
    new: int
    changed: int
    same: int


@dataclass(frozen=True)
class JobContext:
    """The context of people/import_job.html; `step`, `done` and `total` are of a job at work (`total` 0: unknown)."""

    job: RosterJob
    state: str
    shape: str
    working: bool
    step: str | Promise
    done: int
    total: int
    counts: Sequence[CountLine]
    changing: int
    problems: Sequence[Kind]
    kept_problems: int
    problem_count: int
    notes: Sequence[str]
    left: Sequence[Told]
    paging: Paging[PreviewLine]
    everything: bool
    by: str


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_member")
def imports(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the form for a file and the imports so far; take a file."""
    require_all_cohorts(page.academy)
    problem = None
    if request.method == "POST":
        try:
            return redirect(page.address("people-import-job", _upload(request, page).pk))
        except Problem as refused:
            problem = refused
    jobs = [_job_line(page, job) for job in asking.jobs_of(page.academy)[:MOST_JOBS]]
    context = ImportContext(jobs, asking.most_bytes(), problem.told() if problem else "")
    return page.show("people/import.html", context, problem.status_code if problem else 200)


def _upload(request: HttpRequest, page: AcademyPage) -> RosterJob:
    file = request.FILES.get("file")
    content = b"" if file is None else file.read(asking.most_bytes() + 1)
    return asking.upload(page.academy, page.user, (file.name if file else "") or "file", content)


def _job_line(page: AcademyPage, job: RosterJob) -> JobLine:
    return JobLine(job, page.address("people-import-job", job.pk), _state(job), _shape(job))


def _state(job: RosterJob) -> str:
    return str(_STATES(job.state).label)


def _shape(job: RosterJob) -> str:
    if job.state in RosterJob.WORKING:
        return "working"
    bad = (_STATES.REFUSED, _STATES.FAILED)
    return "error" if job.state in bad else "done" if job.state == _STATES.APPLIED else "open"


@require_safe
@academy_page("crud_member")
def job(request: HttpRequest, page: AcademyPage, job_id: int) -> HttpResponse:
    """Show an import: how far it is, what it would change or has changed, and what is wrong."""
    row = asking.job_of(page.academy, job_id)
    everything = request.GET.get("lines") == "all"
    progress = getattr(row, "progress", None)
    counts = [
        CountLine(COUNTED.get(name, name), told["new"], told["changed"], told["same"])
        for name, told in row.counts.items()
        if name != "problems" and any(told.values())
    ]
    step = progress.step if progress else ""
    context = JobContext(
        job=row,
        state=_state(row),
        shape=_shape(row),
        working=row.state in RosterJob.WORKING,
        step=STEPS.get(step, STEPS["undoing"] if row.state == _STATES.UNDOING else STEPS["comparing"]),
        done=progress.done if progress else 0,
        total=progress.total if progress else 0,
        counts=counts,
        changing=sum(line.new + line.changed for line in counts),
        problems=kinds_of_problems(row),
        kept_problems=len(row.problems),
        problem_count=count_problems(row),
        notes=notes_of(row),
        left=left_of(row),
        paging=paged(list(_lines(row, everything=everything)), request, LINES_PER_PAGE),
        everything=everything,
        by=row.made_by.display_name if row.made_by else "",
    )
    return page.show("people/import_job.html", context)


def _lines(row: RosterJob, *, everything: bool) -> Iterator[PreviewLine]:
    """Yield the lines of the file with what becomes of them; those that change nothing only if `everything` is asked for."""
    changes = [Change.of(stored) for stored in row.preview]
    for (line, _order), group in groupby(changes, key=lambda change: (change.line, change.order)):
        entries = list(group)
        if everything or any(change.what != SAME for change in entries):
            parts = [_part(change) for change in entries if everything or change.what != SAME]
            yield PreviewLine(line, entries[0].about, parts)


def _part(change: Change) -> PartLine:
    words = {NEW: _("new"), SAME: _("as it is")}
    return PartLine(
        title=SECTIONS.get(change.section, change.section),
        shape={NEW: "done", SAME: "open"}.get(change.what, "working"),
        word=words.get(change.what, _("changed")),
        fields=[
            FieldLine(COLUMNS.get(told.name, told.name), _value(told.name, told.before), _value(told.name, told.after))
            for told in change.fields
        ],
    )


def _value(name: str, text: str) -> str:
    if name == "role":
        return str(ROLES.get(text, text))
    if name == "status":
        return {"ACTIVE": _("active"), "INACTIVE": _("archived")}.get(text, text)
    return text


@require_POST
@academy_page("crud_member")
def apply(request: HttpRequest, page: AcademyPage, job_id: int) -> HttpResponse:
    """Have an import applied as it was shown."""
    asking.ask_to_apply(page.academy, job_id, request.POST.get("fingerprint", ""))
    return redirect(page.address("people-import-job", job_id))


@require_POST
@academy_page("crud_member")
def undo(request: HttpRequest, page: AcademyPage, job_id: int) -> HttpResponse:
    """Have an import undone."""
    asking.ask_to_undo(page.academy, job_id)
    return redirect(page.address("people-import-job", job_id))


@require_POST
@academy_page("crud_member")
def drop(request: HttpRequest, page: AcademyPage, job_id: int) -> HttpResponse:
    """Forget an import that wasn't applied."""
    asking.drop(page.academy, job_id)
    return redirect(page.address("people-import"))
