"""Invitations: send one or make a link, take one back; and the page that the link opens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.invitations import accepting, inviting
from learntrace.accounts.models import Cohort, Invitation, User
from learntrace.accounts.second_factor.sign_in import check_again, open_session
from learntrace.accounts.signing_in import reset
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.layout.once import was_sent
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.people.forms import choices, chosen_cohorts, person_fields
from learntrace.dashboard.people.words import ROLES as ROLE_WORDS

MOST_SHOWN = 200
_STATES: Mapping[inviting.State, tuple[Promise, str]] = {
    inviting.State.OPEN: (_("waiting"), "pending"),
    inviting.State.USED: (_("accepted"), "done"),
    inviting.State.REVOKED: (_("revoked"), "ignored"),
    inviting.State.EXPIRED: (_("expired"), "ignored"),
}


@dataclass(frozen=True)
class InvitationLine:
    """An invitation with its role and its state in words."""

    invitation: Invitation
    role: str | Promise
    cohorts: str
    state: str | Promise
    shape: str
    is_open: bool


@dataclass(frozen=True)
class InvitationsContext:
    """The context of people/invitations.html; `made` is a link that was made just now, and is shown this once."""

    lines: Sequence[InvitationLine]
    roles: Sequence[tuple[str, Promise]]
    cohorts: Sequence[Cohort]
    lifetimes: Sequence[int]
    by_mail: bool
    typed: Mapping[str, str] = field(default_factory=dict)
    ticked: Collection[int] = ()
    problem: str = ""
    fault: str = ""
    made: str = ""
    mailed_to: str = ""


@dataclass(frozen=True)
class InvitationContext:
    """The context of people/invitation.html; `closed` says why the link opens nothing."""

    token: str
    academy: str = ""
    role: str | Promise = ""
    email: str = ""
    by: str = ""
    owner: bool = False
    signed_in: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    fault: str = ""
    closed: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@academy_page("crud_member")
def invitations(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the academy's invitations; make one."""
    require_all_cohorts(page.academy)
    if request.method != "POST":
        return page.show("people/invitations.html", _context(page))
    if was_sent(request):
        return redirect(page.address("people-invitations"))
    form = {name: request.POST.get(name, "") for name in ("email", "role", "days")}
    cohorts = chosen_cohorts(request, page.academy)
    try:
        row, token = inviting.invite(
            page.academy,
            page.user,
            email=form["email"],
            role=form["role"],
            cohorts=cohorts,
            days=natural(form["days"]) or 0,
        )
    except Problem as problem:
        fault = problem.field if isinstance(problem, FieldProblem) else ""
        ticked = {cohort.pk for cohort in cohorts}
        told = {"typed": form, "ticked": ticked, "problem": problem.told(), "fault": fault}
        return page.show("people/invitations.html", _context(page, **told), problem.status_code)
    link = inviting.link_to(request, token)
    mailed = inviting.mail(row, link)
    # What the link shows tells whether there is an account with the address: that is for its owner alone.
    context = _context(page, mailed_to=row.email) if mailed else _context(page, made=link)
    return page.show("people/invitations.html", context)


def _context(page: AcademyPage, **told: object) -> InvitationsContext:
    lines = [_line(row) for row in inviting.invitations_of(page.academy)[:MOST_SHOWN]]
    return InvitationsContext(
        lines=lines,
        roles=list(ROLE_WORDS.items()),
        cohorts=choices(page.academy),
        lifetimes=inviting.LIFETIMES,
        by_mail=reset.is_available(),
        **told,  # type: ignore[arg-type]
    )


def _line(row: Invitation) -> InvitationLine:
    state = inviting.state_of(row)
    word, shape = _STATES[state]
    if state == inviting.State.OPEN and row.mailed:
        word = _("sent by e-mail, waiting")
    cohorts = ", ".join(cohort.name for cohort in row.cohorts.all())
    return InvitationLine(row, ROLE_WORDS.get(row.role, row.role), cohorts, word, shape, state == inviting.State.OPEN)


@require_POST
@academy_page("crud_member")
def revoke(request: HttpRequest, page: AcademyPage, invitation_id: int) -> HttpResponse:
    """Take an invitation back."""
    inviting.revoke(page.academy, invitation_id)
    messages.success(request, _("Revoked: the link no longer works."))
    return redirect(page.address("people-invitations"))


@sensitive_post_parameters("new", "again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation to whoever has its link; accept it."""
    user = request.user if isinstance(request.user, User) else None
    try:
        found = accepting.opened(token)
    except accepting.InvitationClosed as problem:
        return _show(request, InvitationContext(token, closed=problem.told()), problem.status_code)
    if request.method != "POST":
        return _show(request, _opened(token, found, user))
    try:
        accepted = accepting.accept_as(user, token) if user else accepting.accept_as_new(token, *_account(request))
    except accepting.InvitationClosed as problem:
        return _show(request, InvitationContext(token, closed=problem.told()), problem.status_code)
    except Problem as problem:
        fault = problem.field if isinstance(problem, FieldProblem) else ""
        context = _opened(token, found, user, person_fields(request), problem.told(), fault)
        return _show(request, context, problem.status_code)
    if user is None:
        open_session(request, accepted.membership.user, second_factor=False)
    else:
        # The academy may ask for a second factor, and the new role opens it from the next request on.
        check_again(request, user)
    messages.success(request, _("Welcome to %(academy)s.") % {"academy": accepted.membership.academy.name})
    if accepted.ended_keys:
        messages.warning(
            request, _("Keys that others had created for you have ended. Create new ones under Sign-in and keys.")
        )
    return redirect("home")


def _account(request: HttpRequest) -> tuple[dict[str, str], str]:
    new = request.POST.get("new", "")
    if new != request.POST.get("again", ""):
        raise FieldProblem("new", _("The two passwords differ."))
    return person_fields(request), new


def _opened(
    token: str,
    found: accepting.Opened,
    user: User | None,
    typed: Mapping[str, str] | None = None,
    problem: str = "",
    fault: str = "",
) -> InvitationContext:
    row = found.invitation
    return InvitationContext(
        token,
        academy=row.academy.name,
        role=ROLE_WORDS.get(row.role, row.role),
        email=row.email,
        by=row.made_by.display_name if row.made_by else "",
        owner=found.owner is not None,
        signed_in=user.display_name if user else "",
        typed=typed or {"username": "", "email": row.email, "first_name": "", "last_name": ""},
        problem=problem,
        fault=fault,
    )


def _show(request: HttpRequest, context: InvitationContext, status: int = 200) -> HttpResponse:
    return render(request, "people/invitation.html", vars(context), status=status)
