"""A walk of every route with everybody: who may, and that nothing of one academy is in an answer to another.

The walk is derived from the url table: a route that isn't in ROUTES or OPEN fails it.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from learntrace.accounts.academy_settings import merge_features
from learntrace.accounts.models import Academy, Invitation, Membership, RosterJob, Token, User, key_hash
from learntrace.accounts.people.models import CohortLearner
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.progress.models import Exclusion, FormerStep, StepRename
from learntrace.signals.concerns.of_class import concerns_of_learner
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Notification, NotificationRule, Signal
from tests.integration.kept import kept
from tests.support.builders import (
    NOW,
    Api,
    Cast,
    Response,
    make_asset,
    make_assignment,
    make_attempts,
    make_cast,
    make_cohort,
    make_notebook,
    make_rejected,
    make_signal,
    make_stored_event,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)

# What only the academy's people may read: it stands in everything that the owner and the academy have.
SECRET = "downtown-secret"
FOREIGN = "elsewhere-secret"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """A method of a route, the status that each person gets, and what `path` and `body` are made from."""

    method: str
    pattern: str
    path: str
    owner: int
    colleague: int
    stranger: int
    intruder: int
    nobody: int = 401
    body: Any = None
    # The fields that a refusal may name, where what is sent is at fault.
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def own(method: str, pattern: str, path: str, **expected: Any) -> Route:
    """A route of one's own things."""
    statuses = {"owner": 200, "colleague": 404, "stranger": 404, "intruder": 404}
    return Route(method, pattern, path, **{**statuses, **expected})


def staff(method: str, pattern: str, path: str, **expected: Any) -> Route:
    """A route of an academy's staff: the learner may not, and the stranger only in the own academy."""
    statuses = {"owner": 403, "colleague": 200, "stranger": 404, "intruder": 403}
    return Route(method, pattern, path, **{**statuses, **expected})


