"""Each action of staff, on every page and endpoint, leaves exactly one entry, with what was before and after.

The cases are held against the URLs, the forms of the templates, the management commands and the list of actions: a new one
of these without a case fails here.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from unittest.mock import ANY

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData
from pytest_django import Settings

from learntrace.accounts.audit import actions
from learntrace.accounts.audit.actions import ACTIONS, Action, Kind
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.recording import digest_of
from learntrace.accounts.models import AcademySettings, CohortLearner, Invitation, Membership, Token, key_hash
from learntrace.accounts.second_factor import factors, totp
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey
from learntrace.accounts.signing_in.models import SignInSession
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log import bulk
from learntrace.personal.models import PendingErasure
from learntrace.progress.models import Code, Exclusion, FormerStep, StepRename
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import ConcernAct, NotificationRule
from tests.integration.kept import kept
from tests.support.builders import (
    NOW,
    Api,
    Cast,
    Response,
    make_assignment,
    make_attempts,
    make_cast,
    make_cohort,
    make_graded_asset,
    make_notebook,
    make_rejected,
    make_signal,
    make_stored_event,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)
from tests.support.notebooks import make_event
from tests.support.paths import CHECKOUT

KEY = "intro/01-hello"
PASSWORD, NEW_PASSWORD = "correct horse battery", "staple horse battery"
TAG = "assignment:lesson-03-exercise-1"


@dataclass
class Scene:
    """The cast, with one of each thing that staff writes; `ids` are the values of {names} in paths."""

    cast: Cast
    ids: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Make a thing that only some cases need, when it is first asked for."""
        if name not in self.ids:
            self.ids[name] = make()
        return self.ids[name]


cast = kept(make_cast)


@kept
def things(cast: Cast) -> Scene:
    academy, owner = cast.academy, cast.owner
    asset = make_graded_asset("intro", academy=academy)
    make_assignment(academy, asset, KEY, published_at=NOW)
    make_attempts(owner, academy, KEY, "xx-")
    make_attempts(owner, academy, "intro/00-old", "x", start=NOW.replace(hour=1))
    for key in ("intro/00-old", "intro/00-gone"):
        FormerStep.objects.create(academy=academy, asset=asset, key=key, published_at=NOW)
    renamed = StepRename.objects.create(academy=academy, asset=asset, old_key="intro/00-gone", new_key=KEY, read_as=KEY)
    make_telemetry(owner, "intro", completion_rate=10.0)
    make_notebook("lesson-03", academy, TAG)
    make_stored_event(owner, academy)
    rule = NotificationRule.objects.create(
        user=cast.colleague, academy=academy, channel="email", target="grace@example.org"
    )
    return Scene(
        cast,
        {
            "asset": asset.pk,
            "owner": owner.pk,
            "academy": academy.pk,
            "rename": renamed.pk,
            "exclusion": Exclusion.objects.create(academy=academy, user=owner, reason="a preview").pk,
            "signal": make_signal(owner, academy).pk,
            "hand": HelpRequest.objects.create(user=owner, academy=academy).pk,
            "webhook": make_webhook(owner, status="ERROR", reason="asset-not-found", asset=asset).pk,
            "rejected": make_rejected(owner, academy, make_event(verb="danced")).pk,
            "sound": make_rejected(owner, academy, make_event()).pk,
            "rule": rule.pk,
            "task": make_task(owner, "intro").pk,
        },
    )


@pytest.fixture
def scene(things: Scene, settings: Settings) -> Scene:
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = 9
    return things


@dataclass(frozen=True)
class Case:
    """A request of staff with the entry that it leaves; `body` may depend on the scene. `about`: the learner, or {name}."""

    method: str
    pattern: str
    action: Action
    before: dict[str, Any]
    after: dict[str, Any]
    path: str = ""
    body: Any = None
    about: str | None = "owner"
    by_owner: bool = False
    changes: str = ""
    # Whether it does the same once more when it is sent again.
    each_time: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.pattern} {self.changes}".strip()

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("v1/")

    def send(self, scene: Scene) -> Response:
        body = self.body(scene) if callable(self.body) else self.body
        path = "/" + (self.path or self.pattern).format(**scene.ids)
        actor = scene.cast.owner if self.by_owner else scene.cast.colleague
        if self.is_api:
            return Api(actor, None if self.by_owner else scene.cast.academy)(self.method, path, body)
        client = Client()
        client.force_login(actor)
        # A page that another academy's academy is the first of would show that one.
        return client.get(path) if self.method == "GET" else client.post(path, body or {})


def confirmed(scene: Scene) -> dict[str, Any]:
    """The owner's password, as forms ask for it again."""

    def set_password() -> str:
        scene.cast.owner.set_password(PASSWORD)
        scene.cast.owner.save()
        return PASSWORD

    return {"password": scene.once("password", set_password)}


def another_session(scene: Scene) -> dict[str, Any]:
    def sign_in() -> int:
        Client().force_login(scene.cast.owner)
        client = Client()
        client.force_login(scene.cast.owner)
        return SignInSession.objects.get(session_key=client.session.session_key).pk

    return {"session": scene.once("session", sign_in)}


def own_key(scene: Scene) -> dict[str, Any]:
    return {"key": scene.once("key", lambda: Token.issue(scene.cast.owner)[0].pk)}


def sending_key(scene: Scene) -> dict[str, Any]:
    return {"key": scene.once("sending key", lambda: Token.issue(scene.cast.owner, scope="telemetry")[0].pk)}


def code_of_a_new_app(scene: Scene) -> dict[str, Any]:
    factors.begin_app(scene.cast.owner)
    secret = AuthenticatorApp.objects.get(user=scene.cast.owner).secret
    return {"code": totp.code_at(secret, totp.step_at(time.time())), **confirmed(scene)}


def with_an_app(scene: Scene) -> dict[str, Any]:
    def set_up() -> int:
        app = AuthenticatorApp.objects.create(user=scene.cast.owner, secret=totp.new_secret(), confirmed_at=NOW)
        return len(factors.make_recovery_codes(app.user))

    scene.once("app", set_up)
    return confirmed(scene)


def with_a_passkey(scene: Scene) -> dict[str, Any]:
    def make() -> int:
        return Passkey.objects.create(user=scene.cast.owner, name="A", credential_id="a", public_key=b"a").pk

    return {"passkey": scene.once("passkey", make), **confirmed(scene)}


