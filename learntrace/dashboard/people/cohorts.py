"""Cohorts: list, add, change, archive, and who is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.models import Cohort, Membership
from learntrace.accounts.people import cohorts as changes
from learntrace.accounts.people.cohort_learners import count_learners
from learntrace.accounts.people.listing import PeopleFilter, Person, people_of, person_of, with_cohorts
from learntrace.accounts.people.naming import ids_by_name
from learntrace.accounts.scope import learners_of
from learntrace.assignments.due_dates.cohort_history import history_of
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.components.table import Paging, paged_rows
from learntrace.dashboard.layout.page import AcademyPage, RoleLacks, academy_page
from learntrace.dashboard.people.cohort_history import HistoryLine, lines_of
from learntrace.dashboard.people.forms import day_of

_FIELDS = ("name", "slug", "starts_on", "ends_on")
_LONGEST_LIST = 20_000
_CHANGES_PER_PAGE = 10


@dataclass(frozen=True)
class CohortLine:
    """A cohort with the number of its learners."""

    cohort: Cohort
    learners: int
    url: str


@dataclass(frozen=True)
class CohortsContext:
    """The context of people/cohorts.html; `typed` is what was typed where it was refused."""

    lines: Sequence[CohortLine]
    archived: Sequence[CohortLine]
    may_change: bool
    typed: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    fault: str = ""


@dataclass(frozen=True)
class CohortContext:
    """The context of people/cohort.html; `part` is the form that the `problem` belongs to."""

    cohort: Cohort
    people: Sequence[Person]
    paging: Paging[Membership]
    may_change: bool
    typed: Mapping[str, str]
    history: Sequence[HistoryLine]
    history_paging: Paging[AuditEntry]
    names: str = ""
    part: str = ""
    problem: str = ""
    fault: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("read_member")
def cohorts(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the academy's cohorts; make one."""
    if request.method != "POST":
        return _show_cohorts(page)
    _require_change(page)
    try:
        cohort = changes.make_cohort(page.academy, _fields(request))
    except Problem as problem:
        return _show_cohorts(page, problem)
    messages.success(request, _("The cohort was created. Now add its learners."))
    return redirect(page.address("people-cohort", cohort.pk))