# owner: the learner whose things they are; colleague: staff of the same academy; stranger: staff of another academy,
# naming that one; intruder: the same, naming the owner's.
TASK = "v1/assignment/task/<int:task_id>"
MY_TASK = "v1/assignment/user/me/task/<int:task_id>"
TELEMETRY = "v1/assignment/academy/asset/<str:slug>/user/<int:user_id>/telemetry"
LOG = "v1/assignment/academy/learnpack/webhook"
RULES = "v1/assignment/academy/learnpack/telemetry-webhook-ignore"
ASSETS = "v1/registry/academy/asset"
EVENTS = "v1/notebook/academy/event"
REJECTED = "v1/notebook/academy/rejected"
NOTEBOOKS = "v1/notebook/academy/notebook"
CONSENT = "v1/me/consent"
EXPORT = "v1/me/export"
DATA = "v1/me/data"
TOKENS = "v1/auth/user/me/token"
PASSWORD = "v1/auth/user/me/password"
ACCESS = "v1/auth/academy/access"
PROGRESS = "v1/progress/academy"
STANDINGS = f"{PROGRESS}/assignment/<path:tag>/learner"
EXCLUSIONS = f"{PROGRESS}/exclusion"
RENAMES = f"{PROGRESS}/step-rename"
SIGNALS = "v1/signal/academy/signal"
CONCERNS = "v1/signal/academy/concern"
CONCERN = f"{CONCERNS}/<int:concern_id>"
DUE_DATES = "v1/assignment/academy/due-date"
DUE_DATE = f"{DUE_DATES}/<int:due_date_id>"
EXTENSION = f"{DUE_DATE}/extension/<int:user_id>"
MEMBERS = "v1/auth/academy/member"
MEMBER = f"{MEMBERS}/<int:user_id>"
PLACE = f"{MEMBER}/cohort/<int:cohort_id>"
INVITATIONS = "v1/auth/academy/invitation"
INVITATION = f"{INVITATIONS}/<int:invitation_id>"
IMPORTS = "v1/auth/academy/roster-import"
IMPORT = f"{IMPORTS}/<int:import_id>"
HANDS = "v1/signal/academy/help-request"
HAND = f"{HANDS}/<int:help_request_id>"
MY_HAND = "v1/me/help-request"
DIAGNOSIS = "v1/diagnosis/academy/telemetry"
NOTICES = "v1/signal/academy/notification"
NOTICE_RULES = "v1/signal/academy/notification-rule"
NOTICE_RULE = f"{NOTICE_RULES}/<int:rule_id>"
CHAT = {"channel": "chat", "target": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"}
PUBLICATION = {"path": "x.ipynb", "assignments": []}
ROUTES = [
    own("GET", "v1/auth/user/me", "/v1/auth/user/me", colleague=200, stranger=200, intruder=200),
    staff("GET", "v1/auth/academy/settings", "/v1/auth/academy/settings", stranger=200),
    staff("PUT", "v1/auth/academy/settings", "/v1/auth/academy/settings", stranger=200, body={}),
    staff("GET", "v1/auth/academy/audit", "/v1/auth/academy/audit", stranger=200),
    own("GET", TASK, "/v1/assignment/task/{task}", colleague=200),
    own("GET", MY_TASK, "/v1/assignment/user/me/task/{task}"),
    own(
        "GET", "v1/assignment/user/me/task", "/v1/assignment/user/me/task", colleague=200, stranger=200, intruder=200
    ),
    staff("POST", TELEMETRY, "/v1/assignment/academy/asset/{slug}/user/{owner}/telemetry", body={}),
    staff("PUT", TELEMETRY, "/v1/assignment/academy/asset/{slug}/user/{owner}/telemetry", body={}),
    staff("GET", LOG, f"/{LOG}", stranger=200),
    staff("DELETE", LOG, f"/{LOG}?status=ERROR", colleague=204, stranger=204),
    staff("DELETE", f"{LOG}/<int:webhook_id>", f"/{LOG}/{{webhook}}", colleague=204),
    staff("GET", RULES, f"/{RULES}", stranger=200),
    staff("PUT", RULES, f"/{RULES}", stranger=200, body={}),
    staff("GET", ASSETS, f"/{ASSETS}", stranger=200),
    staff("GET", f"{ASSETS}/<str:name>", f"/{ASSETS}/{{slug}}"),
    staff("GET", f"{ASSETS}/<str:name>", f"/{ASSETS}/{{asset}}"),
    staff(
        "PUT", f"{ASSETS}/<str:slug>/action/<str:action>", f"/{ASSETS}/{{slug}}/action/sync_telemetry_stats"
    ),
    staff("GET", EVENTS, f"/{EVENTS}", stranger=200),
    staff("GET", REJECTED, f"/{REJECTED}", stranger=200),
    staff("POST", f"{REJECTED}/<int:rejected_id>/retry", f"/{REJECTED}/{{rejected}}/retry", colleague=400),
    staff("GET", NOTEBOOKS, f"/{NOTEBOOKS}", stranger=200),
    staff("GET", f"{NOTEBOOKS}/<str:slug>", f"/{NOTEBOOKS}/{{notebook}}"),
    # A slug is one asset's, whoever's: another academy is told to take another one.
    staff("PUT", f"{NOTEBOOKS}/<str:slug>", f"/{NOTEBOOKS}/{{notebook}}", stranger=400, body=PUBLICATION),
    staff("GET", f"{PROGRESS}/assignment", f"/{PROGRESS}/assignment", stranger=200),
    staff("GET", STANDINGS, f"/{PROGRESS}/assignment/{{slug}}/learner"),
    staff(
        "GET", f"{STANDINGS}/<int:user_id>/attempt", f"/{PROGRESS}/assignment/{{slug}}/learner/{{owner}}/attempt"
    ),
    staff("GET", f"{PROGRESS}/assignment/<path:tag>/error", f"/{PROGRESS}/assignment/{{slug}}/error"),
    staff("GET", f"{PROGRESS}/error", f"/{PROGRESS}/error", stranger=200),
    staff("GET", f"{PROGRESS}/learner", f"/{PROGRESS}/learner", stranger=200),
    staff("GET", f"{PROGRESS}/learner/<int:user_id>", f"/{PROGRESS}/learner/{{owner}}"),
    staff("GET", f"{PROGRESS}/asset", f"/{PROGRESS}/asset", stranger=200),
    staff("GET", f"{PROGRESS}/cohort", f"/{PROGRESS}/cohort", stranger=200),
    staff("GET", EXCLUSIONS, f"/{EXCLUSIONS}", stranger=200),
    # What the stranger excludes is of nobody whom that academy knows.
    staff("POST", EXCLUSIONS, f"/{EXCLUSIONS}", colleague=400, stranger=400, body={}),
    staff("DELETE", f"{EXCLUSIONS}/<int:exclusion_id>", f"/{EXCLUSIONS}/{{exclusion}}"),
    staff("GET", f"{PROGRESS}/former-step", f"/{PROGRESS}/former-step", stranger=200),
    staff("POST", RENAMES, f"/{RENAMES}", colleague=400, stranger=400, body={}),
    staff("DELETE", f"{RENAMES}/<int:rename_id>", f"/{RENAMES}/{{rename}}"),
    staff("GET", SIGNALS, f"/{SIGNALS}", stranger=200),
    staff("GET", f"{SIGNALS}/<int:signal_id>", f"/{SIGNALS}/{{signal}}"),
    staff("PUT", f"{SIGNALS}/<int:signal_id>", f"/{SIGNALS}/{{signal}}", body={"state": "acknowledged"}),
    staff("GET", CONCERNS, f"/{CONCERNS}", stranger=200),
    staff("POST", CONCERNS, f"/{CONCERNS}", stranger=200, body={"concerns": [1], "act": "acknowledge"}),
    staff("GET", CONCERN, f"/{CONCERNS}/{{concern}}"),
    staff("POST", CONCERN, f"/{CONCERNS}/{{concern}}", body={"act": "acknowledge"}),
    staff("GET", HANDS, f"/{HANDS}", stranger=200),
    staff("GET", HAND, f"/{HANDS}/{{hand}}"),
    staff("POST", HAND, f"/{HANDS}/{{hand}}", body={"act": "help"}),
    own("GET", MY_HAND, f"/{MY_HAND}", colleague=403, stranger=403, intruder=403),
    own("POST", MY_HAND, f"/{MY_HAND}", colleague=403, stranger=403, intruder=403, body={}),
    own("DELETE", MY_HAND, f"/{MY_HAND}", colleague=403, stranger=403, intruder=403),
    staff("GET", DUE_DATES, f"/{DUE_DATES}", stranger=200),
    staff("PUT", DUE_DATES, f"/{DUE_DATES}", colleague=400, stranger=400, body={}, fields=("cohort", "asset", "due_at")),
    staff("DELETE", DUE_DATE, f"/{DUE_DATES}/{{due_date}}", colleague=204),
    staff("PUT", EXTENSION, f"/{DUE_DATES}/{{due_date}}/extension/{{owner}}", body={"due_at": "2099-01-01T00:00:00Z"}),
    staff("DELETE", EXTENSION, f"/{DUE_DATES}/{{due_date}}/extension/{{owner}}", colleague=204),
    staff("GET", MEMBERS, f"/{MEMBERS}", stranger=200),
    staff("POST", MEMBERS, f"/{MEMBERS}", colleague=400, stranger=400, body={}, fields=("username",)),
    staff("GET", MEMBER, f"/{MEMBERS}/{{owner}}"),
    staff("PUT", MEMBER, f"/{MEMBERS}/{{owner}}", body={"last_name": "Lovelace"}),
    staff("PUT", f"{MEMBER}/role", f"/{MEMBERS}/{{owner}}/role", body={"role": "student"}),
    staff("PUT", f"{MEMBER}/archived", f"/{MEMBERS}/{{owner}}/archived", body={"archived": False}),
    staff("PUT", PLACE, f"/{MEMBERS}/{{owner}}/cohort/{{cohort}}"),
    staff("DELETE", PLACE, f"/{MEMBERS}/{{owner}}/cohort/{{cohort}}"),
    staff("GET", INVITATIONS, f"/{INVITATIONS}", stranger=200),
    staff("POST", INVITATIONS, f"/{INVITATIONS}", colleague=201, stranger=201, body={}),
    staff("DELETE", INVITATION, f"/{INVITATIONS}/{{invitation}}", colleague=204),
    staff("GET", IMPORTS, f"/{IMPORTS}", stranger=200),
    # A file is sent as a form, and not as JSON.
    staff("POST", IMPORTS, f"/{IMPORTS}", colleague=415, stranger=415, body={}),
    staff("GET", IMPORT, f"/{IMPORTS}/{{import}}"),
    staff("GET", f"{IMPORT}/change", f"/{IMPORTS}/{{import}}/change"),
    staff("POST", f"{IMPORT}/apply", f"/{IMPORTS}/{{import}}/apply", colleague=202, body={"fingerprint": "f"}),
    staff("POST", f"{IMPORT}/undo", f"/{IMPORTS}/{{import}}/undo", colleague=409),
    staff("DELETE", IMPORT, f"/{IMPORTS}/{{import}}", colleague=204),
    staff("GET", DIAGNOSIS, f"/{DIAGNOSIS}?task={{task}}"),
    staff("GET", DIAGNOSIS, f"/{DIAGNOSIS}?user={{owner}}&asset={{asset}}", stranger=200),
    # A rule is its owner's alone: the colleague's.
    staff("GET", NOTICES, f"/{NOTICES}", stranger=200),
    staff("GET", NOTICE_RULES, f"/{NOTICE_RULES}", stranger=200),
    staff("POST", NOTICE_RULES, f"/{NOTICE_RULES}", colleague=201, stranger=201, body=CHAT),
    staff("GET", NOTICE_RULE, f"/{NOTICE_RULES}/{{rule}}"),
    staff("PUT", NOTICE_RULE, f"/{NOTICE_RULES}/{{rule}}", body={"active": False}),
    staff("DELETE", NOTICE_RULE, f"/{NOTICE_RULES}/{{rule}}", colleague=204),
    staff("POST", f"{NOTICE_RULE}/test", f"/{NOTICE_RULES}/{{rule}}/test"),
    # Whatever academy is named: all of one's own, and nothing else.
    own("GET", EXPORT, f"/{EXPORT}", colleague=200, stranger=200, intruder=200),
    own("DELETE", DATA, f"/{DATA}", owner=202, colleague=202, stranger=202, intruder=202),
    own("POST", f"{DATA}/keep", f"/{DATA}/keep", owner=204, colleague=204, stranger=204, intruder=204),
    own("GET", TOKENS, f"/{TOKENS}", colleague=200, stranger=200, intruder=200),
    own("DELETE", f"{TOKENS}/<int:token_id>", f"/{TOKENS}/{{token}}", owner=204, colleague=404, stranger=404, intruder=404),
    own(
        "PUT", PASSWORD, f"/{PASSWORD}", owner=400, colleague=400, stranger=400, intruder=400, body={},
        fields=("current_password", "new_password"),
    ),
    own("POST", "v1/auth/logout", "/v1/auth/logout", owner=204, colleague=204, stranger=204, intruder=204),
    staff("GET", ACCESS, f"/{ACCESS}", stranger=200),
    staff("PUT", ACCESS, f"/{ACCESS}", stranger=200, body={"second_factor": False}),
    own("GET", CONSENT, f"/{CONSENT}", colleague=200, stranger=200, intruder=403),
    own("PUT", CONSENT, f"/{CONSENT}", colleague=200, stranger=200, intruder=403, body={"collecting": True}),
]  # fmt: skip

# Open to everybody; the academy's private assets must not be there either.
OPEN = {
    "v1/auth/login": "/v1/auth/login/",
    "v1/registry/asset": "/v1/registry/asset",
    "v1/registry/asset/<str:name>": "/v1/registry/asset/{slug}",
}
# Pages of one thing, and forms about several: tests/integration/dashboard/test_scope.py walks them.
PAGES_OF_ONE = {
    "asset/<key:slug>", "asset/<key:slug>/action/<str:action>",
    "concerns", "concerns/hand", "concerns/undo", "assignment/<key:key>", "assignment/<key:key>/learner/<int:user_id>",
    "assignment/<key:key>/learner/<int:user_id>/exclude", "assignment/<key:key>/learner/<int:user_id>/read",
    "assignment/<key:key>/exclude",
    "exclusion/<int:exclusion_id>/lift", "asset/<key:slug>/rename",
    "learner/<int:user_id>", "learner/<int:user_id>/telemetry/<key:slug>", "telemetry/webhook/<int:webhook_id>",
    "telemetry/webhook/<int:webhook_id>/payload", "telemetry/webhook/<int:webhook_id>/retry",
    "telemetry/webhook/<int:webhook_id>/delete", "telemetry/rejected/<int:rejected_id>/retry",
    # tests/integration/accounts/test_academy_keys.py, tests/integration/dashboard/test_settings.py
    "keys/<int:token_id>", "keys/make", "keys/rotate", "keys/end",
    "settings/<str:slug>", "settings/<str:slug>/change", "notifications/save",
    "notifications/<int:rule_id>/switch", "notifications/<int:rule_id>/delete", "notifications/<int:rule_id>/test",
    # tests/integration/dashboard/test_people.py, test_reports.py, tests/integration/accounts/roster/test_roster_jobs.py
    "people/invitation/<int:invitation_id>/revoke", "people/import/<int:job_id>", "people/import/<int:job_id>/apply",
    "people/import/<int:job_id>/undo", "people/import/<int:job_id>/drop", "people/cohort/<int:cohort_id>",
    "people/cohort/<int:cohort_id>/archive", "people/cohort/<int:cohort_id>/learners",
    "people/due-date/<int:due_date_id>/end", "people/due-date/<int:due_date_id>/extension",
    "people/merge/<int:number>/undo", "people/<int:user_id>", "people/<int:user_id>/change", "people/<int:user_id>/role",
    "people/<int:user_id>/archive", "people/<int:user_id>/cohorts", "people/<int:user_id>/merge", "invitation/<str:token>",
    "reports/mail",
}  # fmt: skip
# Answered before Django, or no data of an academy; each has tests of its own.
ELSEWHERE = {
    "health/live", "health/ready", "metrics", "openapi.json", "docs", "docs/", "admin", "sign-in", "sign-out", "language",
    "favicon.ico", "theme", "", "status", "me/hand", "me/consent", "me/export", "me/keep", *PAGES_OF_ONE,
    # tests/integration/dashboard/test_account.py, tests/integration/accounts/test_passwords.py and test_tokens.py
    "account/name",
    "account/session/end", "account/key/end", "account/key/make", "account/password", "account/app", "account/app/remove",
    "account/passkey/make", "account/passkey/add", "account/passkey/remove", "account/codes", "account/academy",
    "password/forgotten", "password/choose", "sign-in/second", "sign-in/passkey",
    # tests/integration/accounts/test_first_setup.py, dashboard/test_connect.py, config/test_sample_data.py
    "set-up", "set-up/academy", "connect/key", "connect/sample",
}  # fmt: skip
# Pages, for who has signed in, of the academy that `?academy=` names.
PAGES = {
    "class",
    "connect",
    "assets",
    "assignments",
    "learners",
    "search",
    "search/suggest",
    "keys",
    "settings",
    "notifications",
    "diagnosis",
    "telemetry",
    "telemetry/webhooks",
    "telemetry/webhooks/delete",
    "telemetry/webhooks/retry",
    "telemetry/rejected",
    "telemetry/ignore",
    "audit",
    "people",
    "people/add",
    "people/invitations",
    "people/import",
    "people/cohorts",
    "people/due-dates",
    "reports",
    "reports/cohorts",
    "me",
    "me/stored",
    "me/erase",
    "account",
}


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for entry in resolver.url_patterns:
        path = prefix + re.sub(r"^\^|\\Z|\$$|/\?\$$", "", str(entry.pattern))
        if isinstance(entry, URLPattern):
            yield path, entry.callback
        else:
            yield from _patterns(entry, path)


def _api_routes() -> dict[str, Callable[..., Any]]:
    return {path: view for path, view in _patterns(get_resolver()) if path.startswith("v1/")}


def _methods(view: Any) -> set[str]:
    """The methods that a view really answers."""
    handled = getattr(view.cls, "capabilities", None) or [name for name in METHODS if hasattr(view.cls, name.lower())]
    return set(handled) - {"HEAD"}


@dataclass(frozen=True)
class Scene:
    """The cast, and the values of {names} in paths."""

    cast: Cast
    values: dict[str, Any]


cast = kept(make_cast)


def make_elsewhere(cast: Cast) -> Signal:
    """Make the same in the other academy, and return its signal."""
    foreign = make_asset(FOREIGN, academy=cast.elsewhere, visibility="PRIVATE")
    make_task(cast.strange_learner, FOREIGN)
    make_telemetry(cast.strange_learner, FOREIGN)
    make_webhook(cast.strange_learner, asset=foreign, payload={"slug": FOREIGN})
    make_stored_event(cast.strange_learner, cast.elsewhere, about={"notebook": FOREIGN})
    make_rejected(cast.strange_learner, cast.elsewhere, {"id": FOREIGN})
    notebook = make_notebook(f"{FOREIGN}-notebook", cast.elsewhere, f"assignment:{FOREIGN}")
    make_assignment(cast.elsewhere, notebook.asset, f"assignment:{FOREIGN}")
    make_attempts(cast.strange_learner, cast.elsewhere, f"assignment:{FOREIGN}", "x")
    signal = make_signal(cast.strange_learner, cast.elsewhere, assignment=f"assignment:{FOREIGN}", asset_slug=FOREIGN)
    merge_features(cast.elsewhere, {"telemetry_webhook_ignore": {"package_slugs": [FOREIGN]}})
    return signal


@kept
def scene(cast: Cast) -> Scene:
    asset = make_asset(SECRET, academy=cast.academy, visibility="PRIVATE")
    task = make_task(cast.owner, SECRET, cohort=make_cohort(SECRET, cast.academy))
    make_telemetry(cast.owner, SECRET)
    webhook = make_webhook(cast.owner, asset=asset, status="ERROR", payload={"slug": SECRET})
    merge_features(cast.academy, {"telemetry_webhook_ignore": {"package_slugs": [SECRET]}})
    make_stored_event(cast.owner, cast.academy, about={"notebook": SECRET})
    rejected = make_rejected(cast.owner, cast.academy, {"id": SECRET}, event_id=SECRET)
    notebook = make_notebook(f"{SECRET}-notebook", cast.academy, f"assignment:{SECRET}")
    make_assignment(cast.academy, notebook.asset, f"assignment:{SECRET}")
    make_attempts(cast.owner, cast.academy, f"assignment:{SECRET}", "xx-")
    signal = make_signal(cast.owner, cast.academy, assignment=f"assignment:{SECRET}", asset_slug=SECRET)
    strange_signal = make_elsewhere(cast)
    rule = NotificationRule.objects.create(user=cast.colleague, academy=cast.academy, name=SECRET)
    strange_rule = NotificationRule.objects.create(user=cast.stranger, academy=cast.elsewhere, name=FOREIGN)
    notify(rule, signal)
    notify(strange_rule, strange_signal)
    values = {"task": task.pk, "slug": SECRET, "asset": asset.pk, "owner": cast.owner.pk, "webhook": webhook.pk}
    values["token"] = Token.issue(cast.owner)[0].pk
    FormerStep.objects.create(academy=cast.academy, asset=asset, key=f"{SECRET}/old", published_at=timezone.now())
    rename = StepRename.objects.create(
        academy=cast.academy, asset=asset, old_key=f"{SECRET}/old", new_key=f"{SECRET}/new", read_as=f"{SECRET}/new"
    )
    exclusion = Exclusion.objects.create(academy=cast.academy, user=cast.owner, reason=SECRET)
    values |= {"rename": rename.pk, "exclusion": exclusion.pk}
    # Nobody needs help with what is done, so that a concern is about another assignment.
    make_signal(cast.owner, cast.academy, assignment=f"assignment:{SECRET}-2", asset_slug=SECRET)
    values["concern"] = concerns_of_learner(cast.academy, cast.owner)[0].concern.row.pk
    hand = HelpRequest.objects.create(user=cast.owner, academy=cast.academy, text=SECRET)
    HelpRequest.objects.create(user=cast.strange_learner, academy=cast.elsewhere, text=FOREIGN)
    values["hand"] = hand.pk
    cohort = make_cohort(f"{SECRET}-cohort", cast.academy)
    CohortLearner.objects.create(cohort=cohort, user=cast.owner)
    due = DueDate.objects.create(cohort=cohort, asset=asset, due_at=NOW)
    Extension.objects.create(due_date=due, user=cast.owner, due_at=NOW + timedelta(days=1))
    values |= {"due_date": due.pk, "cohort": make_cohort(f"{SECRET}-empty", cast.academy).pk}
    values["invitation"] = an_invitation(cast.academy, cast.colleague, f"{SECRET}@example.org").pk
    an_invitation(cast.elsewhere, cast.stranger, f"{FOREIGN}@example.org")
    values["import"] = an_import(cast.academy, cast.colleague, SECRET).pk
    an_import(cast.elsewhere, cast.stranger, FOREIGN)
    values |= {"rejected": rejected.pk, "notebook": f"{SECRET}-notebook", "signal": signal.pk, "rule": rule.pk}
    return Scene(cast, values)


def an_invitation(academy: Academy, by: User, email: str) -> Invitation:
    about = {"academy": academy, "made_by": by, "email": email, "role": "teacher"}
    return Invitation.objects.create(**about, token_hash=key_hash(email), expires_at=NOW + timedelta(days=3650))


def an_import(academy: Academy, by: User, name: str) -> RosterJob:
    change = {"line": "2", "order": 2, "section": "users", "about": name, "what": "new", "fields": []}
    about = {"academy": academy, "made_by": by, "file_name": f"{name}.csv", "content": b"username\n"}
    return RosterJob.objects.create(**about, state="ready", preview=[change], fingerprint="f")


def notify(rule: NotificationRule, signal: Signal) -> None:
    Notification.objects.create(
        rule=rule, user=rule.user, academy=rule.academy, signal=signal, destination=str(rule.pk), state="sent"
    )


def speaker(cast: Cast, person: str) -> Api:
    """A client that speaks for one of the people."""
    user, academy = {
        "owner": (cast.owner, cast.academy),
        "colleague": (cast.colleague, cast.academy),
        "stranger": (cast.stranger, cast.elsewhere),
        "intruder": (cast.stranger, cast.academy),
        "nobody": (None, cast.academy),
    }[person]
    return Api(user, academy)


def text_of(answer: Response) -> str:
    """All that an answer tells; of a download what its files do."""
    if not answer.streaming:
        return answer.content.decode()
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


@pytest.mark.parametrize("person", ["owner", "colleague", "stranger", "intruder", "nobody"])
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_who_may_and_what_nobody_sees(scene: Scene, route: Route, person: str) -> None:
    path = route.path.format(**scene.values)
    answer = speaker(scene.cast, person)(route.method, path, route.body)
    assert answer.status_code == getattr(route, person), answer.content
    body = text_of(answer)
    # What the caller itself has put into the address isn't told by us.
    hidden = {FOREIGN} if person in ("owner", "colleague") else {SECRET} if SECRET not in path else set()
    if person == "nobody":
        hidden |= {FOREIGN}
    assert not [secret for secret in hidden if secret in body]
    if answer.status_code >= 400:
        assert set(answer.json()) <= {"detail", "status_code", "slug", *route.fields}


@dataclass(frozen=True)
class Reading:
    """What staff of the academy reads of it while nobody changes anything."""

    api: Api
    pages: dict[str, Any]

    def again(self) -> dict[str, Any]:
        return {path: read(self.api, path) for path in self.pages}


def read(api: Api, path: str) -> Any:
    """An answer without what changes with every minute: a concern's life in words."""
    return without_summaries(api.get(path).json())


def without_summaries(part: Any) -> Any:
    if isinstance(part, list):
        return [without_summaries(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: without_summaries(value) for name, value in part.items() if name not in ("summary", "summaries")}


@kept
def reading(scene: Scene) -> Reading:
    api = speaker(scene.cast, "colleague")
    paths = [f"/{LOG}", f"/{RULES}", f"/{ASSETS}/{SECRET}", f"/v1/assignment/task/{scene.values['task']}"]
    paths += [f"/{EVENTS}", f"/{REJECTED}", f"/{NOTEBOOKS}", f"/{SIGNALS}/{scene.values['signal']}"]
    paths += [f"/{HANDS}", f"/{CONCERNS}", f"/{CONCERNS}/{scene.values['concern']}"]
    return Reading(api, {path: read(api, path) for path in paths})


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method != "GET"], ids=str)
@pytest.mark.parametrize("person", ["stranger", "intruder", "nobody"])
def test_a_stranger_changes_nothing(scene: Scene, reading: Reading, route: Route, person: str) -> None:
    body = {"events": ["*"]} if route.pattern == RULES else route.body
    speaker(scene.cast, person)(route.method, route.path.format(**scene.values), body)
    assert reading.again() == reading.pages