def with_an_erasure_to_come(scene: Scene) -> None:
    scene.once("erasure", lambda: PendingErasure.objects.create(user=scene.cast.owner, erases_at=NOW).pk)


def the_concern(scene: Scene) -> int:
    """The id of the owner's concern; a list of them makes it."""
    api = Api(scene.cast.colleague, scene.cast.academy)
    pk: int = scene.once("concern", lambda: api.get("/v1/signal/academy/concern").json()[0]["id"])
    return pk


def an_act(scene: Scene) -> int:
    """The id of an act that the owner's concern has, made before all that is recorded."""

    def make() -> int:
        return ConcernAct.objects.create(
            concern_id=the_concern(scene), number=1, what="noted", clock=NOW, note="spoke to Ada"
        ).pk

    pk: int = scene.once("act", make)
    return pk


def after_help_began(scene: Scene) -> dict[str, Any]:
    """Undo help that began before all that is recorded."""

    def begin() -> int:
        hands = HelpRequest.objects.filter(pk=scene.ids["hand"])
        return hands.update(helped_by=scene.cast.colleague, help_began_at=NOW)

    scene.once("began", begin)
    return {"act": "undo_help"}


def archived(scene: Scene) -> int:
    return Membership.objects.filter(user=scene.cast.owner).update(status="INACTIVE")


def a_cohort(scene: Scene) -> int:
    pk: int = scene.once("cohort", lambda: make_cohort("fall", scene.cast.academy).pk)
    return pk


def in_a_cohort(scene: Scene) -> dict[str, Any]:
    """The owner in a cohort, of which a form takes them out."""
    place = {"cohort_id": a_cohort(scene), "user": scene.cast.owner}
    scene.once("place", lambda: CohortLearner.objects.create(**place).pk)
    return {"out": scene.cast.owner.pk, "cohort": a_cohort(scene)}


def an_invitation(scene: Scene) -> None:
    told = {
        "academy": scene.cast.academy,
        "made_by": scene.cast.colleague,
        "role": "teacher",
        "token_hash": key_hash("token"),
        "expires_at": LATER,
    }
    scene.once("invitation", lambda: Invitation.objects.create(**told).pk)


def a_due_date(scene: Scene) -> int:
    about = {"cohort_id": a_cohort(scene), "asset_id": scene.ids["asset"], "due_at": NOW}
    pk: int = scene.once("due_date", lambda: DueDate.objects.create(**about).pk)
    return pk


def the_last_moment(scene: Scene) -> dict[str, Any]:
    a_due_date(scene)
    in_a_cohort(scene)
    return {"learner": "ada", "due_at": "2099-01-01T12:00"}


def an_extension(scene: Scene) -> dict[str, Any]:
    told = {"due_date_id": a_due_date(scene), "user": scene.cast.owner, "due_at": LATER}
    scene.once("extension", lambda: Extension.objects.create(**told).pk)
    return {"end": scene.cast.owner.pk}


def counted(scene: Scene) -> dict[str, Any]:
    """What the page of a bulk action has shown."""
    found = bulk.count_failed(Webhook.objects.filter(student=scene.cast.owner))
    return {"rows": found.rows, "newest": found.newest, "at": found.at.isoformat()}