def _show_cohorts(page: AcademyPage, problem: Problem | None = None) -> HttpResponse:
    rows = cohorts_of(page.academy).order_by("-starts_on", "name", "pk")
    counts = count_learners([cohort.pk for cohort in rows])
    lines = [CohortLine(row, counts.get(row.pk, 0), page.address("people-cohort", row.pk)) for row in rows]
    context = CohortsContext(
        lines=[line for line in lines if line.cohort.archived_at is None],
        archived=[line for line in lines if line.cohort.archived_at is not None],
        may_change=_may_change(page),
        typed={name: page.request.POST.get(name, "") for name in _FIELDS},
        problem=problem.told() if problem else "",
        fault=problem.field if isinstance(problem, FieldProblem) else "",
    )
    return page.show("people/cohorts.html", context, problem.status_code if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("read_member")
def cohort(request: HttpRequest, page: AcademyPage, cohort_id: int) -> HttpResponse:
    """Show a cohort with its learners; change its name and dates."""
    row = changes.cohort_of(page.academy, cohort_id)
    if request.method != "POST":
        return _show_cohort(page, row)
    _require_change(page)
    try:
        changed = changes.change_cohort(page.academy, row, _fields(request))
    except Problem as problem:
        return _show_cohort(page, row, problem, "cohort")
    if changed:
        messages.success(request, _("The cohort was changed."))
    else:
        messages.info(request, _("Nothing has changed."))
    return redirect(page.address("people-cohort", row.pk))


def _show_cohort(page: AcademyPage, row: Cohort, problem: Problem | None = None, part: str = "") -> HttpResponse:
    members: QuerySet[Membership] = people_of(page.academy, PeopleFilter(cohort=row, archived="all", role="student"))
    paging = paged_rows(members, page.request)
    stored = {name: _text(getattr(row, name)) for name in _FIELDS}
    form = page.request.POST
    entries = paged_rows(history_of(page.academy, row), page.request, _CHANGES_PER_PAGE, parameter="history")
    context = CohortContext(
        cohort=row,
        people=with_cohorts(page.academy, paging.rows),
        paging=paging,
        may_change=_may_change(page),
        typed={name: form.get(name, "") for name in _FIELDS} if part == "cohort" else stored,
        history=lines_of(page.academy, row, entries.rows),
        history_paging=entries,
        names=form.get("names", "") if part == "learners" else "",
        part=part,
        problem=problem.told() if problem else "",
        fault=problem.field if isinstance(problem, FieldProblem) else "",
    )
    return page.show("people/cohort.html", context, problem.status_code if problem else 200)


@require_POST
@academy_page("crud_member")
def archive(request: HttpRequest, page: AcademyPage, cohort_id: int) -> HttpResponse:
    """Archive a cohort, or bring it back."""
    row = changes.cohort_of(page.academy, cohort_id)
    archived = request.POST.get("archived") == "yes"
    changes.archive_cohort(page.academy, row, archived=archived)
    done = _("The cohort was archived.") if archived else _("The cohort was restored.")
    messages.success(request, done)
    return redirect(page.address("people-cohort", row.pk))


@require_POST
@academy_page("crud_member")
def learners(request: HttpRequest, page: AcademyPage, cohort_id: int) -> HttpResponse:
    """Put people into a cohort by their user names or addresses, or take one out."""
    row = changes.cohort_of(page.academy, cohort_id)
    out = natural(request.POST.get("out", ""))
    try:
        if out is not None:
            person = person_of(page.academy, out)
            changes.take_out(page.academy, row, person.membership)
            told = {"name": person.user.display_name, "cohort": row.name}
            messages.success(request, _("%(name)s was removed from %(cohort)s.") % told)
        else:
            count = changes.put_into(page.academy, row, _named(request, page))
            messages.success(request, _("New in the cohort: %(count)s") % {"count": count})
    except Problem as problem:
        return _show_cohort(page, row, problem, "learners")
    return redirect(page.address("people-cohort", row.pk))


def _named(request: HttpRequest, page: AcademyPage) -> list[int]:
    """Return the ids of the people who are named, a name or an address in a line or between commas.

    Raises FieldProblem.
    """
    text = request.POST.get("names", "").replace("\0", "")[:_LONGEST_LIST]
    names = list(dict.fromkeys(name.strip() for name in text.replace(";", ",").replace("\n", ",").split(",")))
    names = [name for name in names if name]
    if not names:
        raise FieldProblem("names", _("Enter at least one person."))
    people = learners_of(page.academy)
    found = ids_by_name(names, people)
    addresses = {name.lower(): name for name in names if name not in found and "@" in name}
    for pk, email in people.filter(email__in=addresses.values()).values_list("pk", "email"):
        found[addresses[email.lower()]] = pk
    if missing := [name for name in names if name not in found]:
        shown = ", ".join(missing[:5])
        raise FieldProblem("names", _("Not found at your academy: %(names)s"), names=shown[:300])
    return sorted(set(found.values()))


def _fields(request: HttpRequest) -> changes.CohortFields:
    form = request.POST
    name = " ".join(form.get("name", "").replace("\0", "").split())
    starts_on: date | None = day_of(form, "starts_on")
    return changes.CohortFields(name, form.get("slug", "").strip(), starts_on, day_of(form, "ends_on"))


def _may_change(page: AcademyPage) -> bool:
    return page.can("crud_member") and page.sees_all


def _require_change(page: AcademyPage) -> None:
    if not page.can("crud_member"):
        raise RoleLacks(academy=page.academy.name)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")