def test_the_walk_knows_every_route_and_method() -> None:
    routes = _api_routes()
    walked = {(route.pattern, route.method) for route in ROUTES}
    closed = {path: _methods(view) for path, view in routes.items() if path not in OPEN}
    expected = {(path, method) for path, methods in closed.items() for method in methods}
    assert walked == expected, "a route is missing in ROUTES, or is one that doesn't exist"
    assert set(OPEN) <= set(routes)


def test_every_other_address_is_accounted_for() -> None:
    rest = {path for path, _view in _patterns(get_resolver()) if not path.startswith(("v1/", "admin/"))}
    assert rest <= ELSEWHERE | PAGES, "say in ROUTES, PAGES or ELSEWHERE who may see the new address"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_is_for_the_academys_people(scene: Scene, page: str) -> None:
    cast = scene.cast
    shown = {}
    for name, user in {"owner": cast.owner, "colleague": cast.colleague, "stranger": cast.stranger}.items():
        client = Client()
        client.force_login(user)
        shown[name] = client.get(f"/{page}?academy={cast.academy.pk}")
        own = client.get(f"/{page}")
        assert (SECRET if name == "stranger" else FOREIGN) not in own.content.decode()
    assert shown["colleague"].status_code == 200
    assert FOREIGN not in shown["colleague"].content.decode() + shown["owner"].content.decode()
    assert shown["stranger"].status_code in (403, 404)
    assert SECRET not in shown["stranger"].content.decode()
    assert "Downtown" not in shown["stranger"].content.decode()
    assert Client().get(f"/{page}?academy={cast.academy.pk}").status_code in (302, 401)