TELEMETRY = "v1/assignment/academy/asset/<str:slug>/user/<int:user_id>/telemetry"
LOG = "v1/assignment/academy/learnpack/webhook"
DUE = "v1/assignment/academy/due-date"
MEMBER = "v1/auth/academy/member"
IMPORT = "v1/auth/academy/roster-import"
LATER = NOW.replace(year=2099)
RULES = "v1/signal/academy/notification-rule"
RULE = {"name": "Mine", "channel": "email", "target": "room@example.org"}
EXCLUSION = {"learner": [], "assignment": KEY, "reason": "was a preview"}
EXCLUDED = {
    "learners": [ANY], "assignment": KEY, "attempts": ANY, "made_together": ANY, "reason": "was a preview",
}  # fmt: skip
WEBHOOK = {"failed": 1, "first": ANY, "last": ANY}
IGNORE = {"events": ["open_step"]}
IGNORED = {"learnpack_features.telemetry_webhook_ignore": ANY}
SENDING_KEY = {"prefix": ANY, "kind": "permanent", "scope": "telemetry", "expires_at": ANY}
KEY_TOLD = {"prefix": ANY, "kind": "permanent", "scope": "write"}
ASKING = {"access_features.second_factor": True}
ACKNOWLEDGED = {"act": "acknowledged", "number": 1}
NOTED = {"act": "noted", "number": 1}
TRIED = {"sent_to": "grace@example.org", "outcome": ANY}
CASES = [
    # Settings and rules
    Case(
        "PUT", "v1/auth/academy/settings", actions.SETTINGS_CHANGED, {}, {"notebook_features.erasure": False},
        body={"notebook_features": {"erasure": False}}, about=None,
    ),
    Case(
        "PUT", "v1/assignment/academy/learnpack/telemetry-webhook-ignore", actions.IGNORE_RULES_CHANGED, {}, IGNORED,
        body=IGNORE, about=None,
    ),
    Case(
        "POST", "telemetry/ignore", actions.IGNORE_RULES_CHANGED, {}, IGNORED, about=None,
        body={"do": "save", "seen": "{}", "document": '{"events": ["open_step"]}'},
    ),
    Case(
        "POST", RULES, actions.NOTIFICATION_RULE_MADE, {}, ANY, body=RULE,
        about="self", each_time=True,
    ),
    Case(
        "PUT", f"{RULES}/<int:rule_id>", actions.NOTIFICATION_RULE_CHANGED, {"active": True}, {"active": False},
        path=f"{RULES}/{{rule}}", body={"active": False}, about="self",
    ),
    Case(
        "PUT", f"{RULES}/<int:rule_id>", actions.NOTIFICATION_RULE_CHANGED, {"sent_to": "grace@example.org"},
        {"sent_to": "away@example.com"}, path=f"{RULES}/{{rule}}", body={"target": "away@example.com"}, about="self",
        changes="target",
    ),
    Case(
        "DELETE", f"{RULES}/<int:rule_id>", actions.NOTIFICATION_RULE_DELETED, ANY, {}, path=f"{RULES}/{{rule}}",
        about="self",
    ),
    Case(
        "POST", f"{RULES}/<int:rule_id>/test", actions.NOTIFICATION_RULE_TRIED, {}, TRIED,
        path=f"{RULES}/{{rule}}/test", about="self",
    ),
    # Corrections
    Case(
        "POST", TELEMETRY, actions.TELEMETRY_CORRECTED, {"completion_rate": 10.0, "asset": None},
        {"completion_rate": 50.0, "asset": "intro"},
        path="v1/assignment/academy/asset/intro/user/{owner}/telemetry", body={"completion_rate": 50.0},
    ),
    Case(
        "PUT", TELEMETRY, actions.TELEMETRY_CORRECTED, {"telemetry": {"slug": "intro"}, "asset": None},
        {"telemetry": {"slug": "mine"}, "asset": "intro"},
        path="v1/assignment/academy/asset/intro/user/{owner}/telemetry", body={"telemetry": {"slug": "mine"}},
    ),
    Case(
        "POST", "v1/progress/academy/exclusion", actions.ATTEMPTS_EXCLUDED, {}, EXCLUDED,
        body=lambda scene: EXCLUSION | {"learner": [str(scene.cast.owner.pk)]},
    ),
    Case(
        "POST", "assignment/<key:key>/learner/<int:user_id>/exclude", actions.ATTEMPTS_EXCLUDED, {}, EXCLUDED,
        path=f"assignment/{KEY}/learner/{{owner}}/exclude", body={"what": "assignment", "reason": "was a preview"},
    ),
    Case(
        "POST", "assignment/<key:key>/exclude", actions.ATTEMPTS_EXCLUDED, {}, ANY,
        path=f"assignment/{KEY}/exclude", body={"what": "assignment", "reason": "was a preview", "confirm": "3"},
    ),
    Case(
        "DELETE", "v1/progress/academy/exclusion/<int:exclusion_id>", actions.EXCLUSION_LIFTED, {"standing": [ANY]},
        {"standing": []}, path="v1/progress/academy/exclusion/{exclusion}",
    ),
    Case(
        "POST", "exclusion/<int:exclusion_id>/lift", actions.EXCLUSION_LIFTED, {"standing": [ANY]}, {"standing": []},
        path="exclusion/{exclusion}/lift",
    ),
    Case(
        "POST", "v1/progress/academy/step-rename", actions.STEP_RENAMED, {}, {"old": "intro/00-old", "new": KEY},
        body={"old": "intro/00-old", "new": KEY}, about=None,
    ),
    Case(
        "DELETE", "v1/progress/academy/step-rename/<int:rename_id>", actions.STEP_RENAME_UNDONE,
        {"old": "intro/00-gone", "new": KEY}, {}, path="v1/progress/academy/step-rename/{rename}", about=None,
    ),
    Case(
        "POST", "asset/<key:slug>/rename", actions.STEP_RENAMED, {}, {"old": "intro/00-old", "new": KEY},
        path="asset/intro/rename", body={"old": "intro/00-old", "new": KEY}, about=None,
    ),
    Case(
        "POST", "asset/<key:slug>/rename", actions.STEP_RENAME_UNDONE, {"old": "intro/00-gone", "new": KEY}, {},
        path="asset/intro/rename", body=lambda scene: {"undo": scene.ids["rename"]}, about=None, changes="undo",
    ),
    # Signals, statistics, notebooks
    Case(
        "PUT", "v1/signal/academy/signal/<int:signal_id>", actions.SIGNAL_STATE_CHANGED, {"state": "open"},
        {"state": "acknowledged"}, path="v1/signal/academy/signal/{signal}", body={"state": "acknowledged"},
    ),
    Case(
        "POST", "v1/signal/academy/concern/<int:concern_id>", actions.CONCERN_HANDLED, {}, ACKNOWLEDGED,
        path="v1/signal/academy/concern/{concern}",
        body=lambda scene: {"act": "acknowledge", "concern": the_concern(scene)},
    ),
    Case(
        "POST", "v1/signal/academy/concern/<int:concern_id>", actions.CONCERN_ACT_UNDONE, NOTED, {},
        path="v1/signal/academy/concern/{concern}", body=lambda scene: {"act": "undo", "undo": an_act(scene)},
        changes="undo",
    ),
    Case(
        "POST", "v1/signal/academy/help-request/<int:help_request_id>", actions.HELP_GIVEN,
        {"help_began_at": None, "helped_by": None}, {"help_began_at": ANY, "helped_by": ANY},
        path="v1/signal/academy/help-request/{hand}", body={"act": "help"},
    ),
    Case(
        "POST", "v1/signal/academy/help-request/<int:help_request_id>", actions.HELP_UNDONE,
        {"help_began_at": ANY, "helped_by": ANY}, {"help_began_at": None, "helped_by": None},
        path="v1/signal/academy/help-request/{hand}", body=after_help_began, changes="undo",
    ),
    Case(
        "POST", "concerns/hand", actions.HELP_GIVEN, {"ended_at": None, "helped_by": None},
        {"ended_at": ANY, "helped_by": ANY}, body=lambda scene: {"hand": scene.ids["hand"], "act": "done"},
    ),
    Case(
        "POST", "v1/signal/academy/concern", actions.CONCERN_HANDLED, {}, ACKNOWLEDGED,
        body=lambda scene: {"act": "acknowledge", "concerns": [the_concern(scene)]},
    ),
    Case(
        "POST", "concerns", actions.CONCERN_HANDLED, {}, ACKNOWLEDGED,
        body=lambda scene: {"act": "acknowledge", "concern": the_concern(scene)},
    ),
    Case(
        "POST", "concerns", actions.CONCERN_HANDLED, {}, {"act": "assigned", "number": 1, "assignee": ANY},
        body=lambda scene: {"act": "assign", "concern": the_concern(scene), "assignee": scene.cast.colleague.pk},
        changes="assignee",
    ),
    Case(
        "POST", "reports/mail", actions.SUMMARY_SUBSCRIBED, {"weekly": False}, {"weekly": True}, body={"weekly": "yes"},
        about="self",
    ),
    Case(
        "POST", "concerns/undo", actions.CONCERN_ACT_UNDONE, NOTED, {},
        body=lambda scene: {"undo": f"{the_concern(scene)}:{an_act(scene)}"},
    ),
    Case(
        "PUT", "v1/registry/academy/asset/<str:slug>/action/<str:action>", actions.STATISTICS_REQUESTED, {},
        {"asset": "intro"}, path="v1/registry/academy/asset/intro/action/sync_telemetry_stats", about=None,
    ),
    Case(
        "POST", "asset/<key:slug>/action/<str:action>", actions.STATISTICS_REQUESTED, {}, {"asset": "intro"},
        path="asset/intro/action/sync_telemetry_stats", about=None,
    ),
    Case(
        "PUT", "v1/notebook/academy/notebook/<str:slug>", actions.NOTEBOOK_PUBLISHED,
        {"path": "lesson-03.ipynb", "assignments": [[TAG, "", "", False]], "graded": False},
        {"path": "moved.ipynb", "assignments": [], "graded": True},
        path="v1/notebook/academy/notebook/lesson-03", body={"path": "moved.ipynb", "assignments": []}, about=None,
    ),
    # What clients sent
    Case("DELETE", LOG, actions.WEBHOOKS_DELETED, WEBHOOK, {}, path=f"{LOG}?status=ERROR"),
    Case(
        "DELETE", f"{LOG}/<int:webhook_id>", actions.WEBHOOKS_DELETED, WEBHOOK, {}, path=f"{LOG}/{{webhook}}",
    ),
    Case(
        "POST", "telemetry/webhooks/delete", actions.WEBHOOKS_DELETED, WEBHOOK, {},
        path="telemetry/webhooks/delete?status=ERROR", body=counted,
    ),
    Case(
        "POST", "telemetry/webhooks/retry", actions.WEBHOOKS_RETRIED, WEBHOOK, {},
        path="telemetry/webhooks/retry?status=ERROR", body=counted,
    ),
    Case(
        "POST", "telemetry/webhook/<int:webhook_id>/retry", actions.WEBHOOKS_RETRIED, WEBHOOK, {},
        path="telemetry/webhook/{webhook}/retry",
    ),
    Case(
        "POST", "telemetry/webhook/<int:webhook_id>/delete", actions.WEBHOOKS_DELETED, WEBHOOK, {},
        path="telemetry/webhook/{webhook}/delete",
    ),
    Case(
        "POST", "v1/notebook/academy/rejected/<int:rejected_id>/retry", actions.REJECTED_EVENT_RETRIED,
        {"rejected": "unknown-verb"}, {"event": ANY}, path="v1/notebook/academy/rejected/{rejected}/retry",
        body=lambda _scene: {"event": make_event()},
    ),
    Case(
        "POST", "telemetry/rejected/<int:rejected_id>/retry", actions.REJECTED_EVENT_RETRIED,
        {"rejected": "unknown-verb"}, {"event": ANY}, path="telemetry/rejected/{sound}/retry",
    ),
    # One's own data
    Case("DELETE", "v1/me/data", actions.ERASURE_ASKED, {}, {"erases_at": ANY}, by_owner=True),
    Case("DELETE", "v1/me/data", actions.DATA_ERASED, {}, {}, body=confirmed, by_owner=True, changes="password"),
    Case(
        "POST", "v1/me/data/keep", actions.ERASURE_UNDONE, {"erases_at": ANY}, {}, body=with_an_erasure_to_come,
        by_owner=True,
    ),
    Case("POST", "me/keep", actions.ERASURE_UNDONE, {"erases_at": ANY}, {}, body=with_an_erasure_to_come, by_owner=True),
    Case("POST", "me/erase", actions.DATA_ERASED, {}, {}, body={"name": "ada"}, by_owner=True),
    # People
    Case(
        "POST", "people/add", actions.PERSON_ADDED, {}, ANY, body={"username": "lina", "role": "student"}, about="new",
        each_time=True,
    ),
    Case(
        "POST", "people/<int:user_id>/change", actions.PERSON_CHANGED, {"first_name": "Ada"}, {"first_name": "Augusta"},
        path="people/{owner}/change",
        body={"username": "ada", "first_name": "Augusta", "last_name": "Lovelace", "email": "ada@example.org"},
    ),
    Case(
        "POST", "people/<int:user_id>/role", actions.ROLE_CHANGED, {"role": "student"}, {"role": "teacher"},
        path="people/{owner}/role", body={"role": "teacher"},
    ),
    Case(
        "POST", "people/<int:user_id>/archive", actions.PERSON_ARCHIVED, {"status": "ACTIVE"}, {"status": "INACTIVE"},
        path="people/{owner}/archive", body={"archived": "yes"},
    ),
    Case(
        "POST", "people/<int:user_id>/archive", actions.PERSON_RESTORED, {"status": "INACTIVE"}, {"status": "ACTIVE"},
        path="people/{owner}/archive", changes="restored",
        body=lambda scene: {"archived": "no", "was": scene.once("archived", lambda: archived(scene))},
    ),
    Case(
        "POST", "people/<int:user_id>/cohorts", actions.COHORT_LEARNERS_CHANGED, {}, {"put in": [ANY]},
        path="people/{owner}/cohorts", body=lambda scene: {"cohort": a_cohort(scene)},
    ),
    Case(
        "POST", "people/cohort/<int:cohort_id>/learners", actions.COHORT_LEARNERS_CHANGED, {"taken out": [ANY]}, {},
        path="people/cohort/{cohort}/learners", body=in_a_cohort,
    ),
    Case("POST", "people/cohorts", actions.COHORT_MADE, {}, ANY, body={"name": "Fall"}, about=None, each_time=True),
    Case(
        "POST", "people/cohort/<int:cohort_id>", actions.COHORT_CHANGED, {"name": "Fall"}, {"name": "Autumn"},
        path="people/cohort/{cohort}", body=lambda scene: {"name": "Autumn", "n": a_cohort(scene)}, about=None,
    ),
    Case(
        "POST", "people/cohort/<int:cohort_id>/archive", actions.COHORT_CHANGED, {"archived": False}, {"archived": True},
        path="people/cohort/{cohort}/archive", body=lambda scene: {"archived": "yes", "n": a_cohort(scene)}, about=None,
    ),
    Case(
        "POST", "people/invitations", actions.INVITATION_MADE, {}, ANY, body={"role": "teacher", "days": "7"}, about=None,
        each_time=True,
    ),
    Case(
        "POST", "people/invitation/<int:invitation_id>/revoke", actions.INVITATION_REVOKED, {"role": "teacher"}, {},
        path="people/invitation/{invitation}/revoke", body=an_invitation, about=None,
    ),
    Case(
        "POST", MEMBER, actions.PERSON_ADDED, {}, ANY, body={"username": "lina", "role": "student"}, about="new",
        each_time=True,
    ),
    Case(
        "PUT", f"{MEMBER}/<int:user_id>", actions.PERSON_CHANGED, {"first_name": "Ada"}, {"first_name": "Augusta"},
        path=f"{MEMBER}/{{owner}}", body={"first_name": "Augusta"},
    ),
    Case(
        "PUT", f"{MEMBER}/<int:user_id>/role", actions.ROLE_CHANGED, {"role": "student"}, {"role": "teacher"},
        path=f"{MEMBER}/{{owner}}/role", body={"role": "teacher"},
    ),
    Case(
        "PUT", f"{MEMBER}/<int:user_id>/archived", actions.PERSON_ARCHIVED, {"status": "ACTIVE"}, {"status": "INACTIVE"},
        path=f"{MEMBER}/{{owner}}/archived", body={"archived": True},
    ),
    Case(
        "PUT", f"{MEMBER}/<int:user_id>/archived", actions.PERSON_RESTORED, {"status": "INACTIVE"}, {"status": "ACTIVE"},
        path=f"{MEMBER}/{{owner}}/archived", changes="restored",
        body=lambda scene: {"archived": False, "was": scene.once("archived", lambda: archived(scene))},
    ),
    Case(
        "PUT", f"{MEMBER}/<int:user_id>/cohort/<int:cohort_id>", actions.COHORT_LEARNERS_CHANGED, {}, {"put in": [ANY]},
        path=f"{MEMBER}/{{owner}}/cohort/{{cohort}}", body=lambda scene: {"n": a_cohort(scene)},
    ),
    Case(
        "DELETE", f"{MEMBER}/<int:user_id>/cohort/<int:cohort_id>", actions.COHORT_LEARNERS_CHANGED,
        {"taken out": [ANY]}, {}, path=f"{MEMBER}/{{owner}}/cohort/{{cohort}}", body=in_a_cohort,
    ),
    Case(
        "POST", "v1/auth/academy/invitation", actions.INVITATION_MADE, {}, ANY, body={"role": "teacher"}, about=None,
        each_time=True,
    ),
    Case(
        "DELETE", "v1/auth/academy/invitation/<int:invitation_id>", actions.INVITATION_REVOKED, {"role": "teacher"}, {},
        path="v1/auth/academy/invitation/{invitation}", body=an_invitation, about=None,
    ),
    Case(
        "POST", "people/due-dates", actions.DUE_DATE_CHANGED, {}, ANY, about=None,
        body=lambda scene: {"cohort": a_cohort(scene), "asset": "intro", "due_at": "2027-01-01T12:00"},
    ),
    Case(
        "POST", "people/due-date/<int:due_date_id>/end", actions.DUE_DATE_CHANGED, ANY, {}, about=None,
        path="people/due-date/{due_date}/end", body=lambda scene: {"n": a_due_date(scene)},
    ),
    Case(
        "POST", "people/due-date/<int:due_date_id>/extension", actions.EXTENSION_CHANGED, {}, ANY,
        path="people/due-date/{due_date}/extension", body=the_last_moment,
    ),
    Case(
        "POST", "people/due-date/<int:due_date_id>/extension", actions.EXTENSION_CHANGED, ANY, {},
        path="people/due-date/{due_date}/extension", body=an_extension, changes="ended",
    ),
    Case(
        "PUT", f"{DUE}", actions.DUE_DATE_CHANGED, {}, ANY, about=None,
        body=lambda scene: {"cohort": str(a_cohort(scene)), "asset": "intro", "due_at": "2027-01-01T12:00:00Z"},
    ),
    Case(
        "DELETE", f"{DUE}/<int:due_date_id>", actions.DUE_DATE_CHANGED, ANY, {}, about=None,
        path=f"{DUE}/{{due_date}}", body=lambda scene: {"n": a_due_date(scene)}, changes="ended",
    ),
    Case(
        "PUT", f"{DUE}/<int:due_date_id>/extension/<int:user_id>", actions.EXTENSION_CHANGED, {}, ANY,
        path=f"{DUE}/{{due_date}}/extension/{{owner}}",
        body=lambda scene: {**the_last_moment(scene), "due_at": "2099-01-01T12:00:00Z"},
    ),
    Case(
        "DELETE", f"{DUE}/<int:due_date_id>/extension/<int:user_id>", actions.EXTENSION_CHANGED, ANY, {},
        path=f"{DUE}/{{due_date}}/extension/{{owner}}", body=an_extension, changes="ended",
    ),
    # What one signs in with
    Case(
        "PUT", "v1/auth/user/me/password", actions.PASSWORD_CHANGED, {}, {}, by_owner=True,
        body=lambda scene: {"current_password": confirmed(scene)["password"], "new_password": NEW_PASSWORD},
    ),
    Case("POST", "account/name", actions.PERSON_CHANGED, {"first_name": "Grace"}, {"first_name": "Rosalind"},
         body={"first_name": "Rosalind", "last_name": "Hopper"}, about="self"),
    Case(
        "POST", "account/password", actions.PASSWORD_CHANGED, {}, {}, by_owner=True,
        body=lambda scene: {"current": confirmed(scene)["password"], "new": NEW_PASSWORD, "again": NEW_PASSWORD},
    ),
    Case(
        "POST", "account/app", actions.SECOND_FACTOR_ADDED, {}, {"factor": "app"}, body=code_of_a_new_app, by_owner=True,
    ),
    Case(
        "POST", "account/app/remove", actions.SECOND_FACTOR_REMOVED, {"factor": "app"}, {}, body=with_an_app,
        by_owner=True,
    ),
    Case(
        "POST", "account/passkey/remove", actions.SECOND_FACTOR_REMOVED, {"factor": "passkey", "passkey": ANY}, {},
        body=with_a_passkey, by_owner=True,
    ),
    Case("POST", "account/codes", actions.RECOVERY_CODES_REPLACED, {}, {}, body=with_an_app, by_owner=True),
    Case(
        "POST", "account/session/end", actions.SESSIONS_ENDED, ANY, {}, body=another_session, by_owner=True,
    ),
    Case(
        "POST", "account/key/make", actions.TOKEN_MADE, {}, KEY_TOLD, body={"scope": "write", "days": "0"}, by_owner=True,
        each_time=True,
    ),
    Case("POST", "account/key/end", actions.TOKEN_REVOKED, KEY_TOLD, {}, body=own_key, by_owner=True),
    Case(
        "DELETE", "v1/auth/user/me/token/<int:token_id>", actions.TOKEN_REVOKED, KEY_TOLD, {}, body=own_key,
        path="v1/auth/user/me/token/{key}", by_owner=True,
    ),
    Case("POST", "v1/auth/logout", actions.TOKEN_REVOKED, KEY_TOLD, {}, by_owner=True, each_time=True),
    Case(
        "PUT", "v1/auth/academy/access", actions.SETTINGS_CHANGED, {}, ASKING, body={"second_factor": True}, about=None,
    ),
    Case("POST", "account/academy", actions.SETTINGS_CHANGED, {}, ASKING, body={"asking": "yes"}, about=None),
    # The academy's keys, settings and notification rules on pages
    Case(
        "POST", "keys/make", actions.TOKEN_MADE, {}, SENDING_KEY, each_time=True,
        body={"account": "ada", "scope": "telemetry", "days": "180", "name": "laptop"},
    ),
    Case(
        "POST", "keys/rotate", actions.TOKEN_ROTATED, {"prefix": ANY}, {"prefix": ANY, "old_ends_at": ANY}, each_time=True,
        body=lambda scene: sending_key(scene) | {"grace": "24"},
    ),
    Case("POST", "keys/end", actions.TOKEN_REVOKED, KEY_TOLD, {}, body=own_key),
    Case(
        "POST", "settings/<str:slug>/change", actions.SETTINGS_CHANGED, {}, {"notebook_features.opt_out": True},
        path="settings/opt-out/change", body={"value": "true", "seen": "false"}, about=None,
    ),
    Case(
        "POST", "notifications/save", actions.NOTIFICATION_RULE_MADE, {}, ANY, about="self", each_time=True,
        body=RULE | {"least_severity": "1", "digest_minutes": "0", "timezone": "UTC"},
    ),
    Case(
        "POST", "notifications/<int:rule_id>/switch", actions.NOTIFICATION_RULE_CHANGED, {"active": True},
        {"active": False}, path="notifications/{rule}/switch", body={"active": "no"}, about="self",
    ),
    Case(
        "POST", "notifications/<int:rule_id>/delete", actions.NOTIFICATION_RULE_DELETED, ANY, {},
        path="notifications/{rule}/delete", about="self",
    ),
    Case(
        "POST", "notifications/<int:rule_id>/test", actions.NOTIFICATION_RULE_TRIED, {}, TRIED,
        path="notifications/{rule}/test", about="self",
    ),
    # Reads of source code
    Case("GET", LOG, actions.SOURCE_READ, {}, {"of": "webhooks", "rows": 1}, about=None),
    Case("GET", "v1/notebook/academy/event", actions.SOURCE_READ, {}, {"of": "notebook events", "rows": 1}, about=None),
    Case("GET", "v1/notebook/academy/rejected", actions.SOURCE_READ, {}, {"of": "rejected events", "rows": 2}, about=None),
    Case(
        "GET", "v1/assignment/task/<int:task_id>", actions.SOURCE_READ, {}, {"of": "task", "task": ANY},
        path="v1/assignment/task/{task}",
    ),
    Case(
        "GET", "assignment/<key:key>/learner/<int:user_id>", actions.SOURCE_READ, {}, {"of": KEY},
        path=f"assignment/{KEY}/learner/{{owner}}",
    ),
    Case(
        "GET", "learner/<int:user_id>/telemetry/<key:slug>", actions.SOURCE_READ, {}, {"of": "intro"},
        path="learner/{owner}/telemetry/intro",
    ),
    Case("GET", "telemetry/webhook/<int:webhook_id>", actions.SOURCE_READ, {}, {"of": ANY}, path="telemetry/webhook/{webhook}"),
    Case(
        "GET", "telemetry/webhook/<int:webhook_id>/payload", actions.SOURCE_READ, {}, {"of": ANY},
        path="telemetry/webhook/{webhook}/payload",
    ),
    Case("GET", "telemetry/rejected", actions.SOURCE_READ, {}, {"of": "rejected events"}, about=None),
]  # fmt: skip

