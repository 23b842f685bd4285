"""Second factors on the pages: asked for after the password, set up and removed under Sign-in and keys."""

from collections.abc import Callable
from dataclasses import dataclass

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from learntrace.accounts.academy_settings import ACCESS, merge_features
from learntrace.accounts.models import User
from learntrace.accounts.second_factor import factors, passkeys, sign_in, totp
from learntrace.accounts.second_factor.required import SECOND_FACTOR
from learntrace.accounts.signing_in.passwords import confirm
from learntrace.core.errors import Problem
from learntrace.core.http.error_responses import problem_response
from learntrace.core.http.filters import natural
from learntrace.dashboard.layout.once import was_sent
from learntrace.dashboard.layout.page import AcademyPage, Page, academy_page, form_on, signed_in_page


@dataclass(frozen=True)
class SecondContext:
    """The context of `account/second.html`."""

    factors: factors.Factors
    problem: str = ""


@dataclass(frozen=True)
class AppContext:
    """The context of `account/app.html`: the secret that the app reads, as a picture and as text."""

    picture: SafeString
    secret: str
    problem: str = ""


@dataclass(frozen=True)
class CodesContext:
    """The context of `account/codes.html`: recovery codes, shown this once."""

    codes: list[str]


# Signing in


@sensitive_post_parameters("code", "answer")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def second(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of who has given the password, and start the session."""
    waiting = sign_in.pending(request)
    if waiting is None:
        return redirect("sign-in")
    user, target = waiting
    problem: Problem | None = None
    if request.method == "POST":
        try:
            _check(request, user)
        except Problem as refused:
            problem = refused
        else:
            sign_in.open_session(request, user, second_factor=True)
            return HttpResponseRedirect(target)
    context = SecondContext(factors.factors_of(user), problem.told() if problem else "")
    answer = render(request, "account/second.html", vars(context), status=problem.status_code if problem else 200)
    for name, value in (problem.headers() if problem else {}).items():
        answer.headers[name] = value
    return answer


def _check(request: HttpRequest, user: User) -> None:
    if request.POST.get("answer"):
        passkeys.finish_asking(request, user, request.POST["answer"])
    else:
        factors.check_code(request, user, request.POST.get("code", "")[:40])


@never_cache
@require_POST
def ask_passkey(request: HttpRequest) -> HttpResponse:
    """Return what the browser is asked, for who has given the password."""
    waiting = sign_in.pending(request)
    if waiting is None:
        return JsonResponse({}, status=401)
    return JsonResponse(passkeys.begin_asking(request, waiting[0]))


# Setting up: whoever found an open session can't change anything without the password.


def _with_password(request: HttpRequest, page: Page, change: Callable[[], HttpResponse]) -> HttpResponse:
    """Make a change once the own password was given again."""
    try:
        confirm(request, page.user, request.POST.get("password", ""))
        return change()
    except Problem as problem:
        messages.error(request, problem.told())
        return redirect("account")


def _after_first_factor(request: HttpRequest, page: Page, *, had_any: bool) -> HttpResponse:
    """Show recovery codes with the first factor; this session has proven it."""
    sign_in.has_set_up(request)
    if had_any:
        return redirect("account")
    return page.show("account/codes.html", CodesContext(factors.make_recovery_codes(page.user)))


@sensitive_post_parameters("code", "password")
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_page
def app(request: HttpRequest, page: Page) -> HttpResponse:
    """Show the secret of an authenticator app; its first code has it count."""
    secret = factors.begin_app(page.user)
    if not secret:
        return redirect("account")
    problem: Problem | None = None
    if request.method == "POST":
        had_any = factors.factors_of(page.user).any
        try:
            confirm(request, page.user, request.POST.get("password", ""))
            factors.confirm_app(request, page.user, request.POST.get("code", "")[:40])
        except Problem as refused:
            problem = refused
        else:
            return _after_first_factor(request, page, had_any=had_any)
    picture = segno.make(totp.address_of(secret, page.user.get_username()), error="m")
    svg = picture.svg_inline(scale=5, border=3, light="#fff")
    context = AppContext(mark_safe(svg), secret, problem.told() if problem else "")  # noqa: S308 (segno's own)
    return page.show("account/app.html", context, problem.status_code if problem else 200)


@sensitive_post_parameters("password")
@require_POST
@signed_in_page
def remove_app(request: HttpRequest, page: Page) -> HttpResponse:
    """Remove the authenticator app."""

    def change() -> HttpResponse:
        factors.remove_app(page.user)
        messages.success(request, _("The authenticator app was removed."))
        return redirect("account")

    return _with_password(request, page, change)


@require_POST
@signed_in_page
def make_passkey(request: HttpRequest, page: Page) -> HttpResponse:
    """Return what the browser is asked to make a passkey."""
    try:
        return JsonResponse(passkeys.begin_making(request, page.user))
    except Problem as problem:
        return problem_response(request, problem)


@sensitive_post_parameters("password", "answer")
@form_on("account")
@signed_in_page
def add_passkey(request: HttpRequest, page: Page) -> HttpResponse:
    """Store the passkey that the browser has made."""

    def change() -> HttpResponse:
        had_any = factors.factors_of(page.user).any
        name = request.POST.get("name", "").replace("\0", "").strip()[:60]
        passkeys.finish_making(request, page.user, name or str(_("Passkey")), request.POST.get("answer", ""))
        messages.success(request, _("The passkey was added."))
        return _after_first_factor(request, page, had_any=had_any)

    return _with_password(request, page, change)


@sensitive_post_parameters("password")
@require_POST
@signed_in_page
def remove_passkey(request: HttpRequest, page: Page) -> HttpResponse:
    """Remove the passkey that is named."""

    def change() -> HttpResponse:
        factors.remove_passkey(page.user, natural(request.POST.get("passkey", "")) or 0)
        messages.success(request, _("The passkey was removed."))
        return redirect("account")

    return _with_password(request, page, change)


@sensitive_post_parameters("password")
@form_on("account")
@signed_in_page
def recovery_codes(request: HttpRequest, page: Page) -> HttpResponse:
    """Make new recovery codes, and show them this once."""
    if was_sent(request):
        return redirect("account")

    def change() -> HttpResponse:
        return page.show("account/codes.html", CodesContext(factors.make_recovery_codes(page.user)))

    return _with_password(request, page, change)


@require_POST
@academy_page("crud_academy_auth_settings")
def require_for_academy(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Have the academy ask its staff for a second factor, or no longer."""
    asking = request.POST.get("asking") == "yes"
    merge_features(page.academy, {SECOND_FACTOR: asking}, ACCESS)
    done = (
        _("Staff without a second factor must now set one up before anything else.")
        if asking
        else _("A second factor is now optional.")
    )
    messages.success(request, done)
    return redirect(page.address("account"))
