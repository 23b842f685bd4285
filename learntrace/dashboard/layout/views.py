"""The first page, signing in and out, language and theme."""

from collections.abc import Callable
from typing import Protocol

from django.conf import settings
from django.contrib.auth import logout
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from learntrace.accounts.first_setup.code import administrator_exists
from learntrace.accounts.models import User
from learntrace.accounts.password_hasher import TooManyLogins
from learntrace.accounts.second_factor import sign_in as second
from learntrace.accounts.second_factor.factors import factors_of
from learntrace.accounts.signing_in.guesses import TooManyGuesses
from learntrace.accounts.signing_in.login import user_with
from learntrace.core.errors import Problem
from learntrace.dashboard.layout import kept_forms
from learntrace.dashboard.layout.page import Page, refused, signed_in_page
from learntrace.dashboard.layout.sign_in import SignInContext, safe_next, sign_in_form

# base.html reads it.
THEME_COOKIE = "learntrace_theme"
_YEAR = 365 * 24 * 3600


class InstallationHealth(Protocol):
    """The part of the installation's health that the first page needs (`config/operations/health.py`)."""

    @property
    def migrations(self) -> bool:
        """Whether the database has all migrations."""
        ...


@never_cache
@require_safe
def home(request: HttpRequest, look: Callable[[], InstallationHealth]) -> HttpResponseBase:
    """Redirect to the first page of a user; whoever comes first to a new server, to its set-up."""
    if not request.user.is_authenticated and _is_new() and _nobody_is_there():
        return redirect("set-up")
    return _home_of_user(request, look=look)


@signed_in_page
def _home_of_user(request: HttpRequest, page: Page, look: Callable[[], InstallationHealth]) -> HttpResponse:
    """Redirect to the first page of a user: Class now for staff, My learning for learners, an academy to make for an operator
    without one."""
    if page.academy is not None:
        return redirect(page.address("class-now" if page.can("read_assignment") else "assets"))
    if not look().migrations:
        return refused(request, 503, _("The database needs an update. Run learntrace migrate on the server."))
    if page.user.is_superuser and not page.user.memberships.exists():
        return redirect("set-up-academy")
    return redirect("my-learning")


@require_safe
@signed_in_page
def status(request: HttpRequest, page: Page) -> HttpResponse:
    """Redirect from the former URL of Telemetry health (staff) and My learning (learners)."""
    query = request.GET.urlencode()
    place = "telemetry-health" if page.academy is not None else "my-learning"
    return redirect(f"{reverse(place)}{'?' if query else ''}{query}")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Start a session."""
    target = safe_next(request)
    if request.user.is_authenticated:
        # Signed in meanwhile in another tab: what this one carries is that account's, or nobody's.
        kept_forms.take(request, request.user)
        return HttpResponseRedirect(target)
    if request.method != "POST":
        return sign_in_form(request, SignInContext(target, ended="ended" in request.GET, is_new=_is_new()))
    name, kept = request.POST.get("name", ""), kept_forms.carried(request)
    try:
        user = user_with(request, name, request.POST.get("password", ""))
    except (TooManyGuesses, TooManyLogins) as problem:
        return _later(sign_in_form(request, SignInContext(target, name, problem.told(), kept=kept), 429), problem)
    if user is None:
        sentence = _("Wrong name or password. Passwords are case-sensitive.")
        return sign_in_form(request, SignInContext(target, name, sentence, kept=kept), 400)
    kept_forms.take(request, user)
    if factors_of(user).any:
        second.begin(request, user, target)
        return redirect("sign-in-second")
    second.open_session(request, user, second_factor=False)
    return HttpResponseRedirect(target)


def _is_new() -> bool:
    """Whether nobody has set up this server; the page is shown without a database, too."""
    try:
        return not administrator_exists()
    except DatabaseError:
        return False


def _nobody_is_there() -> bool:
    """Whether there is no account: people of a roster may sign in where nobody is an administrator yet."""
    return not User.objects.exists()


def _later(response: HttpResponse, problem: Problem) -> HttpResponse:
    """Have a response say when to come again."""
    for name, value in problem.headers().items():
        response.headers[name] = value
    return response


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    response = redirect("sign-in")
    kept_forms.forget_account(response)
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember which language the user reads: in this browser, and, of whoever is signed in, for messages too."""
    response = HttpResponseRedirect(safe_next(request))
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        _remember(response, settings.LANGUAGE_COOKIE_NAME, chosen, secure=request.is_secure())
        if isinstance(request.user, User) and request.user.language != chosen:
            request.user.language = chosen
            request.user.save(update_fields=["language"])
    return response


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember in this browser whether its user reads light or dark pages; any other value follows the system."""
    response = HttpResponseRedirect(safe_next(request))
    chosen = request.POST.get("theme", "")
    if chosen in ("light", "dark"):
        _remember(response, THEME_COOKIE, chosen, secure=request.is_secure())
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


def _remember(response: HttpResponse, cookie: str, value: str, *, secure: bool) -> None:
    response.set_cookie(cookie, value, max_age=_YEAR, secure=secure, httponly=True, samesite="Lax")


@cache_control(max_age=86400, public=True)
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect to the logo: browsers ask for this URL whatever a page names as its icon."""
    return redirect(static("dashboard/logo.svg"))