# Unsafe requests that are no actions of staff, each with the reason.
NOT_RECORDED = {
    ("POST", "v1/auth/login"): "one's own session",
    ("POST", "sign-in"): "one's own session",
    ("POST", "sign-in/second"): "one's own session",
    ("POST", "sign-in/passkey"): "only asks the browser",
    ("POST", "account/passkey/make"): "only asks the browser",
    ("POST", "password/forgotten"): "anybody may ask for a link, which changes nothing",
    ("POST", "sign-out"): "one's own session",
    ("POST", "language"): "how one reads pages",
    ("POST", "theme"): "how one reads pages",
    ("POST", "admin"): "leads on",
    ("POST", "docs/"): "leads on",
    ("PUT", "v1/me/consent"): "a learner's own choice, stored with its time",
    ("POST", "me/consent"): "a learner's own choice, stored with its time",
    ("POST", "v1/me/help-request"): "a learner's own hand, stored with its time",
    ("DELETE", "v1/me/help-request"): "a learner's own hand, stored with its time",
    ("POST", "me/hand"): "a learner's own hand, stored with its time",
    ("POST", IMPORT): "only checks a file, and shows what it would change",
    ("POST", f"{IMPORT}/<int:import_id>/apply"): "recorded by the worker that does it (test_roster_jobs)",
    ("POST", f"{IMPORT}/<int:import_id>/undo"): "recorded by the worker that does it (test_roster_jobs)",
    ("DELETE", f"{IMPORT}/<int:import_id>"): "forgets a file that has changed nothing",
    ("POST", "people/import"): "only checks a file, and shows what it would change",
    ("POST", "people/import/<int:job_id>/apply"): "recorded by the worker that does it (test_roster_jobs)",
    ("POST", "people/import/<int:job_id>/undo"): "recorded by the worker that does it (test_roster_jobs)",
    ("POST", "people/import/<int:job_id>/drop"): "forgets a file that has changed nothing",
}
# Recorded too, with tests of their own below.
BY_THEMSELVES = {
    ("POST", "password/choose"), ("POST", "account/passkey/add"), ("POST", "invitation/<str:token>"),
    ("POST", "people/<int:user_id>/merge"), ("POST", "people/merge/<int:number>/undo"),
    # test_first_setup.py, test_connect.py, test_sample_data.py
    ("POST", "set-up"), ("POST", "set-up/academy"), ("POST", "connect/key"), ("POST", "connect/sample"),
}  # fmt: skip
# Tables of staff's pages: each is a file that is loaded.
TABLES = {
    "class": "class", "assignments": "assignments", "assignment/<key:key>": f"assignment/{KEY}",
    "assignment/<key:key>/learner/<int:user_id>": f"assignment/{KEY}/learner/{{owner}}", "telemetry": "telemetry",
    "telemetry/webhooks": "telemetry/webhooks", "telemetry/rejected": "telemetry/rejected", "learners": "learners",
    "learner/<int:user_id>": "learner/{owner}", "assets": "assets", "asset/<key:slug>": "asset/intro", "audit": "audit",
    "people": "people", "people/due-dates": "people/due-dates",
}  # fmt: skip


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any], str]]:
    for entry in resolver.url_patterns:
        path = prefix + re.sub(r"^\^|\\Z|\$$|/\?\$$", "", str(entry.pattern))
        if isinstance(entry, URLPattern):
            yield path, entry.callback, entry.name or ""
        else:
            yield from patterns(entry, path)


