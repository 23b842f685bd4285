"""Every write of the API by everybody, on learners and assets of the own academy, of another one, and of both.

After each write all that the other academy owns is compared with before: whoever doesn't serve it has changed nothing,
whatever the answer was. A write without an entry in the table fails the first test.
"""

import io
import json
import zipfile
from collections.abc import Callable, ItemsView, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from learntrace.accounts.models import Academy, AcademySettings, Cohort, Grant, Invitation, Membership, RosterJob, User
from learntrace.accounts.people.models import CohortLearner
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.assignments.telemetry_stats import drain_stats, stats_of
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.documents.telemetry_queue import make_documents
from learntrace.notebooks.models import Event, Notebook, NotebookAssignment, RejectedEvent
from learntrace.progress.models import Activity, Assignment, Exclusion, FormerStep, Progress, StepList, StepRename
from learntrace.registry.models import Asset
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Concern, ConcernAct, NotificationRule, Signal
from tests.integration.kept import kept
from tests.support import learnpack_inbox, notebooks
from tests.support.builders import (
    Api,
    Response,
    make_academy,
    make_assignment,
    make_cohort,
    make_graded_asset,
    make_key,
    make_notebook,
    make_rejected,
    make_signal,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)

pytestmark = pytest.mark.django_db

OPENED = 1_767_261_600_000
ROLES = ("student", "assistant", "teacher", "staff", "admin", "grant", "nobody")
SERVICES = ("staff", "admin")
WRITERS = ("teacher", "staff", "admin")
LEARNERS = ("ours", "theirs", "both")
# By academy; a body names both.
CONCERNS = {"ours": 7001, "theirs": 7002}
ASSETS = ("our-public", "our-private", "their-public", "their-private", "free")


@dataclass
class Scene:
    """Two academies, "ours" and "theirs"; each has assets, a learner, and things of its own. `people`: ours, by role."""

    ours: Academy
    theirs: Academy
    people: dict[str, User]
    learners: dict[str, User]
    assets: dict[str, Asset]
    ids: dict[str, dict[str, int]] = field(default_factory=dict)

    def homes(self, learner: str) -> set[str]:
        return {"ours", "theirs"} if learner == "both" else {learner}


def make_what_is_written(name: str, academy: Academy, learner: User, asset: Asset, cohort: Cohort) -> dict[str, int]:
    """Make one of each thing that a request may name; return their ids."""
    AcademySettings.objects.create(academy=academy, learnpack_features={"telemetry_webhook_ignore": {}})
    make_assignment(academy, asset, f"{name}/one")
    FormerStep.objects.create(academy=academy, asset=asset, key=f"{name}/gone", published_at=timezone.now())
    rename = StepRename.objects.create(
        academy=academy, asset=asset, old_key=f"{name}/old", new_key=f"{name}/one", read_as=f"{name}/one"
    )
    notebook = make_notebook(f"{name}-notebook", academy, f"assignment:{name}-1")
    signal = make_signal(learner, academy)
    concern = Concern.objects.create(pk=CONCERNS[name], academy=academy, user=learner, assignment=signal.assignment)
    rejected = make_rejected(learner, academy, notebooks.make_event(verb="danced"))
    exclusion = Exclusion.objects.create(academy=academy, user=learner, reason="a preview")
    CohortLearner.objects.create(cohort=cohort, user=learner)
    due_date = DueDate.objects.create(cohort=cohort, asset=asset, due_at=timezone.now())
    Extension.objects.create(due_date=due_date, user=learner, due_at=due_date.due_at + timedelta(days=1))
    return {
        "webhook": make_webhook(learner, status="ERROR", reason="asset-not-found").pk,
        "signal": signal.pk,
        "concern": concern.pk,
        "hand": HelpRequest.objects.create(user=learner, academy=academy).pk,
        "rejected": rejected.pk,
        "notebook": notebook.pk,
        "exclusion": exclusion.pk,
        "rename": rename.pk,
        "due_date": due_date.pk,
        "learner": learner.pk,
        "cohort": cohort.pk,
        "invitation": Invitation.objects.create(
            academy=academy, role="teacher", token_hash=name, expires_at=timezone.now() + timedelta(days=1)
        ).pk,
        "import": RosterJob.objects.create(
            academy=academy, file_name="people.csv", content=b"username\nada\n", state="ready", fingerprint="f"
        ).pk,
    }


