"""The pages: each parses, asks once, answers."""

import math
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.exceptions import Throttled

from learntrace.dashboard.health import Health
from learntrace.dashboard.shell import Page, refused, signed_in_page
from learntrace.dashboard.sign_in import safe_next, user_of

LookAtHealth = Callable[[], Health]
_BACKEND = "django.contrib.auth.backends.ModelBackend"
# Read by base.html.
THEME_COOKIE = "learntrace_theme"
_YEAR = 365 * 24 * 3600


@require_safe
@signed_in_page
def home(request: HttpRequest, page: Page, look: LookAtHealth) -> HttpResponse:
    """Where everybody begins: staff with the class as it is now, learners with what is known of them."""
    if page.academy is not None:
        return redirect(page.address("class-now" if page.can("read_assignment") else "assets"))
    if not look().migrations:
        return refused(request, 503, _("The database waits for its update. Run learntrace migrate on the server."))
    return redirect("my-learning")


@require_safe
@signed_in_page
def status(request: HttpRequest, page: Page) -> HttpResponse:
    """Where both pages were once: staff finds telemetry health elsewhere, learners what is known of them."""
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
        return redirect(target)
    if request.method != "POST":
        return _sign_in_form(request, target, ended="ended" in request.GET)
    name = request.POST.get("name", "")
    try:
        user = user_of(request, name, request.POST.get("password", ""))
    except Throttled as throttled:
        seconds = math.ceil(throttled.wait or 1)  # type: ignore[attr-defined] # the stubs lack it
        sentence = _("Too many failed attempts. Try again in %(seconds)s seconds.") % {"seconds": seconds}
        return _sign_in_form(request, target, name=name, error=sentence, code=429)
    if user is None:
        sentence = _("No account has this name and password. Check both; capital letters count in the password.")
        return _sign_in_form(request, target, name=name, error=sentence, code=400)
    login(request, user, backend=_BACKEND)
    return redirect(target)


def _sign_in_form(
    request: HttpRequest, target: str, *, name: str = "", error: str = "", ended: bool = False, code: int = 200
) -> HttpResponse:
    return render(request, "sign_in.html", {"next": target, "name": name, "error": error, "ended": ended}, status=code)


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("sign-in")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember in this browser which language its user reads."""
    response = HttpResponseRedirect(safe_next(request))
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, chosen, max_age=_YEAR, secure=request.is_secure(), httponly=True,
            samesite="Lax",
        )  # fmt: skip
    return response


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember in this browser whether its user reads light or dark pages; anything else is as the system does."""
    response = HttpResponseRedirect(safe_next(request))
    chosen = request.POST.get("theme", "")
    if chosen in ("light", "dark"):
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=_YEAR, secure=request.is_secure(), httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


@cache_control(max_age=86400, public=True)
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that ask at this address, whatever a page names as its icon."""
    return redirect(static("dashboard/logo.svg"))