def unsafe_routes() -> set[tuple[str, str]]:
    """Every (method, pattern) that can change something, but the administration's."""
    found = set()
    for pattern, view, _name in patterns(get_resolver()):
        if pattern.startswith("admin/"):
            continue
        if (handler := getattr(view, "cls", None)) is not None:
            methods = {method for method in ("POST", "PUT", "PATCH", "DELETE") if hasattr(handler, method.lower())}
        else:
            path = "/" + re.sub(r"<int:\w+>", "1", re.sub(r"<(?:str|key|path):\w+>", "x", pattern))
            methods = {"POST"} if Client().post(path).status_code != 405 else set()
        found |= {(method, pattern) for method in methods}
    return found


def the_entry(action: Action) -> AuditEntry:
    entries = list(AuditEntry.objects.select_related("values"))
    assert [entry.action for entry in entries] == [action.slug]
    return entries[0]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_action_leaves_one_entry_with_before_and_after(scene: Scene, case: Case) -> None:
    if case.pattern.startswith("assignment/") and case.method == "GET":
        Code.objects.create(academy=scene.cast.academy, hash="a" * 64, text="print(1)")
        AcademySettings.objects.create(academy=scene.cast.academy, notebook_features={"collect_source": True})
    answer = case.send(scene)
    assert answer.status_code < 400, getattr(answer, "content", b"")
    entry = the_entry(case.action)
    cast = scene.cast
    about = {"owner": cast.owner.pk, "self": cast.colleague.pk, "new": entry.object_id, None: None}
    assert entry.actor_id == (cast.owner if case.by_owner else cast.colleague).pk
    assert entry.academy_id == (None if case.by_owner else cast.academy.pk)
    assert entry.subject_id == about[case.about]
    assert entry.door == ("api" if case.is_api else "page")
    assert (entry.values.before or {}, entry.values.after or {}) == (case.before, case.after)
    assert digest_of(entry, entry.values) == entry.digest or entry.values.salt is None
    if case.action is not actions.DATA_ERASED:
        assert entry.values.address == "127.0.0.1"
        assert entry.values.actor_name == ("ada" if case.by_owner else "grace")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["v1/me/export", "me/export"])