def make_scene() -> Scene:
    ours, theirs = make_academy("ours"), make_academy("theirs")
    people = {
        role: make_user(f"our-{role}", role, ours) for role in ("student", "assistant", "teacher", "staff", "admin")
    }
    people["grant"], people["nobody"] = make_user("grant"), make_user("nobody")
    Grant.objects.create(user=people["grant"], permission="upload_any_telemetry")
    learners = {
        "ours": make_user("learner-ours", "student", ours),
        "theirs": make_user("learner-theirs", "student", theirs),
        "both": make_user("learner-both", "student", ours, theirs),
    }
    assets = {
        "our-public": make_graded_asset("our-public", academy=ours),
        "our-private": make_graded_asset("our-private", academy=ours, visibility="PRIVATE"),
        "their-public": make_graded_asset("their-public", academy=theirs),
        "their-private": make_graded_asset(
            "their-private", academy=theirs, visibility="PRIVATE", aliases=("their-alias",)
        ),
        "free": make_graded_asset("free"),
    }
    cohorts = {"ours": make_cohort("our-cohort", ours), "theirs": make_cohort("their-cohort", theirs)}
    for learner, slug in product(learners.values(), assets):
        make_task(learner, slug)
    for learner in (learners["theirs"], learners["both"]):
        make_task(learner, "free", cohort=cohorts["theirs"])
        for slug in ("their-public", "their-private"):
            make_telemetry(learner, slug, completion_rate=10.0, engagement_score=20.0, frustration_score=30.0)
    scene = Scene(ours, theirs, people, learners, assets)
    for name, academy in (("ours", ours), ("theirs", theirs)):
        public = assets[f"{name.removesuffix('s')}-public"]
        scene.ids[name] = make_what_is_written(name, academy, learners[name], public, cohorts[name])
    return scene


things = kept(make_scene)


@pytest.fixture
def scene(things: Scene, settings: Any) -> Scene:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    return things


THEIR_SLUGS = ["their-public", "their-private", "their-alias"]


def fingerprint(scene: Scene) -> dict[str, Any]:
    """All that the other academy owns: its records, tasks and assets with their statistics, settings, and the rest."""
    theirs, learners = scene.theirs.pk, scene.learners
    with connection.cursor() as cursor:
        cursor.execute(*_all_rows(theirs, learners["theirs"].pk, learners["both"].pk))
        rows = dict(cursor.fetchall())
    rows["statistics"] = [str(stats_of(slug, theirs, theirs)) for slug in THEIR_SLUGS]
    return rows


@cache
def _all_rows(theirs: int, learner: int, learner_of_both: int) -> tuple[str, list[Any]]:
    """A statement that asks for all of it at once, each row as one text; it is asked thousands of times."""
    asked = {name: rows.order_by().query.sql_with_params() for name, rows in _owned(theirs, learner, learner_of_both)}
    each = (
        f"SELECT '{name}', ARRAY(SELECT found::text FROM ({sql}) AS found ORDER BY 1)"
        for name, (sql, _) in asked.items()
    )
    return " UNION ALL ".join(each), [value for _sql, values in asked.values() for value in values]


