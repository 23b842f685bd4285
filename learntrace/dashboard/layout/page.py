"""What all pages share: the user and the academy, the navigation, access by capability, and error pages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from learntrace.accounts.audit.actions import SOURCE_READ, TABLE_EXPORTED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import as_seen_by, is_limited
from learntrace.accounts.models import Academy, User
from learntrace.accounts.permissions import active_roles
from learntrace.accounts.roles import ROLES
from learntrace.accounts.second_factor.sign_in import MUST_SET_UP
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.components.date_range import kept_in_links
from learntrace.dashboard.layout import filled_forms, kept_forms
from learntrace.dashboard.layout.navigation import ACADEMY_ITEMS, NAVIGATION_ITEMS, OWN_LEARNING, Link, NavigationItem
from learntrace.dashboard.layout.sign_in import HOME, SignInContext, is_here, sign_in_form
from learntrace.progress.reports.own_progress import has_own_data

# The header with which static/dashboard/live.js asks for the changing parts of a page that is open already.
PARTS_HEADER = "Learntrace-Parts"
# Above the level of any message: nothing is told.
_NO_MESSAGES = messages.constants.ERROR + 1
# One of these capabilities makes a user staff of an academy, as far as pages are concerned.
STAFF = frozenset({"read_assignment", "read_asset"})
# The pages whose figures are of a range of dates, which links between them keep.
FIGURES = frozenset(
    {"assignments", "assignments-one", "assignments-attempts", "learners", "learners-one", "reports-cohorts"}
)

# Where base.html begins a page's own content.
_CONTENT = '<main id="content" tabindex="-1">'

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class NotYourAcademy(Forbidden):
    """The same answer whether the academy exists or not."""

    text = _("You don't have access to academy %(academy)s.")


class StaffOnly(Forbidden):
    text = _("This page is for those who teach at an academy.")


class RoleLacks(Forbidden):
    text = _("Your role in %(academy)s doesn't give access to this page.")


@dataclass(frozen=True)
class Reach:
    """The academies whose pages a user may open, and the one shown; for learners there is neither.

    `capabilities` are those that the user has in the academy shown.
    """

    academies: tuple[Academy, ...]
    academy: Academy | None
    capabilities: frozenset[str] = frozenset()


def reach_of(user: User, wanted: str = "") -> Reach:
    """Return the academies where the user is staff, and the one whose id is `wanted`, else the first, as the user sees them.

    Raises NotYourAcademy.
    """
    held = {as_seen_by(membership): ROLES[membership.role].capabilities for membership in active_roles(user)}
    academies = tuple(academy for academy, capabilities in held.items() if capabilities & STAFF)
    if not wanted.strip():
        academy = academies[0] if academies else None
    else:
        number = natural(wanted.strip())
        academy = next((academy for academy in academies if academy.pk == number), None)
        if academy is None:
            raise NotYourAcademy(academy=wanted.strip()[:40])
    return Reach(academies, academy, held[academy] if academy else frozenset())


@dataclass(frozen=True)
class Page:
    """A page as a user opens it. Templates know it as `page`."""

    request: HttpRequest
    user: User
    reach: Reach

    @property
    def academies(self) -> tuple[Academy, ...]:
        return self.reach.academies

    @property
    def academy(self) -> Academy | None:
        return self.reach.academy

    @property
    def layout(self) -> str:
        """The template that the page's template extends: the whole page, or for live.js only its content."""
        return "layout/fragments.html" if self.request.headers.get(PARTS_HEADER) else "layout/base.html"

    @property
    def scope(self) -> str:
        """The query string of URLs in this academy: `?academy=`, or empty where it is the user's first one."""
        if self.academy is None or self.academy == self.academies[0]:
            return ""
        return f"?academy={self.academy.pk}"

    @property
    def period(self) -> str:
        """The part of the query string that names the range of dates of this page's figures, percent-encoded."""
        return urlencode(self._range(), safe=":")

    @property
    def figures(self) -> str:
        """The query string of URLs of pages of figures: that of `scope`, and the range of dates of this page."""
        parts = [part for part in (self.scope.removeprefix("?"), self.period) if part]
        return f"?{'&'.join(parts)}" if parts else ""

    def _range(self) -> dict[str, str]:
        match = self.request.resolver_match
        return kept_in_links(self.request) if match is not None and match.url_name in FIGURES else {}

    def can(self, capability: str) -> bool:
        return capability in self.reach.capabilities

    @property
    def sees_all(self) -> bool:
        """Whether the user sees the whole academy, and not some of its cohorts only."""
        return self.academy is not None and not is_limited(self.academy)

    def address(self, name: str, *args: object, **query: object) -> str:
        """Return the URL of a page in this academy; empty query values are left out.

        One of figures has the range of dates of this page, but where it points at an attempt, which may lie outside.
        """
        parameters = {key: value for key, value in query.items() if value not in (None, "")}
        if name in FIGURES and not parameters.keys() & {"signal", "attempt"}:
            parameters = {**self._range(), **parameters}
        if self.scope and self.academy is not None:
            parameters = {"academy": self.academy.pk, **parameters}
        path: str = reverse(name, args=args)
        return f"{path}?{urlencode(parameters, safe=':')}" if parameters else path

    @property
    def links(self) -> list[Link]:
        """The navigation: the places that the user's role opens."""
        if self.academy is None:
            return [Link(reverse(OWN_LEARNING.name), OWN_LEARNING.title, self._is_at(OWN_LEARNING.name))]
        return self._links_of(NAVIGATION_ITEMS)

    @property
    def academy_links(self) -> list[Link]:
        """The menu Academy: what it is set up with, as far as the user's role opens it."""
        return [] if self.academy is None else self._links_of(ACADEMY_ITEMS)

    @property
    def in_academy_menu(self) -> bool:
        """Whether the page is one of the menu Academy."""
        return any(link.current for link in self.academy_links)

    def _links_of(self, items: Iterable[NavigationItem]) -> list[Link]:
        return [
            Link(self.address(place.name), place.title, self._is_at(place.name))
            for place in items
            if self.can(place.capability) and (self.sees_all or not place.whole)
        ]

    @property
    def people(self) -> str:
        """The URL of People for those who may see who belongs to the academy, else empty."""
        return self.address("people") if self.can("read_member") else ""

    @property
    def own_learning(self) -> str:
        """The URL of My learning for staff about whom learning data is stored, else empty."""
        return reverse(OWN_LEARNING.name) if self.academy is not None and has_own_data(self.user) else ""

    @property
    def path_elsewhere(self) -> str:
        """The path of this page in another academy; for the page of one object, which that lacks, the place it belongs to."""
        match = self.request.resolver_match
        if match is None or not match.captured_kwargs:  # type: ignore[attr-defined] # the stubs lack it
            return self.request.path
        places = (*NAVIGATION_ITEMS, *ACADEMY_ITEMS)
        return next((reverse(place.name) for place in places if self._is_at(place.name)), HOME)

    def _is_at(self, name: str) -> bool:
        """Whether the page is the place or below it: the names of their URLs begin alike (`learners`, `learners-one`)."""
        match = self.request.resolver_match
        return match is not None and (match.url_name or "").startswith(name)

    def show(self, template: str, context: "DataclassInstance | Mapping[str, Any]", status: int = 200) -> HttpResponse:
        """Render a template with the fields of the context as variables, and with this page as `page`."""
        variables = (
            context
            if isinstance(context, Mapping)
            else {field.name: getattr(context, field.name) for field in fields(context)}
        )
        return render(self.request, template, {"page": self, **variables}, status=status)


