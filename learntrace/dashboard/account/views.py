"""The page Sign-in and keys: sessions and keys of the signed-in user, and the buttons that end them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from learntrace.accounts.models import Token, User
from learntrace.accounts.people.own_names import NAMES, change_own_names, may_change_own_names
from learntrace.accounts.second_factor.factors import Factors, factors_of
from learntrace.accounts.second_factor.models import Passkey
from learntrace.accounts.second_factor.required import asks
from learntrace.accounts.second_factor.sign_in import MUST_SET_UP
from learntrace.accounts.signing_in.browsers import browser_in_words
from learntrace.accounts.signing_in.models import SignInSession
from learntrace.accounts.signing_in.sessions import end_own_sessions, sessions_of
from learntrace.accounts.tokens import own
from learntrace.accounts.tokens.academy_keys import ended_problem
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.keys.use import KeyUse, use_of
from learntrace.dashboard.layout.once import was_sent
from learntrace.dashboard.layout.page import Page, form_on, signed_in_page

# Days for which a key may be made; 0: until it is ended.
LIFETIMES: Final = (30, 180, 365, 0)
MOST_SESSIONS: Final = 50


@dataclass(frozen=True)
class SessionLine:
    """A session as the page shows it."""

    id: int
    browser: str
    address: str
    since: datetime
    seen: datetime
    here: bool


@dataclass(frozen=True)
class KeyLine:
    """A key as the page shows it."""

    token: Token
    use: str | Promise


@dataclass(frozen=True)
class AccountContext:
    """The context of `account/account.html`; `made` is a key that was made just now, and is shown this once.

    `missing` is the name of an academy that waits for a second factor; `asking`: the page's academy asks for one.
    """

    sessions: Sequence[SessionLine]
    keys: Sequence[KeyLine]
    has_password: bool
    factors: Factors
    passkeys: Sequence[Passkey]
    missing: str
    may_ask: bool
    asking: bool
    use: KeyUse | None
    made: str = ""
    problem: str = ""
    may_name: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    name_problem: str = ""
    scopes: Sequence[tuple[str, str | Promise]] = tuple(TokenScope.choices)
    lifetimes: Sequence[int] = LIFETIMES


@require_safe
@signed_in_page
def account(request: HttpRequest, page: Page) -> HttpResponse:
    """Show what the user signs in with, the open sessions and the keys."""
    return _show(request, page)


def _show(
    request: HttpRequest,
    page: Page,
    *,
    made: str = "",
    problem: Problem | None = None,
    name_problem: Problem | None = None,
) -> HttpResponse:
    sessions = [_session_line(row, request.session.session_key) for row in sessions_of(page.user)[:MOST_SESSIONS]]
    keys = [KeyLine(token, TokenScope(token.scope).label) for token in own.tokens_of(page.user)]
    context = AccountContext(
        sessions=sessions,
        keys=keys,
        use=use_of(page.user) if keys else None,
        has_password=page.user.has_usable_password(),
        factors=factors_of(page.user),
        passkeys=list(Passkey.objects.filter(user=page.user).order_by("pk")),
        missing=request.session.get(MUST_SET_UP, ""),
        may_ask=page.academy is not None and page.can("crud_academy_auth_settings"),
        asking=page.academy is not None and asks(page.academy),
        made=made,
        problem=problem.told() if problem else "",
        may_name=may_change_own_names(page.user),
        names={name: request.POST.get(name, "") if name_problem else getattr(page.user, name) for name in NAMES},
        name_problem=name_problem.told() if name_problem else "",
    )
    refused = problem or name_problem
    return page.show("account/account.html", context, refused.status_code if refused else 200)


@form_on("account")
@signed_in_page
def change_names(request: HttpRequest, page: Page) -> HttpResponse:
    """Change the own first and last name."""
    try:
        changed = change_own_names(page.user, request.POST.get("first_name", ""), request.POST.get("last_name", ""))
    except Problem as problem:
        return _show(request, page, name_problem=problem)
    if changed:
        messages.success(request, _("Your name was changed."))
    return redirect("account")


def _session_line(row: SignInSession, here: str | None) -> SessionLine:
    return SessionLine(
        row.pk, browser_in_words(row.user_agent), row.address, row.created_at, row.last_seen_at, row.session_key == here
    )


@require_POST
@signed_in_page
def end_session(request: HttpRequest, page: Page) -> HttpResponse:
    """End the session that is named, or all but this one."""
    others = sessions_of(page.user).exclude(session_key=request.session.session_key)
    named = natural(request.POST.get("session", ""))
    count = end_own_sessions(page.user, others if named is None else others.filter(pk=named))
    if count:
        messages.success(request, _("Signed out everywhere else.") if named is None else _("Signed out there."))
    return redirect("account")


@form_on("account")
@signed_in_page
def end_key(request: HttpRequest, page: Page) -> HttpResponse:
    """End the key that is named, or all."""
    tokens = own.tokens_of(page.user)
    named = natural(request.POST.get("key", ""))
    if own.end_tokens(page.user, tokens if named is None else tokens.filter(pk=named)):
        messages.success(request, _("Your keys no longer work.") if named is None else _("The key no longer works."))
    elif named is not None:
        return _show(request, page, problem=ended_problem(named, User.objects.filter(pk=page.user.pk)))
    return redirect("account")


@form_on("account")
@signed_in_page
def make_key(request: HttpRequest, page: Page) -> HttpResponse:
    """Make a key, and show it this once."""
    if was_sent(request):
        return redirect("account")
    scope = request.POST.get("scope", "")
    days = natural(request.POST.get("days", ""))
    name = request.POST.get("name", "").replace("\0", "").strip()[:60]
    if scope not in TokenScope.values or days not in LIFETIMES:
        return _show(request, page, problem=Problem(_("Choose what the key is for, and for how long.")))
    try:
        _token, key = own.make(page.user, scope, name, days)
    except Problem as problem:
        return _show(request, page, problem=problem)
    return _show(request, page, made=key)