def _owned(theirs: int, learner: int, learner_of_both: int) -> ItemsView[str, QuerySet[Any]]:
    alone, members = [learner], [learner, learner_of_both]
    slugs = THEIR_SLUGS
    records = AssignmentTelemetry.objects.filter(user__in=members, asset_slug__in=slugs)
    return {
        "records": records | AssignmentTelemetry.objects.filter(user__in=alone),
        "tasks": Task.objects.filter(cohort__academy=theirs)
        | Task.objects.filter(user__in=members, associated_slug__in=slugs)
        | Task.objects.filter(user__in=alone),
        "assets": Asset.objects.filter(academy=theirs),
        "settings": AcademySettings.objects.filter(academy=theirs),
        "assignments": Assignment.objects.filter(academy=theirs),
        "step lists": StepList.objects.filter(academy=theirs),
        "progress": Progress.objects.filter(academy=theirs),
        "activities": Activity.objects.filter(academy=theirs),
        "renames": StepRename.objects.filter(academy=theirs),
        "former steps": FormerStep.objects.filter(academy=theirs),
        "due dates": DueDate.objects.filter(cohort__academy=theirs),
        "extensions": Extension.objects.filter(due_date__cohort__academy=theirs),
        "learners of cohorts": CohortLearner.objects.filter(cohort__academy=theirs),
        "exclusions": Exclusion.objects.filter(academy=theirs),
        "webhooks": Webhook.objects.filter(student__in=alone),
        "events": Event.objects.filter(academy=theirs),
        "rejected": RejectedEvent.objects.filter(academy=theirs),
        "notebooks": Notebook.objects.filter(academy=theirs),
        "tags": NotebookAssignment.objects.filter(academy=theirs),
        "signals": Signal.objects.filter(academy=theirs),
        "concerns": Concern.objects.filter(academy=theirs),
        "acts on concerns": ConcernAct.objects.filter(concern__academy=theirs),
        "hands": HelpRequest.objects.filter(academy=theirs),
        "rules": NotificationRule.objects.filter(academy=theirs),
        "members": Membership.objects.filter(academy=theirs),
        "people": User.objects.filter(memberships__academy=theirs),
        "invitations": Invitation.objects.filter(academy=theirs),
        "imports": RosterJob.objects.filter(academy=theirs),
    }.items()


def work() -> None:
    """Let the queues work until nothing is left."""
    drain.drain_webhooks()
    while take_attempts() or take_arrivals() or make_documents() or drain_stats():
        pass


# --- which writes there are

METHODS = ("post", "put", "patch", "delete")


def api_writes() -> set[tuple[str, str]]:
    return {
        (method.upper(), f"/{route}")
        for route, pattern in _patterns(get_resolver())
        if route.startswith("v1/") and (view := getattr(pattern.callback, "view_class", None)) is not None
        for method in METHODS
        if hasattr(view, method)
    }


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern, route)
        else:
            yield route, pattern


# The sender's own account, and nothing of anybody else's: no academy and no learner is named.
OWN = {
    ("POST", "/v1/auth/^login/?$"),
    ("PUT", "/v1/me/consent"),
    ("POST", "/v1/me/help-request"),
    ("DELETE", "/v1/me/help-request"),
    ("DELETE", "/v1/me/data"),
    ("POST", "/v1/me/data/keep"),
    ("POST", "/v1/auth/logout"),
    ("DELETE", "/v1/auth/user/me/token/<int:token_id>"),
    ("PUT", "/v1/auth/user/me/password"),
}
STAFF = "/v1/assignment/academy/asset/<str:slug>/user/<int:user_id>/telemetry"
WEBHOOKS = "/v1/assignment/academy/learnpack/webhook"
RULE = "/v1/signal/academy/notification-rule"
CONCERN = "/v1/signal/academy/concern"
DUE_DATE = "/v1/assignment/academy/due-date"
EXTENSION = f"{DUE_DATE}/<int:due_date_id>/extension/<int:user_id>"
HAND = "/v1/signal/academy/help-request"
MEMBER = "/v1/auth/academy/member"
INVITATION = "/v1/auth/academy/invitation"
IMPORT = "/v1/auth/academy/roster-import"
CORRECTIONS = {("POST", STAFF), ("PUT", STAFF)}


