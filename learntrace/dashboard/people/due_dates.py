"""Due dates of cohorts, and extensions of single learners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from learntrace.accounts.models import Cohort
from learntrace.accounts.people.naming import ids_by_name
from learntrace.accounts.scope import learners_of
from learntrace.assignments.due_dates import setting
from learntrace.assignments.due_dates.models import DueDate
from learntrace.assignments.due_dates.reading import due_dates_of
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.components.table import Columns, csv_answer, table_of, timed, wants_csv
from learntrace.dashboard.layout.page import AcademyPage, RoleLacks, academy_page
from learntrace.dashboard.people.forms import choices, moment_of
from learntrace.progress.reports.class_filter import filter_options
from learntrace.registry.models import Asset

_SET = ("cohort", "asset", "due_at")
_EXTEND = ("due_date", "learner", "due_at", "reason")


@dataclass(frozen=True)
class DueDatesContext:
    """The context of people/due_dates.html; `part` is the form that the `problem` belongs to: "set", or a due date's id."""

    rows: Sequence[DueDate]
    past: Sequence[DueDate]
    cohorts: Sequence[Cohort]
    assets: Sequence[Asset]
    may_change: bool
    typed: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    problem: str = ""
    fault: str = ""


_COLUMNS: Columns[tuple[DueDate, object]] = (
    (_("Cohort"), lambda one: one[0].cohort.slug),
    (_("Asset"), lambda one: one[0].asset.slug),
    (timed(_("Due")), lambda one: one[0].due_at),
    (_("Learner"), lambda one: getattr(getattr(one[1], "user", None), "username", "")),
    (timed(_("Extended until")), lambda one: getattr(one[1], "due_at", "")),
    (_("Reason"), lambda one: getattr(one[1], "reason", "")),
)


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("read_assignment")
def due_dates(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the due dates of the academy's cohorts; set one."""
    if request.method != "POST":
        if wants_csv(request):
            rows = [(row, one) for row in due_dates_of(page.academy) for one in (None, *row.extensions.all())]
            return csv_answer("due-dates", *table_of(_COLUMNS, rows))
        return _show(page)
    _require_change(page)
    typed = {name: request.POST.get(name, "").replace("\0", "").strip() for name in _SET}
    try:
        cohort = setting.cohort_named(page.academy, typed["cohort"])
        asset = setting.asset_named(page.academy, typed["asset"])
        setting.set_due_date(page.academy, cohort, asset, moment_of(typed, "due_at"))
    except Problem as problem:
        return _show(page, problem, "set", typed)
    messages.success(request, _("%(asset)s is due for %(cohort)s.") % {"asset": asset.title, "cohort": cohort.name})
    return redirect(page.address("people-due-dates"))


@require_POST
@academy_page("crud_due_date")
def end(request: HttpRequest, page: AcademyPage, due_date_id: int) -> HttpResponse:
    """Take a due date away."""
    setting.end_due_date(page.academy, setting.due_date_of(page.academy, due_date_id))
    messages.success(request, _("The due date was removed."))
    return redirect(page.address("people-due-dates"))


@require_POST
@academy_page("crud_due_date")
def extension(request: HttpRequest, page: AcademyPage, due_date_id: int) -> HttpResponse:
    """Give a learner until later, or take an extension away."""
    row = setting.due_date_of(page.academy, due_date_id)
    if (ended := natural(request.POST.get("end", ""))) is not None:
        setting.end_extension(page.academy, row, ended)
        messages.success(request, _("The extension was removed."))
        return redirect(page.address("people-due-dates"))
    typed = {name: request.POST.get(name, "").replace("\0", "").strip() for name in _EXTEND}
    try:
        user_id = _learner(page, typed["learner"])
        setting.extend(page.academy, row, user_id, moment_of(typed, "due_at"), typed["reason"])
    except Problem as problem:
        return _show(page, problem, str(row.pk), typed)
    messages.success(request, _("The learner has more time now."))
    return redirect(page.address("people-due-dates"))


def _learner(page: AcademyPage, name: str) -> int:
    people = learners_of(page.academy)
    found = ids_by_name([name], people)
    by_address = people.filter(email__iexact=name).values_list("pk", flat=True)[:2] if "@" in name else ()
    ids = list(found.values()) or list(by_address)
    if len(ids) != 1:
        raise FieldProblem("learner", _("Not found at your academy: %(names)s"), names=name[:80])
    return ids[0]


def _show(
    page: AcademyPage, problem: Problem | None = None, part: str = "", typed: Mapping[str, str] | None = None
) -> HttpResponse:
    rows, now = list(due_dates_of(page.academy)), timezone.now()
    context = DueDatesContext(
        rows=[row for row in rows if row.due_at >= now],
        past=[row for row in rows if row.due_at < now],
        cohorts=choices(page.academy),
        assets=filter_options(page.academy).assets,
        may_change=page.can("crud_due_date"),
        typed=typed or {},
        part=part,
        problem=problem.told() if problem else "",
        fault=problem.field if isinstance(problem, FieldProblem) else "",
    )
    return page.show("people/due_dates.html", context, problem.status_code if problem else 200)


def _require_change(page: AcademyPage) -> None:
    if not page.can("crud_due_date"):
        raise RoleLacks(academy=page.academy.name)
