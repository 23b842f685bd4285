"""The list of an academy's people, and adding one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.invitations import inviting
from learntrace.accounts.models import Cohort, Membership
from learntrace.accounts.people.changes import add_person
from learntrace.accounts.people.listing import PeopleFilter, Person, people_of, with_cohorts
from learntrace.accounts.roles import ROLES
from learntrace.accounts.signing_in import reset
from learntrace.core.errors import FieldProblem, Problem
from learntrace.dashboard.components.table import Columns, Paging, csv_answer, paged_rows, table_of, timed, wants_csv
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.people.forms import choices, chosen_cohorts, person_fields
from learntrace.dashboard.people.words import ROLES as ROLE_WORDS

MOST_IN_CSV = 100_000
_LONGEST = 200


@dataclass(frozen=True)
class PersonLine:
    """Somebody as the list shows them."""

    person: Person
    role: str | Promise
    url: str
    cohorts: str


@dataclass(frozen=True)
class PeopleContext:
    """The context of people/people.html."""

    lines: Sequence[PersonLine]
    paging: Paging[Membership]
    cohorts: Sequence[Cohort]
    roles: Sequence[tuple[str, Promise]]
    filtered: bool
    may_change: bool


@dataclass(frozen=True)
class AddContext:
    """The context of people/add.html; `typed` is what was typed, where it was refused for `problem`, of the field `fault`.

    `by_mail`: somebody with an address is invited.
    """

    cohorts: Sequence[Cohort]
    roles: Sequence[tuple[str, Promise]]
    typed: Mapping[str, str] = field(default_factory=dict)
    role: str = "student"
    ticked: Collection[int] = ()
    problem: str = ""
    fault: str = ""
    by_mail: bool = False


_COLUMNS: Columns[Person] = (
    (_("Id"), lambda one: one.user.pk),
    (_("User name"), lambda one: one.user.username),
    (_("First name"), lambda one: one.user.first_name),
    (_("Last name"), lambda one: one.user.last_name),
    (_("E-mail address"), lambda one: one.user.email),
    (_("Role"), lambda one: one.membership.role),
    (_("Cohorts"), lambda one: " | ".join(cohort.slug for cohort in one.cohorts)),
    (_("Limited to"), lambda one: None if one.limited_to is None else " | ".join(c.slug for c in one.limited_to)),
    (_("Archived"), lambda one: "yes" if one.archived else "no"),
    (timed(_("Since")), lambda one: one.membership.created_at),
    (timed(_("Last sign-in")), lambda one: one.user.last_login),
)


@require_safe
@academy_page("read_member")
def people(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the academy's people, searched and filtered by the query string."""
    options = choices(page.academy)
    wanted = _filter(request, options)
    rows = people_of(page.academy, wanted)
    if wants_csv(request):
        return csv_answer("people", *table_of(_COLUMNS, with_cohorts(page.academy, list(rows[:MOST_IN_CSV]))))
    paging = paged_rows(rows, request)
    context = PeopleContext(
        lines=[_line(page, one) for one in with_cohorts(page.academy, paging.rows)],
        paging=paging,
        cohorts=options,
        roles=list(ROLE_WORDS.items()),
        filtered=wanted != PeopleFilter(),
        may_change=page.can("crud_member") and page.sees_all,
    )
    return page.show("people/people.html", context)


def _filter(request: HttpRequest, options: Sequence[Cohort]) -> PeopleFilter:
    asked = request.GET.get("q", "").replace("\0", "").strip()[:_LONGEST]
    role = request.GET.get("role", "")
    slug = request.GET.get("cohort", "")
    archived = request.GET.get("archived", "")
    return PeopleFilter(
        words=tuple(asked.split()),
        role=role if role in ROLES else "",
        cohort=next((cohort for cohort in options if cohort.slug == slug), None),
        archived=archived if archived in ("archived", "all") else "",
    )


def _line(page: AcademyPage, one: Person) -> PersonLine:
    shown = one.cohorts if one.limited_to is None else one.limited_to
    return PersonLine(
        one,
        ROLE_WORDS.get(one.membership.role, one.membership.role),
        page.address("people-one", one.user.pk),
        ", ".join(cohort.name for cohort in shown),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_member")
def add(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Add somebody to the academy."""
    require_all_cohorts(page.academy)
    options, roles = choices(page.academy), list(ROLE_WORDS.items())
    if request.method != "POST":
        return page.show("people/add.html", AddContext(options, roles, by_mail=reset.is_available()))
    fields, role = person_fields(request), request.POST.get("role", "")
    cohorts = chosen_cohorts(request, page.academy)
    try:
        if fields["email"].strip() and reset.is_available():
            return _invite(page, fields["email"], role, cohorts)
        membership = add_person(page.academy, fields, role, cohorts)
    except Problem as problem:
        fault = problem.field if isinstance(problem, FieldProblem) else ""
        ticked = {cohort.pk for cohort in cohorts}
        by_mail = reset.is_available()
        context = AddContext(options, roles, fields, role, ticked, problem.told(), fault, by_mail)
        return page.show("people/add.html", context, problem.status_code)
    messages.success(request, _("%(name)s was added.") % {"name": membership.user.display_name})
    return redirect(page.address("people-one", membership.user_id))


def _invite(page: AcademyPage, email: str, role: str, cohorts: Sequence[Cohort]) -> HttpResponse:
    """Invite somebody by mail, whether they have an account or not: the page tells nobody which."""
    row, token = inviting.invite(
        page.academy, page.user, email=email, role=role, cohorts=cohorts, days=inviting.USUAL_LIFETIME
    )
    inviting.mail(row, inviting.link_to(page.request, token))
    told = _("An invitation is on its way to %(address)s. They are listed under People once they have accepted it.")
    messages.success(page.request, told % {"address": row.email})
    return redirect(page.address("people-invitations"))
