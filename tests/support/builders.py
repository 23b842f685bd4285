"""Builders of what tests need, a cast of people of two academies, and a client that speaks for one of them.

Every argument that a test doesn't care about has a default. Ids differ from table to table: a test that mixes up two
of them fails.
"""

import itertools
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from django.http import HttpResponse
from django.test import Client

from learntrace.accounts.models import Academy, Cohort, Membership, Token, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.learnpack.models import Webhook
from learntrace.measures.activity import ABORTED, ERROR, OK, Activity, Failure
from learntrace.notebooks.models import Event, Notebook, NotebookAssignment, RejectedEvent
from learntrace.progress.models import Assignment
from learntrace.progress.recording import activity_store, fold
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity
from learntrace.registry.models import Asset, AssetAlias, TranslationGroup
from learntrace.signals.models import Signal

if TYPE_CHECKING:
    # Django's test client adds json() and more to a response.
    from django.test.client import _MonkeyPatchedWSGIResponse

    Response: TypeAlias = _MonkeyPatchedWSGIResponse
else:
    Response = HttpResponse

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
_numbers = itertools.count(5001)


def _fields(fields: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return {"id": next(_numbers), **defaults, **fields}


def _slug_of(kind: str, slug: str) -> str:
    return slug or f"{kind}-{next(_numbers)}"


def make_academy(slug: str = "", **fields: Any) -> Academy:
    slug = _slug_of("academy", slug)
    return Academy.objects.create(slug=slug, **_fields(fields, name=slug.title()))


def make_user(username: str = "", role: str = "student", *academies: Academy, **fields: Any) -> User:
    """A user with one role in any number of academies."""
    username = _slug_of("user", username)
    password = fields.pop("password", None)
    user = User(username=username, **_fields(fields, email=f"{username}@example.org"))
    if password:
        user.set_password(password)
    user.save(force_insert=True)
    for academy in academies:
        Membership.objects.create(user=user, academy=academy, role=role)
    return user


def make_key(user: User, kind: str = "permanent", **fields: Any) -> str:
    """Issue a token and return its key."""
    return Token.issue(user, kind, **fields)[1]


@dataclass(frozen=True)
class Cast:
    """An academy's learner (whose things they are) and teacher, and another academy's; nobody is in both."""

    academy: Academy
    elsewhere: Academy
    owner: User
    colleague: User
    stranger: User
    strange_learner: User


def make_cast() -> Cast:
    """All of them at once: half of the tests begin with this."""
    academy, elsewhere = Academy.objects.bulk_create(
        Academy(slug=slug, **_fields({}, name=slug.title())) for slug in ("downtown", "elsewhere")
    )
    people = {
        "ada": ("student", academy, "Ada", "Lovelace"),
        "grace": ("admin", academy, "Grace", "Hopper"),
        "sam": ("admin", elsewhere, "Sam", "Stranger"),
        "lee": ("student", elsewhere, "Lee", "Elsewhere"),
    }
    ada, grace, sam, lee = users = User.objects.bulk_create(
        User(username=name, **_fields({}, email=f"{name}@example.org", first_name=first_name, last_name=last_name))
        for name, (_role, _academy, first_name, last_name) in people.items()
    )
    Membership.objects.bulk_create(
        Membership(user=user, academy=home, role=role)
        for user, (role, home, _first, _last) in zip(users, people.values(), strict=True)
    )
    return Cast(academy=academy, elsewhere=elsewhere, owner=ada, colleague=grace, stranger=sam, strange_learner=lee)


def make_asset(slug: str = "", *, aliases: tuple[str, ...] = (), **fields: Any) -> Asset:
    slug = _slug_of("asset", slug)
    asset = Asset.objects.create(slug=slug, **_fields(fields, title=slug.title(), lang="us", graded=False))
    AssetAlias.objects.bulk_create(AssetAlias(slug=alias, asset=asset) for alias in aliases)
    return asset


def make_graded_asset(slug: str = "", *, aliases: tuple[str, ...] = (), **fields: Any) -> Asset:
    return make_asset(slug, aliases=aliases, graded=True, **fields)


def translate(*assets: Asset) -> TranslationGroup:
    """Make assets translations of each other."""
    group = TranslationGroup.objects.create()
    Asset.objects.filter(id__in=[asset.id for asset in assets]).update(translation_group=group)
    return group


def make_translations(**slugs: str) -> list[Asset]:
    """Assets of one group, lang=slug; the first is the canonical one."""
    assets = [make_asset(slug, lang=lang) for lang, slug in slugs.items()]
    translate(*assets)
    for asset in assets:
        asset.refresh_from_db()
    return assets


def make_cohort(slug: str, academy: Academy) -> Cohort:
    return Cohort.objects.create(slug=slug, academy=academy, **_fields({}, name=slug.title()))


def make_task(user: User, slug: str, **fields: Any) -> Task:
    return Task.objects.create(
        user=user, associated_slug=slug, **_fields(fields, title=slug.title(), task_type=Task.Type.EXERCISE)
    )


def make_telemetry(user: User, slug: str, **fields: Any) -> AssignmentTelemetry:
    return AssignmentTelemetry.objects.create(user=user, asset_slug=slug, **_fields(fields, telemetry={"slug": slug}))


def make_webhook(student: User | None, **fields: Any) -> Webhook:
    payload = {"slug": "intro", "user_id": student and student.pk}
    return Webhook.objects.create(
        student=student, **_fields(fields, is_streaming=False, event="batch", payload=payload)
    )


def make_stored_event(user: User, academy: Academy | None, **fields: Any) -> Event:
    """An event as the inbox would have stored it; `about` is put into its object, and a keyword may be any column."""
    about = {"type": "cell", "id": "cell-1", "notebook": "lesson_03.ipynb", **fields.pop("about", {})}
    defaults = {
        "id": uuid.uuid4(),
        "actor": user.username,
        "sender": user,
        "verb": "executed",
        "occurred_at": NOW,
        "object": about,
        "object_id": about["id"],
        "session_id": "session-1",
        "result": {"outcome": "ok"},
    }
    event = Event(user=user, academy=academy, **defaults | fields)
    event.save(force_insert=True)
    return event


def make_rejected(user: User, academy: Academy | None, event: Any, **fields: Any) -> RejectedEvent:
    """An event that was rejected for its verb, unless told otherwise."""
    raw = json.dumps(event)
    defaults = {
        "code": "unknown-verb",
        "detail": "Unknown verb danced",
        "reason_values": {"value": "danced", "known": "executed"},
        "raw": raw,
        "fingerprint": str(hash(raw)),
        "sender": user,
        "user": user,
    }
    return RejectedEvent.objects.create(academy=academy, **_fields(fields, **defaults))


def make_notebook(slug: str, academy: Academy, *tags: str, path: str = "") -> Notebook:
    """A published notebook."""
    asset = make_asset(slug, academy=academy, visibility="PRIVATE")
    notebook = Notebook.objects.create(asset=asset, academy=academy, path=path or f"{slug}.ipynb")
    for position, tag in enumerate(tags):
        NotebookAssignment.objects.create(notebook=notebook, academy=academy, tag=tag, position=position)
    return notebook


def make_assignment(academy: Academy, asset: Asset, key: str, **fields: Any) -> Assignment:
    """An assignment that exists: a published tag, or a package's step."""
    return Assignment.objects.create(academy=academy, asset=asset, key=key, **_fields(fields))


def make_attempts(
    user: User, academy: Academy | None, key: str, outcomes: str, start: datetime = NOW, seconds: int = 60
) -> list[str]:
    """A learner's attempts, with the measures that follow; their ids.

    "-" is a success, "." one that was aborted, " " a cell that was saved; any other letter is the error's type.
    """
    academy_id = academy.pk if academy else None
    activities = [
        _activity(key, letter, start + timedelta(seconds=seconds * place)) for place, letter in enumerate(outcomes)
    ]
    activity_store.insert("test", [LearnerActivity(user.pk, academy_id, activity) for activity in activities])
    fold.fold_anew([AssignmentKey(user.pk, academy_id, key)])
    return [activity.id for activity in activities]


def _activity(key: str, letter: str, at: datetime) -> Activity:
    outcome = {"-": OK, ".": ABORTED, " ": None}.get(letter, ERROR)
    return Activity(
        id=str(uuid.uuid4()),
        at=at,
        arrival=next(_numbers),
        assignment=key,
        verb="executed" if outcome else "saved",
        outcome=outcome,
        session_id="session-1",
        object_id="cell-1",
        failures=(Failure(f"{letter.upper()}Error", "it broke"),) if outcome == ERROR else (),
        code_hash="a" * 64,
    )


def make_signal(user: User, academy: Academy | None, **fields: Any) -> Signal:
    """An open signal: three errors of the same code."""
    defaults = {
        "kind": "consecutive_errors",
        "group": "g",
        "key": str(next(_numbers)),
        "severity": Signal.Severity.HIGH,
        "assignment": "assignment:lesson-03-exercise-1",
        "asset_slug": "lesson-03",
        "count": 3,
        "opened_at": NOW,
        "last_seen_at": NOW,
        "evidence": [str(uuid.uuid4())],
        "facts": {"error": "NameError"},
    }
    signal = Signal.objects.create(user=user, academy=academy, **_fields(fields, **defaults))
    signal.refresh_from_db()
    return signal


class Api:
    """Speaks for a user, in an academy if one is given."""

    def __init__(self, user: User | None = None, academy: Academy | None = None) -> None:
        self.headers = {}
        if user is not None:
            self.headers["Authorization"] = f"Token {make_key(user)}"
        if academy is not None:
            self.headers["Academy"] = str(academy.pk)

    def __call__(self, method: str, path: str, body: Any = None, *, raw: Any = None, **headers: str) -> Response:
        """Send a request; keyword arguments are headers, Accept_Language for Accept-Language."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return Client().generic(
            method, path, content, content_type="application/json", headers={**self.headers, **given}
        )

    def get(self, path: str, **headers: str) -> Response:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        return self("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Response:
        return self("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Response:
        return self("DELETE", path, **headers)