@dataclass(frozen=True)
class AcademyWrite:
    """A write within an academy that the request names: who may, and the body, which may differ by academy."""

    method: str
    route: str
    path: Callable[[dict[str, int], str], str]
    roles: tuple[str, ...]
    body: Any = None
    accepted: tuple[int, ...] = (200, 201, 204)

    def __call__(self, user: User, academy: Academy, scene: Scene, name: str) -> Response:
        """Write as somebody in an academy; what "our" or "their" academy has is named."""
        ids = scene.ids[f"{name}s"]
        body = self.body(ids, name) if callable(self.body) else self.body
        return Api(user, academy)(self.method, self.path(ids, name), body)


def _plain(path: str) -> Callable[[dict[str, int], str], str]:
    return lambda _ids, _name: path


def _extension(ids: dict[str, int], _name: str) -> str:
    return f"{DUE_DATE}/{ids['due_date']}/extension/{ids['learner']}"


def _member(rest: str = "") -> Callable[[dict[str, int], str], str]:
    return lambda ids, _name: f"{MEMBER}/{ids['learner']}{rest}"


def _place(ids: dict[str, int], _name: str) -> str:
    return f"{MEMBER}/{ids['learner']}/cohort/{ids['cohort']}"


def _import(rest: str = "") -> Callable[[dict[str, int], str], str]:
    return lambda ids, _name: f"{IMPORT}/{ids['import']}{rest}"


