"""The page Keys: keys of the academy's people and programs, made, rotated and ended by its admins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from learntrace.accounts.models import Token
from learntrace.accounts.people.naming import as_typed, unambiguous
from learntrace.accounts.tokens import academy_keys
from learntrace.accounts.tokens.academy_keys import KeyWish
from learntrace.accounts.tokens.rotation import GRACES
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.account.views import LIFETIMES
from learntrace.dashboard.components.table import Paging, paged_rows
from learntrace.dashboard.keys.use import KeyUse, use_of
from learntrace.dashboard.layout.once import was_sent
from learntrace.dashboard.layout.page import AcademyPage, academy_page, form_on

# Who changes an academy's settings also manages its keys.
CAPABILITY: Final = "crud_academy_auth_settings"
_LONGEST: Final = 200
GRACE_WORDS: Final = {
    0: gettext_lazy("at once"),
    1: gettext_lazy("after an hour"),
    24: gettext_lazy("after a day"),
    168: gettext_lazy("after a week"),
}
GRACE_CHOICES: Final = tuple((hours, GRACE_WORDS[hours]) for hours in GRACES)


@dataclass(frozen=True)
class KeyLine:
    """A key as the page shows it."""

    token: Token
    use: str | Promise
    url: str
    learner_url: str
    may_rotate: bool


@dataclass(frozen=True)
class KeyForm:
    """What was typed to make a key; `days` 0: until it is ended."""

    account: str = ""
    scope: str = TokenScope.TELEMETRY.value
    name: str = ""
    days: int = 180


@dataclass(frozen=True)
class Made:
    """A key that was made just now, and is shown this once; `old_ends_at`: when the one that it follows ends."""

    key: str
    token: Token
    rotated: bool = False
    old_ends_at: str | Promise = ""


@dataclass(frozen=True)
class KeysContext:
    """The context of `keys/keys.html`. `open_form`: the form is shown open, with what was typed or asked for."""

    lines: Sequence[KeyLine]
    paging: Paging[Token]
    asked: str
    expired: bool
    left_out: int
    form: KeyForm = field(default_factory=KeyForm)
    open_form: bool = False
    made: Made | None = None
    problem: str = ""
    scopes: Sequence[tuple[str, str | Promise]] = tuple(TokenScope.choices)
    lifetimes: Sequence[int] = LIFETIMES


@dataclass(frozen=True)
class KeyContext:
    """The context of `keys/key.html`."""

    line: KeyLine
    use: KeyUse
    graces: Sequence[tuple[int, str | Promise]] = GRACE_CHOICES


@require_safe
@academy_page(CAPABILITY)
def keys(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the academy's keys; `?for=` opens the form for an account."""
    wanted = natural(request.GET.get("for", ""))
    if wanted is None:
        return _show(request, page, KeyForm(), open_form="make" in request.GET)
    # An id from a link; the form shows the name where it is one of this academy's.
    user = academy_keys.managed_accounts(page.academy, page.user).filter(pk=wanted).first()
    account = as_typed(user.username) if user else unambiguous(wanted)
    return _show(request, page, KeyForm(account=account), open_form=True)


def _show(
    request: HttpRequest,
    page: AcademyPage,
    form: KeyForm,
    *,
    open_form: bool = False,
    made: Made | None = None,
    problem: Problem | None = None,
) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[:_LONGEST]
    expired = request.GET.get("state") == "expired"
    paging = paged_rows(academy_keys.keys_of(page.academy, page.user, asked, expired=expired), request)
    context = KeysContext(
        lines=_lines(page, paging.rows),
        paging=paging,
        asked=asked,
        expired=expired,
        left_out=academy_keys.left_out(page.academy, page.user),
        form=form,
        open_form=open_form,
        made=made,
        problem=problem.told() if problem else "",
    )
    return page.show("keys/keys.html", context, problem.status_code if problem else 200)


def _lines(page: AcademyPage, tokens: Sequence[Token]) -> list[KeyLine]:
    rotatable = academy_keys.rotatable(page.academy, page.user, tokens)
    return [
        KeyLine(
            token,
            TokenScope(token.scope).label if token.scope in TokenScope.values else token.scope,
            url=page.address("keys-one", token.pk),
            learner_url=page.address("learners-one", token.user_id),
            may_rotate=token.pk in rotatable,
        )
        for token in tokens
    ]


@require_safe
@academy_page(CAPABILITY)
def key(request: HttpRequest, page: AcademyPage, token_id: int) -> HttpResponse:
    """Show what a key was used for, with the forms that rotate and revoke it."""
    try:
        token = academy_keys.key_of(page.academy, page.user, token_id)
    except Problem as problem:
        return _show(request, page, KeyForm(), problem=problem)
    (line,) = _lines(page, [token])
    return page.show("keys/key.html", KeyContext(line, use_of(token.user)))


@form_on("keys")
@academy_page(CAPABILITY)
def make(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Make a key for an account of the academy, and show it this once; what was typed stays where it is refused."""
    if was_sent(request):
        return redirect(page.address("keys"))
    days = natural(request.POST.get("days", ""))
    form = KeyForm(
        account=request.POST.get("account", "").strip()[:320],
        scope=request.POST.get("scope", ""),
        name=request.POST.get("name", "").replace("\0", "").strip()[:60],
        days=days if days in LIFETIMES else KeyForm.days,
    )
    try:
        if form.scope not in TokenScope.values or days not in LIFETIMES:
            raise Problem(gettext_lazy("Choose what the key is for, and for how long"))
        user = academy_keys.account_named(page.academy, page.user, form.account)
        wish = KeyWish(form.scope, form.name, days)
        token, key = academy_keys.make_for(page.academy, page.user, user, wish)
    except Problem as problem:
        return _show(request, page, form, open_form=True, problem=problem)
    return _show(request, page, KeyForm(), made=Made(key, token))


@form_on("keys")
@academy_page(CAPABILITY)
def rotate(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Have another key follow one, and show it this once."""
    if was_sent(request):
        return redirect(page.address("keys"))
    hours = natural(request.POST.get("grace", ""))
    try:
        if hours not in GRACES:
            raise Problem(gettext_lazy("Choose when the old key ends"))
        number = natural(request.POST.get("key", "")) or 0
        token, key = academy_keys.rotate(page.academy, page.user, number, timedelta(hours=hours))
    except Problem as problem:
        return _show(request, page, KeyForm(), problem=problem)
    made = Made(key, token, rotated=True, old_ends_at=GRACE_WORDS[hours])
    return _show(request, page, KeyForm(), made=made)


@form_on("keys")
@academy_page(CAPABILITY)
def end(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """End a key."""
    try:
        token = academy_keys.end(page.academy, page.user, natural(request.POST.get("key", "")) or 0)
    except Problem as problem:
        return _show(request, page, KeyForm(), problem=problem)
    told = _("The key %(prefix)s… of %(name)s no longer works.")
    messages.success(request, told % {"prefix": token.prefix, "name": token.user.display_name})
    return redirect(page.address("keys"))
