"""Pages of passwords: change one's own; forgotten, a link by mail, and a new one."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from learntrace.accounts.signing_in import reset
from learntrace.accounts.signing_in.passwords import change_own
from learntrace.core.errors import Problem
from learntrace.dashboard.layout.page import Page, signed_in_page


@dataclass(frozen=True)
class PasswordContext:
    """The context of the pages with a form for a password."""

    problem: str = ""
    user: str = ""
    token: str = ""
    name: str = ""
    sent: bool = False
    available: bool = True


def _fault(request: HttpRequest) -> str:
    if request.POST.get("new", "") != request.POST.get("again", ""):
        return str(_("The two new passwords differ."))
    return ""


@sensitive_post_parameters("current", "new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_page
def change(request: HttpRequest, page: Page) -> HttpResponse:
    """Change the own password; all other sessions and all login tokens end."""
    if request.method != "POST":
        return page.show("account/password.html", PasswordContext())
    if fault := _fault(request):
        return page.show("account/password.html", PasswordContext(fault), status=400)
    try:
        change_own(request, page.user, request.POST.get("current", ""), request.POST.get("new", ""))
    except Problem as problem:
        return page.show("account/password.html", PasswordContext(problem.told()), status=problem.status_code)
    messages.success(request, _("Your password was changed. You were signed out everywhere else."))
    return redirect("account")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Take a name, and send its owner a link. The answer is the same whether anybody has the name."""
    if not reset.is_available():
        return render(request, "account/forgotten.html", vars(PasswordContext(available=False)))
    if request.method != "POST":
        return render(request, "account/forgotten.html", vars(PasswordContext()))
    name = request.POST.get("name", "")
    try:
        reset.send_link(request, name)
    except Problem as problem:
        context = PasswordContext(problem.told(), name=name)
        answer = render(request, "account/forgotten.html", vars(context), status=problem.status_code)
        for header, value in problem.headers().items():
            answer.headers[header] = value
        return answer
    return render(request, "account/forgotten.html", vars(PasswordContext(sent=True)))


@sensitive_post_parameters("new", "again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Choose a new password by a link that was sent."""
    given = request.POST if request.method == "POST" else request.GET
    number, token = given.get("user", ""), given.get("token", "")
    user = reset.user_of_link(number, token)
    if user is None:
        context = PasswordContext(
            str(_("This link is wrong, has already been used or has expired. Ask for a new one."))
        )
        return render(request, "account/choose.html", vars(context), status=400)
    context = PasswordContext(user=number, token=token, name=user.get_username())
    if request.method != "POST":
        return render(request, "account/choose.html", vars(context))
    fault = _fault(request)
    if not fault:
        try:
            ended = reset.choose_password(user, request.POST.get("new", ""))
        except Problem as problem:
            fault = problem.told()
    if fault:
        context = PasswordContext(fault, number, token, user.get_username())
        return render(request, "account/choose.html", vars(context), status=400)
    if ended:
        messages.success(
            request, _("Your password was changed, and your keys were revoked. Sign in and create new ones.")
        )
    else:
        messages.success(request, _("Your password was changed. Sign in with it."))
    return redirect("sign-in")