RENAME = "/v1/progress/academy/step-rename"
EXCLUSION = "/v1/progress/academy/exclusion"
IGNORE = "/v1/assignment/academy/learnpack/telemetry-webhook-ignore"
IN_ACADEMIES = (
    AcademyWrite("DELETE", WEBHOOKS, _plain(f"{WEBHOOKS}?status=ERROR"), WRITERS),
    AcademyWrite("DELETE", f"{WEBHOOKS}/<int:webhook_id>", lambda ids, _name: f"{WEBHOOKS}/{ids['webhook']}", WRITERS),
    AcademyWrite("PUT", IGNORE, _plain(IGNORE), WRITERS, {"events": ["batch"]}),
    AcademyWrite(
        "PUT", "/v1/auth/academy/settings", _plain("/v1/auth/academy/settings"), ("admin",),
        {"learnpack_features": {"streaming_events": True}},
    ),
    AcademyWrite(
        "PUT", "/v1/auth/academy/access", _plain("/v1/auth/academy/access"), ("admin",), {"second_factor": False}
    ),
    AcademyWrite(
        "PUT", "/v1/registry/academy/asset/<str:slug>/action/<str:action>",
        lambda _ids, name: f"/v1/registry/academy/asset/{name}-public/action/sync_telemetry_stats", WRITERS, {},
    ),
    AcademyWrite(
        "PUT", "/v1/notebook/academy/notebook/<str:slug>",
        lambda _ids, name: f"/v1/notebook/academy/notebook/{name}s-notebook", WRITERS,
        {"path": "x.ipynb", "title": "X", "assignments": [{"tag": "new-tag", "cell_id": "c", "title": "T"}]},
    ),
    AcademyWrite(
        "POST", "/v1/notebook/academy/rejected/<int:rejected_id>/retry",
        lambda ids, _name: f"/v1/notebook/academy/rejected/{ids['rejected']}/retry", WRITERS,
        {"event": notebooks.make_event()},
    ),
    AcademyWrite(
        "PUT", "/v1/signal/academy/signal/<int:signal_id>", lambda ids, _name: f"/v1/signal/academy/signal/{ids['signal']}",
        ("assistant", *WRITERS), {"state": "acknowledged"},
    ),
    AcademyWrite(
        "POST", CONCERN, _plain(CONCERN), ("assistant", *WRITERS),
        {"act": "note", "note": "x", "concerns": list(CONCERNS.values())},
    ),
    AcademyWrite(
        "POST", f"{CONCERN}/<int:concern_id>", lambda ids, _name: f"{CONCERN}/{ids['concern']}",
        ("assistant", *WRITERS), {"act": "acknowledge"},
    ),
    AcademyWrite(
        "POST", f"{HAND}/<int:help_request_id>", lambda ids, _name: f"{HAND}/{ids['hand']}",
        ("assistant", *WRITERS), {"act": "help"},
    ),
    AcademyWrite(
        "PUT", DUE_DATE, _plain(DUE_DATE), WRITERS,
        lambda _ids, name: {"cohort": f"{name}-cohort", "asset": f"{name}-public", "due_at": "2099-01-01T00:00:00Z"},
    ),
    AcademyWrite(
        "DELETE", f"{DUE_DATE}/<int:due_date_id>", lambda ids, _name: f"{DUE_DATE}/{ids['due_date']}", WRITERS
    ),
    AcademyWrite("PUT", EXTENSION, _extension, WRITERS, {"due_at": "2099-01-01T00:00:00Z", "reason": "ill"}),
    AcademyWrite("DELETE", EXTENSION, _extension, WRITERS),
    AcademyWrite(
        "POST", MEMBER, _plain(MEMBER), ("admin",),
        lambda _ids, name: {"username": f"new-{name}", "cohorts": [f"{name}-cohort"]},
    ),
    AcademyWrite("PUT", f"{MEMBER}/<int:user_id>", _member(), ("admin",), {"first_name": "Augusta"}),
    AcademyWrite("PUT", f"{MEMBER}/<int:user_id>/role", _member("/role"), ("admin",), {"role": "teacher"}),
    AcademyWrite("PUT", f"{MEMBER}/<int:user_id>/archived", _member("/archived"), ("admin",), {"archived": True}),
    AcademyWrite("PUT", f"{MEMBER}/<int:user_id>/cohort/<int:cohort_id>", _place, ("admin",)),
    AcademyWrite("DELETE", f"{MEMBER}/<int:user_id>/cohort/<int:cohort_id>", _place, ("admin",)),
    AcademyWrite(
        "POST", INVITATION, _plain(INVITATION), ("admin",), lambda _ids, name: {"cohorts": [f"{name}-cohort"]}
    ),
    AcademyWrite(
        "DELETE", f"{INVITATION}/<int:invitation_id>", lambda ids, _name: f"{INVITATION}/{ids['invitation']}", ("admin",)
    ),
    # A file is sent as a form, of which test_roster_api tells.
    AcademyWrite("POST", IMPORT, _plain(IMPORT), ("admin",), accepted=(400,)),
    AcademyWrite(
        "POST", f"{IMPORT}/<int:import_id>/apply", _import("/apply"), ("admin",), {"fingerprint": "f"}, accepted=(202,)
    ),
    # Nobody has applied it.
    AcademyWrite("POST", f"{IMPORT}/<int:import_id>/undo", _import("/undo"), ("admin",), accepted=(409,)),
    AcademyWrite("DELETE", f"{IMPORT}/<int:import_id>", _import(), ("admin",)),
    AcademyWrite(
        "POST", RULE, _plain(RULE), ("assistant", *WRITERS),
        {"name": "x", "channel": "email"},
    ),
    AcademyWrite(
        "POST", RENAME, _plain(RENAME), WRITERS, {"old": "ours/gone", "new": "ours/one"},
        accepted=(201, 400),  # the roles before have done it
    ),
    AcademyWrite("DELETE", f"{RENAME}/<int:rename_id>", lambda ids, _name: f"{RENAME}/{ids['rename']}", WRITERS),
    AcademyWrite("POST", EXCLUSION, _plain(EXCLUSION), WRITERS, {"learner": ["learner-ours"], "reason": "a preview"}),
    AcademyWrite(
        "DELETE", f"{EXCLUSION}/<int:exclusion_id>", lambda ids, _name: f"{EXCLUSION}/{ids['exclusion']}", WRITERS
    ),
    AcademyWrite("PUT", f"{RULE}/<int:rule_id>", _plain(f"{RULE}/1"), (), {}),
    AcademyWrite("DELETE", f"{RULE}/<int:rule_id>", _plain(f"{RULE}/1"), ()),
    AcademyWrite("POST", f"{RULE}/<int:rule_id>/test", _plain(f"{RULE}/1/test"), (), {}),
)  # fmt: skip