def test_an_export_leaves_one_entry(scene: Scene, path: str) -> None:
    answer = Case("GET", path, actions.DATA_EXPORTED, {}, {}, by_owner=True).send(scene)
    assert answer.status_code == 200
    answer.close()
    entry = the_entry(actions.DATA_EXPORTED)
    assert entry.actor_id == entry.subject_id == scene.cast.owner.pk
    assert entry.door == ("api" if path.startswith("v1/") else "page")


@pytest.mark.django_db
def test_a_password_that_is_chosen_by_a_link_leaves_an_entry_without_an_actor(cast: Cast) -> None:
    link = {"user": str(cast.owner.pk), "token": default_token_generator.make_token(cast.owner)}
    Client().post("/password/choose", {**link, "new": NEW_PASSWORD, "again": NEW_PASSWORD})
    entry = the_entry(actions.PASSWORD_CHANGED)
    assert (entry.actor_id, entry.subject_id, entry.door) == (None, cast.owner.pk, "page")
    assert (entry.values.actor_name, entry.values.address) == (None, "127.0.0.1")


@pytest.mark.django_db
def test_an_invitation_that_is_accepted_leaves_one_entry(scene: Scene) -> None:
    an_invitation(scene)
    new = {"username": "lina", "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert Client().post("/invitation/token", new).status_code == 302
    entry = the_entry(actions.INVITATION_USED)
    assert (entry.academy_id, entry.object_id) == (scene.cast.academy.pk, scene.ids["invitation"])
    assert entry.values.after == {"user": entry.subject_id, "role": "teacher", "cohorts": []}


@pytest.mark.django_db
def test_a_merge_on_a_page_and_its_undo_leave_one_entry_each(scene: Scene) -> None:
    other = make_user("ada.l", "student", scene.cast.academy)
    client = Client()
    client.force_login(scene.cast.colleague)
    client.post(f"/people/{scene.cast.owner.pk}/merge", {"other": "ada.l"})
    entry = the_entry(actions.USERS_MERGED)
    both = {"merged": other.pk, "into": scene.cast.owner.pk}
    assert (entry.actor_id, entry.subject_id, entry.values.after) == (scene.cast.colleague.pk, both["into"], both)
    client.post(f"/people/merge/{entry.object_id}/undo")
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "users.merged",
        "users.separated",
    ]