@pytest.mark.parametrize("path", OPEN.values())
def test_what_is_open_shows_nothing_private(scene: Scene, path: str) -> None:
    answer = Api().get(path.format(**scene.values))
    assert FOREIGN not in answer.content.decode()
    if SECRET not in path.format(**scene.values):
        assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pattern", sorted({route.pattern for route in ROUTES}))
def test_other_methods_are_answered_405_once_one_is_known(scene: Scene, pattern: str, method: str) -> None:
    route = next(route for route in ROUTES if route.pattern == pattern)
    allowed = {route.method for route in ROUTES if route.pattern == pattern}
    answer = speaker(scene.cast, "colleague")(method, route.path.format(**scene.values))
    answer.close()  # a download would wait for somebody to read it
    if method in allowed or (method == "HEAD" and "GET" in allowed):
        assert answer.status_code != 405
    else:
        assert answer.status_code == 405
        if method != "HEAD":
            assert answer.json() == {"detail": f'Method "{method}" not allowed.', "status_code": 405}


@pytest.mark.parametrize("pattern", sorted({route.pattern for route in ROUTES}))
def test_options_tells_no_more_than_the_methods(scene: Scene, pattern: str) -> None:
    route = next(route for route in ROUTES if route.pattern == pattern)
    path = route.path.format(**scene.values)
    assert speaker(scene.cast, "nobody")("OPTIONS", path).status_code == 401
    answer = speaker(scene.cast, "stranger")("OPTIONS", path)
    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()


def test_a_membership_that_ended_opens_nothing(scene: Scene) -> None:
    Membership.objects.filter(user=scene.cast.colleague).update(status="INACTIVE")
    api = speaker(scene.cast, "colleague")
    for route in ROUTES:
        if route.owner == 403:
            assert api(route.method, route.path.format(**scene.values), route.body).status_code == 403


def test_a_superuser_of_the_admin_has_no_capability_by_that(scene: Scene) -> None:
    root = make_user("root", is_superuser=True, is_staff=True)
    assert Api(root, scene.cast.academy).get(f"/{LOG}").status_code == 403


def test_the_admin_is_closed(db: None) -> None:
    for path, _view in _patterns(get_resolver()):
        if path.startswith("admin/") and "<" not in path and "(" not in path:
            assert Client().get(f"/{path}").status_code in (200, 302, 404), path
            if Client().get(f"/{path}").status_code == 200:
                assert path in ("admin/login/", "admin/jsi18n/"), path