def test_every_write_of_the_api_is_in_the_table() -> None:
    tabled = OWN | CORRECTIONS | {(write.method, write.route) for write in IN_ACADEMIES}
    assert api_writes() == tabled


# --- writes within an academy


@pytest.mark.parametrize("write", IN_ACADEMIES, ids=lambda write: f"{write.method} {write.route}")
def test_who_writes_within_an_academy_writes_in_that_one(scene: Scene, write: AcademyWrite) -> None:
    before = fingerprint(scene)
    for role in ROLES:
        # Things of the other academy, named in one's own.
        foreign = write(scene.people[role], scene.ours, scene, "their")
        work()
        assert fingerprint(scene) == before, (role, foreign.status_code)
        assert foreign.status_code < 500
        # And in the other academy itself.
        answer = write(scene.people[role], scene.theirs, scene, "their")
        work()
        assert (answer.status_code, fingerprint(scene)) == (403, before), role
    for role in ROLES:
        if role not in write.roles:
            refused = write(scene.people[role], scene.ours, scene, "our")
            expected = (403, 404) if not write.roles else (403,)
            assert refused.status_code in expected, role
    if write.roles:
        done = write(scene.people[write.roles[-1]], scene.ours, scene, "our")
        assert done.status_code in write.accepted, done.content


# --- corrections


def _may_correct(role: str, learner: str, asset: str) -> int:
    """Return the status of a correction in our academy."""
    if role not in WRITERS:
        return 403
    if learner == "theirs" or (learner == "both" and asset.startswith("their")):
        return 404
    return 201


@pytest.mark.parametrize("role", ROLES)
def test_corrections_write_what_ones_academy_owns(scene: Scene, role: str) -> None:
    api = Api(scene.people[role], scene.ours)
    for learner, asset in product(LEARNERS, ASSETS):
        before = fingerprint(scene)
        for method in ("POST", "PUT"):
            path = STAFF.replace("<str:slug>", asset).replace("<int:user_id>", str(scene.learners[learner].pk))
            answer = api(method, path, {"completion_rate": 99, "engagement_score": 99, "telemetry": {"steps": []}})
            work()
            expected = _may_correct(role, learner, asset)
            if method == "PUT" and expected == 201:
                expected = 200
            assert answer.status_code == expected, (method, learner, asset)
        assert fingerprint(scene) == before, (learner, asset)


# --- what sources send


def batch(scene: Scene, learner: str | None, asset: str, **more: Any) -> dict[str, Any]:
    step = {"slug": "one", "title": "Hello", "opened_at": OPENED, "completed_at": OPENED + 1}
    user = {} if learner is None else {"user_id": scene.learners[learner].pk}
    return {
        "asset_id": scene.assets[asset].pk, "slug": asset, "package_id": 666_000 + scene.assets[asset].pk, "steps": [step],
        "last_interaction_at": OPENED, "tutorial_started_at": OPENED, **user, **more,
    }  # fmt: skip


NOT_FOUND = "was not found"


def _expected(role: str, learner: str, asset: str) -> tuple[int, str]:
    """Return the status of the answer to somebody's telemetry of a learner, and the end of its webhook."""
    if role == "grant":
        return 200, "OK"
    if role not in SERVICES or learner == "theirs":
        return 403, ""
    if asset == "their-private":
        return 200, NOT_FOUND
    if learner == "both" and asset == "their-public":
        return 403, ""
    return 200, "OK"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("event", ["batch", "open_step"])