class AcademyPage(Page):
    """A page of an academy, opened by its staff."""

    @property
    def academy(self) -> Academy:
        assert self.reach.academy is not None  # noqa: S101 (academy_page lets nobody else in)
        return self.reach.academy


View = Callable[..., HttpResponseBase]


def signed_in_page(view: View) -> View:
    """Make a view a page for signed-in users; it takes the request, a Page, and the arguments of its URL.

    Others are redirected to the sign-in page and back; live.js, whose page is open, gets a 401. Problems become error pages.
    """
    return _page(view, lambda request, user: Page(request, user, reach_of(user, request.GET.get("academy", ""))))


def academy_page(capability: str) -> Callable[[View], View]:
    """Make a view a page of the academy that `?academy=` names, else of the user's first one.

    It is open to users with the capability there; the view takes the request, an AcademyPage, and the arguments of its URL.
    """

    def open_page(request: HttpRequest, user: User) -> Page:
        reach = reach_of(user, request.GET.get("academy", ""))
        if reach.academy is None:
            raise StaffOnly
        if capability not in reach.capabilities:
            raise RoleLacks(academy=reach.academy.name)
        return AcademyPage(request, user, reach)

    return lambda view: _page(view, open_page)


def form_on(name: str) -> Callable[[View], View]:
    """Make a view take what the form of a page posts; who opens its URL otherwise is led to that page.

    That happens where the view has answered with a page of its own, and it is reloaded, or opened again after signing in.
    """

    def wrap(view: View) -> View:
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            query = request.GET.urlencode()
            return HttpResponseRedirect(f"{reverse(name, kwargs=kwargs)}{'?' if query else ''}{query}")

        return answer

    return wrap


