"""The set-up page: one code, one form, and one transaction that makes the operator, an academy and a class.

The page has no session: the code goes along with the form, so that nothing typed is lost when a session ends. As a stranger
can't know it, it also protects the form against requests of other sites, better than a cookie would.
"""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from learntrace.accounts.first_setup.code import AlreadySetUp, administrator_exists, check_code
from learntrace.accounts.first_setup.setting_up import NewAcademy, Operator, SetupFaults, add_academy, set_up
from learntrace.accounts.models import User
from learntrace.accounts.second_factor.sign_in import open_session
from learntrace.core.errors import Problem
from learntrace.dashboard.layout.page import Page, StaffOnly, refused, signed_in_page


@dataclass(frozen=True)
class SetupContext:
    """The context of `setup/set_up.html`: the step with the code, or the form behind it; `faults` by field."""

    code: str = ""
    opened: bool = False
    operator: Operator = field(default_factory=Operator)
    wanted: NewAcademy = field(default_factory=NewAcademy)
    faults: dict[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class AcademyContext:
    """The context of `setup/academy.html`."""

    wanted: NewAcademy
    faults: dict[str, str] = field(default_factory=dict)


# The code protects the form; and a cookie that is gone must not lose what was typed.
@csrf_exempt
@sensitive_post_parameters("code", "password", "again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first_set_up(request: HttpRequest) -> HttpResponse:
    """Ask for the code; then for the operator, the academy and the class; then make them, and sign the operator in."""
    if administrator_exists():
        if request.user.is_authenticated:
            return redirect("home")
        return refused(request, 403, AlreadySetUp().told())
    if request.method != "POST":
        return _show(request, SetupContext())
    code = request.POST.get("code", "")[:200]
    try:
        check_code(request, code)
        if "academy_name" not in request.POST:
            return _show(request, SetupContext(code, opened=True))
        user = set_up(code, operator := _operator(request), wanted := _wanted(request.POST))
    except SetupFaults as problem:
        context = SetupContext(code, True, operator, wanted, dict(problem.faults), problem.told())
        return _show(request, context, problem)
    except AlreadySetUp as problem:
        return refused(request, 403, problem.told())
    except Problem as problem:
        # Whatever else was typed comes back with the form, once the code is right.
        context = SetupContext(
            code,
            "academy_name" in request.POST,
            _operator(request),
            _wanted(request.POST),
            problem=problem.told(),
        )
        return _show(request, context, problem)
    open_session(request, user, second_factor=False)
    messages.success(request, _("Your server is set up. Next, connect what your learners work with."))
    return redirect("connect")


def _show(request: HttpRequest, context: SetupContext, problem: Problem | None = None) -> HttpResponse:
    answer = render(request, "setup/set_up.html", vars(context), status=problem.status_code if problem else 200)
    for name, value in (problem.headers() if problem else {}).items():
        answer.headers[name] = value
    return answer


def _operator(request: HttpRequest) -> Operator:
    typed = request.POST
    return Operator(
        name=_line(typed.get("name", "")),
        email=_line(typed.get("email", "")),
        password=typed.get("password", ""),
        again=typed.get("again", ""),
    )


def _wanted(typed: QueryDict) -> NewAcademy:
    return NewAcademy(_line(typed.get("academy_name", "")), _line(typed.get("class_name", "")))


def _line(text: str) -> str:
    return text.replace("\0", "").strip()[:400]


@require_http_methods(["GET", "HEAD", "POST"])
def academy(request: HttpRequest) -> HttpResponseBase:
    """Let an operator make an academy; where the session has ended, what was typed goes along to the sign-in and back."""
    if request.method == "POST" and not isinstance(request.user, User):
        wanted = _wanted(request.POST)
        typed = {"academy_name": wanted.academy, "class_name": wanted.cohort}
        return redirect_to_login(f"{reverse('set-up-academy')}?{urlencode(typed)}", f"{reverse('sign-in')}?ended=1")
    return _academy(request)


@signed_in_page
def _academy(request: HttpRequest, page: Page) -> HttpResponse:
    if not page.user.is_superuser:
        raise StaffOnly
    if request.method != "POST":
        return page.show("setup/academy.html", AcademyContext(_wanted(request.GET)))
    wanted = _wanted(request.POST)
    try:
        made = add_academy(page.user, wanted)
    except SetupFaults as problem:
        return page.show("setup/academy.html", AcademyContext(wanted, dict(problem.faults)), problem.status_code)
    messages.success(request, _("%(academy)s was created, and you are its administrator.") % {"academy": made.name})
    return redirect(f"{reverse('connect')}?academy={made.pk}")
