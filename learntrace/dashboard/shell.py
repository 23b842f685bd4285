"""What every page of an academy shares: who looks, at which academy, what the navigation offers, how a refusal looks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from learntrace.accounts.identity import active_roles
from learntrace.accounts.models import Academy, User
from learntrace.accounts.roles import ROLES
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.filters import natural
from learntrace.dashboard.mine_reading import has_own_data
from learntrace.dashboard.sign_in import HOME, is_here

# The header of a request by static/dashboard/live.js for the moving parts of a page that is open already.
PARTS_HEADER = "Learntrace-Parts"
# What makes somebody staff of an academy, as far as pages go.
STAFF = frozenset({"read_assignment", "read_asset"})


class NotYourAcademy(Forbidden):
    """Told alike whether there is such an academy or not."""

    text = _("There is no academy %(academy)s whose telemetry you may read.")


class StaffOnly(Forbidden):
    text = _("This page is for those who teach at an academy.")


class RoleLacks(Forbidden):
    text = _("Your role in %(academy)s does not open this page.")


@dataclass(frozen=True)
class Place:
    """An item of the navigation: the name of its address, what it is called, and the capability that opens it."""

    name: str
    title: str | Promise
    capability: str


PLACES = (
    Place("class-now", _("Class now"), "read_assignment"),
    Place("assignments", _("Assignments"), "read_assignment"),
    Place("learners", _("Learners"), "read_assignment"),
    Place("assets", _("Assets"), "read_asset"),
    Place("telemetry-health", _("Telemetry health"), "read_assignment"),
    Place("diagnosis", _("Diagnosis"), "read_assignment"),
)


@dataclass(frozen=True)
class Link:
    """A link of the header; `current` is the place that one is in."""

    address: str
    title: str | Promise
    current: bool = False


@dataclass(frozen=True)
class Reach:
    """The academies whose pages a user may open, and the one that is looked at; none of both for learners.

    `capabilities` are those that the user has in it.
    """

    academies: tuple[Academy, ...]
    academy: Academy | None
    capabilities: frozenset[str] = frozenset()


def reach_of(user: User, wanted: str = "") -> Reach:
    """Find the academies where the user is staff, and the one that is wanted (an id as text), else the first.

    Raises NotYourAcademy.
    """
    held = {one.academy: ROLES[one.role].capabilities for one in active_roles(user)}
    academies = tuple(academy for academy, capabilities in held.items() if capabilities & STAFF)
    if not wanted.strip():
        academy = academies[0] if academies else None
    else:
        number = natural(wanted.strip())
        academy = next((one for one in academies if one.pk == number), None)
        if academy is None:
            raise NotYourAcademy(academy=wanted.strip()[:40])
    return Reach(academies, academy, held[academy] if academy else frozenset())


@dataclass(frozen=True)
class Page:
    """A page that somebody looks at. Templates know it as `page`."""

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
        """What a page's template extends: all of the page, or for live.js nothing but its content."""
        return "parts.html" if self.request.headers.get(PARTS_HEADER) else "base.html"

    @property
    def scope(self) -> str:
        """`?academy=`, where the academy isn't the user's first one: what addresses of the academy's pages end in."""
        if self.academy is None or self.academy == self.academies[0]:
            return ""
        return f"?academy={self.academy.pk}"

    def can(self, capability: str) -> bool:
        return capability in self.reach.capabilities

    def address(self, name: str, *args: object, **query: object) -> str:
        """A page's address in this academy."""
        asked = {key: value for key, value in query.items() if value not in (None, "")}
        if self.scope and self.academy is not None:
            asked = {"academy": self.academy.pk, **asked}
        found: str = reverse(name, args=args)
        return f"{found}?{urlencode(asked)}" if asked else found

    @property
    def links(self) -> list[Link]:
        """The navigation: the places that the user's role opens."""
        if self.academy is None:
            return [Link(reverse("my-learning"), _("My learning"), self._is_at("my-learning"))]
        return [
            Link(self.address(place.name), place.title, self._is_at(place.name))
            for place in PLACES
            if self.can(place.capability)
        ]

    @property
    def own_learning(self) -> str:
        """The address of one's own learning, for those who teach and learn; empty where there is nothing of the user."""
        return reverse("my-learning") if self.academy is not None and has_own_data(self.user) else ""

    @property
    def path_elsewhere(self) -> str:
        """The path of this page in another academy; instead of one object, which that lacks, the place where such are."""
        match = self.request.resolver_match
        if match is None or not match.captured_kwargs:  # type: ignore[attr-defined] # the stubs lack it
            return self.request.path
        return next((reverse(place.name) for place in PLACES if self._is_at(place.name)), HOME)

    def _is_at(self, name: str) -> bool:
        """Whether the page is the place or one below it: their addresses' names begin alike (`learners`, `learners-one`)."""
        match = self.request.resolver_match
        return match is not None and (match.url_name or "").startswith(name)

    def show(self, template: str, shown: Mapping[str, Any], status: int = 200) -> HttpResponse:
        """Answer with a template."""
        return render(self.request, template, {"page": self, **shown}, status=status)


class AcademyPage(Page):
    """A page of an academy, by somebody of its staff."""

    @property
    def academy(self) -> Academy:
        assert self.reach.academy is not None  # noqa: S101 (academy_page lets nobody else in)
        return self.reach.academy


View = Callable[..., HttpResponseBase]


def signed_in_page(view: View) -> View:
    """A page for whoever has signed in; the view takes the request, a Page, and what its address says.

    Who hasn't is led to the sign-in and back; to live.js, whose page is open, it is a 401. Problems become error pages.
    """
    return _page(view, lambda request, user: Page(request, user, reach_of(user, request.GET.get("academy", ""))))


def academy_page(capability: str) -> Callable[[View], View]:
    """A page of the academy that `?academy=` names, else of the user's first, for who has the capability there.

    The view takes the request, an AcademyPage, and what its address says.
    """

    def open_page(request: HttpRequest, user: User) -> Page:
        reach = reach_of(user, request.GET.get("academy", ""))
        if reach.academy is None:
            raise StaffOnly
        if capability not in reach.capabilities:
            raise RoleLacks(academy=reach.academy.name)
        return AcademyPage(request, user, reach)

    return lambda view: _page(view, open_page)


def _page(view: View, open_page: Callable[[HttpRequest, User], Page]) -> View:
    @never_cache
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            if request.headers.get(PARTS_HEADER):
                return HttpResponse(status=401)
            if request.method in ("GET", "HEAD"):
                return redirect_to_login(request.get_full_path())
            # What was posted is lost with the session: back to the page, which is told.
            return redirect_to_login(page_address(request), f"{reverse('sign-in')}?ended=1")
        page = None
        try:
            page = open_page(request, request.user)
            return view(request, page, *args, **kwargs)
        except Problem as problem:
            return refused(request, problem.status_code, problem.sentence(), page)

    return answer


def page_address(request: HttpRequest) -> str:
    """Where a browser comes back to what it shows; after a form, the page that had the form."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    referer = request.headers.get("Referer", "")
    if not is_here(request, referer):
        return HOME
    parts = urlsplit(referer)
    address = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # Of "https://here//there" the path alone would be another server's address.
    return address if address.startswith("/") and is_here(request, address) else HOME


def refused(request: HttpRequest, code: int, sentence: str, page: Page | None = None) -> HttpResponse:
    """An error page that says what happened; with the navigation where the academy is known."""
    return render(request, "error.html", {"code": code, "sentence": sentence, "page": page}, status=code)