def _page(view: View, open_page: Callable[[HttpRequest, User], Page]) -> View:
    @never_cache
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            if request.headers.get(PARTS_HEADER):
                return HttpResponse(status=401)
            if request.method in ("GET", "HEAD"):
                return redirect_to_login(request.get_full_path())
            # The sign-in page says that the session has ended, and leads back to the page, with what was typed.
            if kept := kept_forms.keep(request):
                return sign_in_form(request, SignInContext(current_url(request), ended=True, kept=kept))
            return redirect_to_login(current_url(request), f"{reverse('sign-in')}?ended=1")
        if request.headers.get(PARTS_HEADER):
            # Sent in the background: the page shows itself what became of it, and a message would wait for the next page.
            messages.set_level(request, _NO_MESSAGES)
        page = None
        try:
            page = open_page(request, request.user)
            response = view(request, page, *args, **kwargs)
        except Problem as problem:
            return refused(request, problem.status_code, problem.told(), page)
        if isinstance(page, AcademyPage) and response.headers.get("Content-Type", "").startswith("text/csv"):
            _record_table(page, response, kwargs.get("user_id"))
        kept_forms.remember_account(request, request.user, response)
        return _with_kept_form(request, request.user, response)

    return answer


def _with_kept_form(request: HttpRequest, user: User, response: HttpResponseBase) -> HttpResponseBase:
    """Show what was typed when the session had ended, on the page that the sign-in leads to."""
    is_page = response.status_code == 200 and response.headers.get("Content-Type", "").startswith("text/html")
    waits = kept_forms.is_kept(request) and not request.session.get(MUST_SET_UP)
    if not (waits and is_page and request.method == "GET" and isinstance(response, HttpResponse)):
        return response
    form = None if request.headers.get(PARTS_HEADER) else kept_forms.pop(request, user)
    if form is not None:
        text = response.content.decode()
        note = render_to_string("layout/kept_note.html", {"files": form.files})
        filled = filled_forms.fill(text, form.path, form.fields, note)
        if filled is None:
            # The form is no longer there: nothing that was typed is lost.
            typed = [value for values in form.fields.values() for value in values if value.strip()]
            lost = render_to_string("layout/kept_texts.html", {"typed": typed})
            filled = text.replace(_CONTENT, _CONTENT + lost, 1)
        response.content = filled.encode()
    return response


def _record_table(page: AcademyPage, response: HttpResponseBase, subject_id: int | None) -> None:
    """Record that staff has loaded a table, here for all pages."""
    name = response.headers.get("Content-Disposition", "").partition("filename=")[2].strip('"')
    told = {"file": name, "address": page.request.get_full_path()[:500]}
    record(TABLE_EXPORTED, academy_id=page.academy.pk, subject_id=subject_id, after=told)


def record_source_read(page: AcademyPage, subject_id: int | None, of: str) -> None:
    """Record that staff has opened source code, once for each time that the page is opened and not when it refreshes itself."""
    if not page.request.headers.get(PARTS_HEADER):
        record(SOURCE_READ, academy_id=page.academy.pk, subject_id=subject_id, after={"of": of})


def current_url(request: HttpRequest) -> str:
    """Return the URL of the page that the browser shows; after a POST, that of the page with the form."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    referer = request.headers.get("Referer", "")
    if not is_here(request, referer):
        return HOME
    parts = urlsplit(referer)
    url = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # The path of "https://here//there" alone would be the URL of another server.
    return url if url.startswith("/") and is_here(request, url) else HOME


@dataclass(frozen=True)
class ErrorContext:
    """The context of layout/error.html; without a page it has no navigation."""

    code: int
    sentence: str
    page: Page | None


def refused(request: HttpRequest, code: int, sentence: str, page: Page | None = None) -> HttpResponse:
    """Return an error page that says what happened; with the navigation where the page is known."""
    return render(request, "layout/error.html", vars(ErrorContext(code, sentence, page)), status=code)