@pytest.mark.django_db
def test_a_passkey_that_is_added_leaves_an_entry(cast: Cast) -> None:
    scene = Scene(cast)
    given = confirmed(scene)
    client = Client()
    client.force_login(cast.owner)
    challenge = client.post("/account/passkey/make").json()["publicKey"]["challenge"]
    answer = client.post("/account/passkey/add", {"answer": made_passkey(challenge), "name": "Phone", **given})
    assert answer.status_code == 200
    entry = the_entry(actions.SECOND_FACTOR_ADDED)
    assert (entry.actor_id, entry.subject_id) == (cast.owner.pk, cast.owner.pk)
    assert entry.values.after == {"factor": "passkey", "passkey": Passkey.objects.get().pk}


def made_passkey(challenge: str) -> str:
    """What a browser answers that has made a passkey."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    made = AttestedCredentialData.create(b"\0" * 16, b"a passkey", key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    proof = AuthenticatorData.create(sha256(b"testserver").digest(), flags, 0, made)
    told = CollectedClientData.create(CollectedClientData.TYPE.CREATE, challenge, "http://testserver")
    response = {
        "clientDataJSON": websafe_encode(told),
        "attestationObject": websafe_encode(AttestationObject.create("none", proof, {})),
    }
    number = websafe_encode(b"a passkey")
    return json.dumps({"id": number, "rawId": number, "type": "public-key", "response": response})


@pytest.mark.parametrize("case", [case for case in CASES if case.action.kind is Kind.CHANGE], ids=str)
def test_an_action_that_changes_nothing_more_leaves_no_entry(scene: Scene, case: Case) -> None:
    case.send(scene)
    seen = AuditEntry.objects.count()
    if not case.each_time:
        case.send(scene)
        assert AuditEntry.objects.count() == seen == 1


@pytest.mark.parametrize("case", [case for case in CASES if case.action.kind is not Kind.READ], ids=str)
def test_an_action_is_recorded_in_the_transaction_that_carries_it_out(
    scene: Scene, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test itself is a transaction, so that only a deeper one is the action's."""
    here = len(connection.savepoint_ids)
    depths = []
    was = AuditEntry.save

    def save(entry: AuditEntry, **options: Any) -> None:
        depths.append(len(connection.savepoint_ids))
        was(entry, **options)

    monkeypatch.setattr(AuditEntry, "save", save)
    case.send(scene)
    # One for the entry with its values, and at least one around it.
    assert depths
    assert min(depths) >= here + 2