@pytest.mark.parametrize("role", ROLES)
def test_who_sends_for_a_learner_writes_what_the_academy_owns(role: str, event: str) -> None:
    scene = make_scene()
    for settings in AcademySettings.objects.all():
        settings.learnpack_features = {"streaming_events": True}
        settings.save()
    client = learnpack_inbox.Client(make_key(scene.people[role]))
    more = {} if event == "batch" else {"event": event, "package_slug": ""}
    try:
        for learner, asset in product(LEARNERS, ASSETS):
            before = fingerprint(scene)
            body = batch(scene, learner, asset, **more)
            answer = client.post(body if event == "batch" else {**body, "package_slug": asset, "slug": "one"})
            work()
            status, ending = _expected(role, learner, asset)
            assert answer.status_code == status, (learner, asset, answer.text)
            if status == 200:
                assert ending in (Webhook.objects.latest("created_at").status_text or ""), (learner, asset)
            if role != "grant":
                assert fingerprint(scene) == before, (learner, asset)
        described = Asset.objects.filter(slug__startswith="their").exclude(learnpack_id=None).exists()
        assert described == (role == "grant" and event == "batch")
    finally:
        client.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("learner", LEARNERS)
def test_learners_write_their_own_records_on_what_they_may_name(learner: str) -> None:
    scene = make_scene()
    client = learnpack_inbox.Client(make_key(scene.learners[learner]))
    try:
        for asset in ASSETS:
            before = fingerprint(scene)
            assert client.post(batch(scene, None, asset)).text == "ok"
            work()
            hidden = (asset == "their-private" and learner == "ours") or (
                asset == "our-private" and learner == "theirs"
            )
            row = Webhook.objects.latest("created_at")
            assert (NOT_FOUND if hidden else "OK") in (row.status_text or "")
            assert (row.asset_id is None) == hidden
            if learner == "ours":
                assert fingerprint(scene) == before, asset
        assert not Asset.objects.exclude(learnpack_id=None).exists(), "a learner gives no asset its package"
        assert not Assignment.objects.exclude(title="").exists(), "and no step its title"
    finally:
        client.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("event", ["package_published", "package_manifest_updated"])
@pytest.mark.parametrize("role", ROLES)
def test_package_events_change_the_assets_that_a_service_describes(role: str, event: str) -> None:
    scene = make_scene()
    client = learnpack_inbox.Client(make_key(scene.people[role]))
    try:
        for asset in ASSETS:
            before = fingerprint(scene)
            manifest = {"steps": [{"slug": "one", "title": "Hello"}]}
            answer = client.post(
                {
                    "event": event,
                    "asset_id": scene.assets[asset].pk,
                    "package_id": scene.assets[asset].pk,
                    "payload": {"manifest": manifest},
                }
            )
            work()
            may = role == "grant" or (role in SERVICES and not asset.startswith("their"))
            assert answer.status_code == (200 if role in (*SERVICES, "grant") else 403), (asset, answer.text)
            if answer.status_code == 200:
                assert Webhook.objects.latest("created_at").status == ("DONE" if may else "ERROR")
            assert (Asset.objects.get(slug=asset).manifest == manifest) == may
            if role != "grant":
                assert fingerprint(scene) == before, asset
    finally:
        client.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ROLES)
def test_notebook_events_are_told_to_an_academy_that_the_sender_serves(role: str) -> None:
    scene = make_scene()
    with notebooks.Sender(make_key(scene.people[role])) as sender:
        for learner, name in product(LEARNERS, ("ours", "theirs")):
            about = {
                "type": "cell",
                "id": "c",
                "notebook": f"{name}-notebook.ipynb",
                "assignment": f"assignment:{name}-1",
            }
            event = notebooks.make_event(actor=scene.learners[learner].username, object=about)
            for headers in ({}, {"Academy": str(scene.ours.pk)}, {"Academy": str(scene.theirs.pk)}):
                before = fingerprint(scene)
                sender.post([event], **headers)
                work()
                if role != "grant":
                    assert fingerprint(scene) == before, (learner, name, headers)


# --- oracles


def _filled(body: dict[str, str] | None, name: str) -> dict[str, str] | None:
    return None if body is None else {field: value.replace("%s", name) for field, value in body.items()}


def _masked(text: str, *words: object) -> str:
    for word in words:
        text = text.replace(str(word), "?")
    return text


