"""The page of one person: names and address, role and its cohorts, the archive, cohorts, extensions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from learntrace.accounts.models import Cohort
from learntrace.accounts.people import changes
from learntrace.accounts.people.cohorts import cohort_of, put_into, take_out
from learntrace.accounts.people.listing import Person, person_of
from learntrace.accounts.people.reach import acts_beyond
from learntrace.accounts.roles import LIMITED_ROLES
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.people import effects
from learntrace.dashboard.people.forms import choices, chosen_cohorts, person_fields
from learntrace.dashboard.people.words import ROLES as ROLE_WORDS
from learntrace.personal.merging.own import Merged, merges_into


@dataclass(frozen=True)
class PersonContext:
    """The context of people/person.html; `typed` is what was typed where it was refused, `part` the form with the `problem`.

    `joinable` are the cohorts that the person can be added to.
    """

    person: Person
    name: str
    role: str | Promise
    roles: Sequence[tuple[str, Promise]]
    limited_roles: Collection[str]
    cohorts: Sequence[Cohort]
    joinable: Sequence[Cohort]
    elsewhere: bool
    merges: Sequence[Merged]
    may_change: bool
    archiving: Sequence[str] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    chosen_role: str = ""
    ticked: Collection[int] = ()
    limit: bool = False
    part: str = ""
    problem: str = ""


@require_safe
@academy_page("read_member")
def person(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Show somebody of the academy, with what may be changed."""
    return _show(page, person_of(page.academy, user_id))


def _show(page: AcademyPage, one: Person, problem: Problem | None = None, part: str = "") -> HttpResponse:
    refused = problem is not None
    form = page.request.POST
    user = one.user
    limit = form.get("limit") == "yes" if refused and part == "role" else one.limited_to is not None
    ticked = (
        {cohort.pk for cohort in chosen_cohorts(page.request, page.academy)}
        if refused and part == "role"
        else {cohort.pk for cohort in one.limited_to or ()}
    )
    stored = {name: getattr(user, name) for name in changes.PERSON}
    may_change = page.can("crud_member") and page.sees_all
    role, elsewhere = ROLE_WORDS.get(one.membership.role, one.membership.role), acts_beyond(user, page.academy)
    cohorts = choices(page.academy)
    context = PersonContext(
        person=one,
        name=user.display_name,
        role=role,
        roles=list(ROLE_WORDS.items()),
        limited_roles=LIMITED_ROLES,
        cohorts=cohorts,
        joinable=[cohort for cohort in cohorts if cohort not in one.cohorts],
        elsewhere=elsewhere,
        merges=merges_into(user, page.academy),
        may_change=may_change,
        archiving=effects.of_archiving(page.academy, one, role, elsewhere=elsewhere) if may_change else (),
        typed=person_fields(page.request) if refused and part == "names" else stored,
        chosen_role=form.get("role", "") if refused and part == "role" else one.membership.role,
        ticked=ticked,
        limit=limit,
        part=part,
        problem=problem.told() if problem else "",
    )
    return page.show("people/person.html", context, problem.status_code if problem else 200)


def _tried(page: AcademyPage, user_id: int, part: str, act: Callable[[Person], object], done: str) -> HttpResponse:
    """Carry out a change of somebody, and show the page again with the reason where it is refused.

    `act` may return False: nothing differs from before.
    """
    one = person_of(page.academy, user_id)
    try:
        changed = act(one)
    except Problem as problem:
        return _show(page, person_of(page.academy, user_id), problem, part)
    if changed is False:
        messages.info(page.request, _("Nothing has changed."))
    else:
        messages.success(page.request, done)
    return redirect(page.address("people-one", user_id))


@require_POST
@academy_page("crud_member")
def change(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Change names and address."""
    fields = person_fields(request)
    done = str(_("The names and the address were changed."))
    return _tried(page, user_id, "names", lambda one: changes.change_person(one.membership, fields), done)


@require_POST
@academy_page("crud_member")
def role(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Give another role, or limit it to cohorts."""
    wanted = request.POST.get("role", "")
    limited = request.POST.get("limit") == "yes" and wanted in LIMITED_ROLES
    cohorts = chosen_cohorts(request, page.academy) if limited else None
    done = str(_("The role was changed. It applies at once."))
    if cohorts is not None and not cohorts:
        done = str(_("Saved. No cohort is ticked, so this person sees no learners."))
    return _tried(page, user_id, "role", lambda one: changes.change_role(one.membership, wanted, cohorts), done)


@require_POST
@academy_page("crud_member")
def archive(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Archive somebody, or give the role back."""
    back = request.POST.get("archived") == "no"
    done = str(_("Restored: the role applies again.")) if back else str(_("The person was archived."))
    act = changes.restore if back else changes.archive
    return _tried(page, user_id, "archive", lambda one: act(one.membership), done)


@require_POST
@academy_page("crud_member")
def cohorts(request: HttpRequest, page: AcademyPage, user_id: int) -> HttpResponse:
    """Put somebody into a cohort, or take them out of one."""
    number = natural(request.POST.get("cohort", ""))
    cohort = cohort_of(page.academy, number or 0)
    if request.POST.get("out"):
        done = str(_("Removed from the cohort %(cohort)s.") % {"cohort": cohort.name})
        return _tried(page, user_id, "cohorts", lambda one: take_out(page.academy, cohort, one.membership), done)
    done = str(_("Added to the cohort %(cohort)s.") % {"cohort": cohort.name})
    return _tried(page, user_id, "cohorts", lambda one: put_into(page.academy, cohort, [one.user.pk]), done)