@pytest.mark.parametrize("pattern", TABLES)
def test_a_table_that_staff_loads_leaves_one_entry(scene: Scene, pattern: str) -> None:
    client = Client()
    client.force_login(scene.cast.colleague)
    path = TABLES[pattern].format(**scene.ids)
    answer = client.get(f"/{path}?format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    entry = the_entry(actions.TABLE_EXPORTED)
    assert entry.values.after == {"file": ANY, "address": f"/{path}?format=csv"}
    assert entry.values.after["file"].endswith(".csv")
    assert entry.subject_id == (scene.cast.owner.pk if "<int:user_id>" in pattern else None)


@pytest.mark.django_db
def test_every_unsafe_route_has_a_case_or_a_reason() -> None:
    with_a_case = {(case.method, case.pattern) for case in CASES if case.method != "GET"}
    unsafe = unsafe_routes()
    assert unsafe - with_a_case - set(NOT_RECORDED) - BY_THEMSELVES == set()
    assert with_a_case | set(NOT_RECORDED) | BY_THEMSELVES <= unsafe


def test_every_form_that_is_posted_leads_to_a_case_or_a_reason() -> None:
    names = {name: pattern for pattern, _view, name in patterns(get_resolver()) if name}
    posted = {
        pattern
        for _method, pattern in [*NOT_RECORDED, *BY_THEMSELVES, *((case.method, case.pattern) for case in CASES)]
    }
    forms = 0
    for template in (CHECKOUT / "learntrace" / "dashboard" / "templates").rglob("*.html"):
        for form in re.findall(r"<form[^>]*method=\"post\"[^>]*>", template.read_text(encoding="utf-8")):
            forms += 1
            named = re.search(r"{% url '([\w-]+)'", form)
            # A form without an address is sent to its own page, which is an unsafe route.
            assert named is None or names[named[1]] in posted, f"{template.name}: {form}"
    assert forms > 10


def test_every_page_with_a_table_has_a_case() -> None:
    pages = set()
    for template in (CHECKOUT / "learntrace" / "dashboard" / "templates").rglob("*.html"):
        if "format='csv'" in template.read_text(encoding="utf-8") and template.parent.name != "components":
            pages.add(template.parent.name)
    covered = {path.split("/")[0].split("?")[0] for path in TABLES.values()}
    folders = {"classroom": "class", "my_learning": "", "assignments": "assignments", "health": "telemetry"}
    assert {folders.get(page, page) for page in pages} - {""} <= covered


# Recorded elsewhere than by a request, with tests below and in those of the commands and of the administration.
BY_OTHER_WAYS = {
    actions.DATA_EXPORTED,
    actions.TABLE_EXPORTED, actions.ROSTER_IMPORTED, actions.TOKEN_MADE, actions.TOKEN_REVOKED, actions.COMMAND_RUN,
    actions.ROW_ADDED, actions.ROW_CHANGED, actions.ROW_DELETED, actions.USERS_MERGED, actions.USERS_SEPARATED,
    actions.COHORT_LIMIT_CHANGED, actions.UNLOCKED, actions.SETUP_CODE_MADE, actions.INSTALLATION_SET_UP, actions.ACADEMY_MADE,
    actions.SAMPLE_PUT_IN, actions.SAMPLE_TAKEN_OUT,
    actions.ROSTER_UNDONE, actions.INVITATION_USED,
}  # fmt: skip


def test_every_action_of_the_list_has_a_case() -> None:
    assert {case.action for case in CASES} | BY_OTHER_WAYS == set(ACTIONS)
    declared = {value for value in vars(actions).values() if isinstance(value, Action)}
    assert declared == set(ACTIONS)