@pytest.mark.parametrize("slug", ["their-private", "their-alias", "THEIR-PRIVATE"])
@pytest.mark.parametrize("learner", ["ours", "both"])
def test_what_another_academy_hides_answers_as_what_does_not_exist(scene: Scene, slug: str, learner: str) -> None:
    """Status, body and number of queries, at every endpoint of staff that takes an asset's name."""
    api = Api(scene.people["admin"], scene.ours)
    user = scene.learners[learner]
    requests: list[tuple[str, str, Any]] = [
        ("POST", f"/v1/assignment/academy/asset/%s/user/{user.pk}/telemetry", {}),
        ("PUT", f"/v1/assignment/academy/asset/%s/user/{user.pk}/telemetry", {}),
        ("PUT", "/v1/registry/academy/asset/%s/action/sync_telemetry_stats", {}),
        ("GET", "/v1/registry/academy/asset/%s", None),
        ("GET", "/v1/registry/asset/%s", None),
        ("GET", f"/v1/diagnosis/academy/telemetry?user={user.username}&asset=%s", None),
        ("GET", "/v1/notebook/academy/notebook/%s", None),
        ("GET", "/v1/progress/academy/assignment/%s/one/learner", None),
        ("GET", "/v1/progress/academy/assignment?asset=%s", None),
        ("GET", "/v1/progress/academy/learner?asset=%s", None),
        ("GET", "/v1/progress/academy/asset?asset=%s", None),
        ("GET", "/v1/signal/academy/signal?asset=%s", None),
        ("GET", "/v1/assignment/academy/due-date?asset=%s", None),
        ("PUT", DUE_DATE, {"cohort": "our-cohort", "asset": "%s", "due_at": "2099-01-01T00:00:00Z"}),
    ]
    absent = "x" * len(slug)
    for method, path, body in requests:
        answers = []
        for name in (slug, absent):
            with CaptureQueriesContext(connection) as queries:
                answer = api(method, path.replace("%s", name), _filled(body, name))
            content = json.loads(answer.content)
            if isinstance(content, dict):
                content = {
                    key: value
                    for key, value in content.items()
                    if key not in ("id", "created_at", "updated_at", "asked_at")
                }
            answers.append((answer.status_code, _masked(json.dumps(content), name), len(queries)))
        assert answers[0] == answers[1], (method, path)


def test_a_slug_that_is_taken_is_refused_alike_whoever_has_it(scene: Scene) -> None:
    api = Api(scene.people["teacher"], scene.ours)
    body = {"path": "x.ipynb", "assignments": []}
    answers = set()
    for slug in ("their-private", "their-public", "their-alias", "free"):
        answer = api("PUT", f"/v1/notebook/academy/notebook/{slug}", body)
        answers.add((answer.status_code, _masked(answer.content.decode(), slug)))
    assert len(answers) == 1
    assert "slug-taken" in str(answers)


@pytest.mark.django_db(transaction=True)
def test_the_webhook_of_a_hidden_asset_is_as_that_of_one_that_does_not_exist() -> None:
    """In the log of the academy, in the learner's export, and at every stage."""
    scene = make_scene()
    learner = scene.learners["ours"]
    hidden, absent = scene.assets["their-private"].pk, 999_999
    client = learnpack_inbox.Client(make_key(learner))
    try:
        rows = {}
        for stage in ("stored", "processed"):
            for number in (hidden, absent):
                if stage == "stored":
                    client.post({"asset_id": number, "slug": f"slug-{number}", "steps": []})
                row = Webhook.objects.get(payload__asset_id=number)
                log = Api(scene.people["teacher"], scene.ours).get(f"{WEBHOOKS}?limit=9").json()["results"]
                (listed,) = [entry for entry in log if entry["id"] == row.pk]
                export = b"".join(Api(learner).get("/v1/me/export").streaming_content)  # type: ignore[attr-defined]
                with zipfile.ZipFile(io.BytesIO(export)) as archive:
                    mine = "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
                texts = [mine.count(str(scene.assets["their-private"].slug)), listed["asset_id"], listed["status_text"]]
                rows[stage, number] = texts
            work()
            assert rows[stage, hidden] == rows[stage, absent]
    finally:
        client.close()
