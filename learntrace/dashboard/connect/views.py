"""The page Connect: what to copy for LearnPack and for notebooks, a key, and a light that turns green with the first event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from learntrace.accounts.models import Academy, User
from learntrace.accounts.people.naming import unambiguous
from learntrace.accounts.permissions import permissions_of
from learntrace.accounts.roles import UPLOAD_ANY, UPLOAD_OWN
from learntrace.accounts.tokens import own
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import Problem
from learntrace.dashboard.connect import effects
from learntrace.dashboard.connect.snippets import Snippets, snippets_of
from learntrace.dashboard.layout.once import was_sent
from learntrace.dashboard.layout.page import AcademyPage, academy_page, form_on
from learntrace.diagnosis.connection import Connection, State, connections_of
from learntrace.diagnosis.sample_progress import SampleProgress, sample_contents, sample_progress

# Who changes an academy's settings also manages its keys.
KEYS: Final = "crud_academy_auth_settings"
SOURCES: Final = {"learnpack": "LearnPack", "notebooks": gettext_lazy("Notebooks")}
# The shape and the words of each state of a light.
_LIGHTS: Final[dict[State, tuple[str, str | Promise]]] = {
    State.WAITING: ("open", gettext_lazy("Nothing has arrived yet")),
    State.TROUBLE: ("error", gettext_lazy("Something is arriving, but can't be accepted")),
    State.CONNECTED: ("done", gettext_lazy("Connected")),
}


class SampleData(Protocol):
    """Sample data, which the room `config` makes of the demo's."""

    def put_in(self, user: User) -> Academy:
        """Put it in, unless it is; return its academy."""
        ...

    def take_out(self) -> bool:
        """Take it out; return whether there was any."""
        ...


@dataclass(frozen=True)
class Light:
    """The light of a source; `why` is the URL of the diagnosis of its newest message."""

    connection: Connection
    shape: str
    words: str | Promise
    why: str

    @property
    def soon(self) -> bool:
        """Whether the reader waits for it to change."""
        return self.connection.state is not State.CONNECTED


@dataclass(frozen=True)
class Step:
    """What there is to do once something is connected: a button, and what it is for."""

    url: str
    title: str | Promise
    why: str | Promise


@dataclass(frozen=True)
class ConnectContext:
    """The context of `connect/connect.html`.

    `made` is a key that was made just now for the source `made_for`, and is shown this once. `may_send`: keys of the user
    are taken by the inboxes; `for_all`: they send for every learner of the academy. `sample` is None where the user may
    neither put sample data in nor take it out. `learner_keys_url`: where the user makes learners' keys.
    `only_here`: the server's URL where no other computer can reach it.
    """

    learnpack: Light
    notebooks: Light
    snippets: Snippets
    may_send: bool
    for_all: bool
    steps: Sequence[Step]
    all_connected: bool
    sample: SampleProgress | None
    in_sample: bool
    taking_out: Sequence[str] = ()
    only_here: str = ""
    learner_keys_url: str = ""
    made: str = ""
    made_for: str = ""
    problem: str = ""


@require_safe
@academy_page("read_assignment")
def connect(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show what to copy, and whether anything has arrived."""
    return _show(request, page)


@form_on("connect")
@academy_page("read_assignment")
def make_key(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Make a key that sends telemetry only, and show it this once."""
    source = request.POST.get("source", "")
    if source not in SOURCES or was_sent(request):
        return redirect(page.address("connect"))
    try:
        _token, key = own.make(page.user, TokenScope.TELEMETRY, str(SOURCES[source]), None)
    except Problem as problem:
        return _show(request, page, problem=problem)
    return _show(request, page, made=key, made_for=source)


def _show(
    request: HttpRequest, page: AcademyPage, *, made: str = "", made_for: str = "", problem: Problem | None = None
) -> HttpResponse:
    learnpack, notebooks = (_light(page, connection) for connection in connections_of(page.academy))
    permissions = permissions_of(page.user)
    progress, server = sample_progress(), server_url(request)
    contents = sample_contents() if may_sample(page) else None
    context = ConnectContext(
        learnpack=learnpack,
        notebooks=notebooks,
        snippets=snippets_of(server, page.academy, made),
        may_send=UPLOAD_OWN in permissions,
        for_all=UPLOAD_ANY in permissions,
        steps=_steps(page, learnpack, notebooks),
        all_connected=not (learnpack.soon or notebooks.soon),
        sample=progress if may_sample(page) else None,
        in_sample=progress.academy == page.academy,
        taking_out=effects.of_taking_out(contents) if contents else (),
        learner_keys_url=_learner_keys(page, learnpack, notebooks),
        only_here=server if _is_loopback(server) else "",
        made=made,
        made_for=made_for,
        problem=problem.told() if problem else "",
    )
    return page.show("connect/connect.html", context, problem.status_code if problem else 200)


def _steps(page: AcademyPage, *lights: Light) -> list[Step]:
    """Return what comes next for the user, nothing while nothing is connected."""
    if all(light.soon for light in lights):
        return []
    steps = []
    if page.can("crud_member") and page.sees_all:
        invite, roster = page.address("people-invitations"), page.address("people-import")
        steps = [
            Step(invite, gettext_lazy("Invite learners"), gettext_lazy("They create their accounts with a link.")),
            Step(roster, gettext_lazy("Import the roster"), gettext_lazy("From a file of your school's system.")),
        ]
    watch = gettext_lazy("See who works on what, and who is stuck.")
    return [*steps, Step(page.address("class-now"), gettext_lazy("Open Class now"), watch)]


def _learner_keys(page: AcademyPage, *lights: Light) -> str:
    """Return where the user makes keys of learners, with the one chosen whose events don't get through; empty: nowhere."""
    if not (page.can(KEYS) and page.sees_all):
        return ""
    in_trouble = (light.connection.learner_id for light in lights if light.connection.state is State.TROUBLE)
    learner = next((number for number in in_trouble if number is not None), None)
    return page.address("keys", make="1") if learner is None else page.address("keys", **{"for": str(learner)})


def _light(page: AcademyPage, connection: Connection) -> Light:
    shape, words = _LIGHTS[connection.state]
    asked = connection.learner_id is not None and connection.asset
    user = unambiguous(connection.learner_id) if asked and connection.learner_id is not None else ""
    return Light(connection, shape, words, page.address("diagnosis", user=user, asset=connection.asset if user else ""))


def server_url(request: HttpRequest) -> str:
    """Return this server's URL as its clients know it, without a slash at its end."""
    return settings.PUBLIC_URL.rstrip("/") or request.build_absolute_uri("/").rstrip("/")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def may_sample(page: AcademyPage) -> bool:
    """Whether the user may put sample data in: it makes an academy and accounts, which only the operator does."""
    return page.user.is_superuser


@require_POST
@academy_page("read_assignment")
def sample(request: HttpRequest, page: AcademyPage, data: Callable[[], SampleData]) -> HttpResponse:
    """Put sample data in, or take it out."""
    if not may_sample(page):
        return redirect(page.address("connect"))
    try:
        if request.POST.get("do") == "out":
            if data().take_out():
                messages.success(request, _("The sample data was removed. Nothing else was changed."))
            return redirect("connect")
        academy = data().put_in(page.user)
    except Problem as problem:
        return _show(request, page, problem=problem)
    messages.success(request, _("The sample data was added as the academy “%(name)s”.") % {"name": academy.name})
    return redirect(f"{page.address('connect')}#sample")
