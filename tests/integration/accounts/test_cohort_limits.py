"""A teacher who is limited to a cohort walks every API route, page and CSV file: nothing of another cohort is there.

The walk takes the routes of `test_scope` and the pages of the dashboard's, so that a new one is walked too. A colleague without
a limit walks beside: what is hidden from one must be there for the other, else the walk would prove nothing.
"""

import io
import json
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from learntrace.accounts.cohort_limits import command
from learntrace.accounts.cohort_limits.changes import LimitRefused, lift_limit, limit_to
from learntrace.accounts.cohort_limits.limit import as_seen_by, seen_learners
from learntrace.accounts.memberships import count_readers
from learntrace.accounts.models import Cohort, Membership, User
from learntrace.accounts.roster.items import RosterError
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.config.commands.roster import import_roster
from learntrace.core.live_events import events_about
from learntrace.core.models import LiveEvent
from learntrace.dashboard.health.overview import health_of
from learntrace.dashboard.health.volume import PERIODS
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.models import Arrival, RejectedEvent
from learntrace.progress.models import Activity, EarlierRun, Exclusion, FormerStep, Progress
from learntrace.signals.concerns.class_turn import ClassTurn
from learntrace.signals.concerns.of_class import concerns_of_learner
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Concern, Notification, NotificationRule, Signal
from learntrace.signals.notifications.claims import claim_next
from learntrace.signals.notifications.delivery import told_now
from learntrace.signals.notifications.queueing import queue_for
from learntrace.signals.stream.rows import Sight, start_of
from tests.integration.accounts.test_scope import (
    CHAT,
    CONCERNS,
    IMPORT,
    IMPORTS,
    INVITATION,
    INVITATIONS,
    MEMBER,
    NOTICE_RULES,
    NOTICES,
    PAGES,
    PLACE,
    PUBLICATION,
    ROUTES,
    RULES,
    TOKENS,
    Route,
    text_of,
)
from tests.integration.accounts.test_scope import notify as notify_of
from tests.integration.dashboard.test_scope import PAGES as PAGES_OF_ONE
from tests.integration.kept import kept
from tests.support.builders import (
    Api,
    Cast,
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

# The two learners do the same on the same asset. These stand in whatever is told of them.
MINE, OTHERS = "mimosa", "ottilie"
IDS = {MINE: 71_717_171, OTHERS: 82_828_282}
SHARED = "shared-lesson"
KEY = f"assignment:{SHARED}"
SETTINGS = "v1/auth/academy/settings"
# What concerns all learners of the academy is refused to who sees some of them.
REFUSED = {RULES, SETTINGS, "v1/progress/academy/step-rename", "v1/progress/academy/step-rename/<int:rename_id>"}
# One's own things, whoever one is.
OWN = {"v1/me/export", "v1/me/consent", f"{TOKENS}/<int:token_id>"}
# Of the academy's admins, who are never limited.
OF_IMPORTS = {IMPORTS, IMPORT, f"{IMPORT}/change", f"{IMPORT}/apply", f"{IMPORT}/undo"}
OF_ADMINS = {"v1/auth/academy/audit", INVITATIONS, INVITATION, *OF_IMPORTS}
# Written by admins only, though others read them.
BY_ADMINS = {f"{MEMBER}/role", f"{MEMBER}/archived", PLACE}
PAGES_OF_ADMINS = {"audit", "keys", "people/add", "people/invitations", "people/import"}
REFUSED_PAGES = {"telemetry/ignore", "settings"}


@dataclass(frozen=True)
class Scene:
    """Two teachers of one academy, one limited to a cohort; what the paths of each learner are made from."""

    cast: Cast
    whole: User
    limited: User
    learners: Mapping[str, User]
    values: Mapping[str, Mapping[str, Any]]

    @property
    def membership(self) -> Membership:
        return Membership.objects.get(user=self.limited)


def marks(name: str, values: Mapping[str, Any]) -> set[str]:
    """Whatever names the learner: names and ids, and the words that only this learner has used."""
    return {name, name.title(), str(IDS[name]), f"{name}-cohort"}


cast = kept(make_cast)


@kept
def scene(cast: Cast) -> Scene:
    whole = make_user("wanda", "teacher", cast.academy)
    limited = make_user("lina", "teacher", cast.academy)
    asset = make_asset(SHARED, academy=cast.academy, visibility="PRIVATE")
    notebook = make_notebook("shared-notebook", cast.academy, "assignment:shared-cell")
    make_assignment(cast.academy, asset, KEY)
    FormerStep.objects.create(academy=cast.academy, asset=asset, key=f"{SHARED}/old", published_at=timezone.now())
    learners, values = {}, {}
    for name in (MINE, OTHERS):
        learner = make_user(
            name, "student", cast.academy, id=IDS[name], first_name=name.title(), last_name=f"{name.title()}son"
        )
        learners[name] = learner
        values[name] = {
            **_things_of(learner, cast, asset, [whole, limited]),
            "notebook": notebook.asset.slug,
            "rename": 1,
        }
    limit_to(Membership.objects.get(user=limited), [Cohort.objects.get(slug=f"{MINE}-cohort")])
    return Scene(cast, whole, limited, learners, values)


def _things_of(learner: User, cast: Cast, asset: Any, teachers: list[User]) -> dict[str, Any]:
    name, academy = learner.username, cast.academy
    cohort = make_cohort(f"{name}-cohort", academy)
    task = make_task(learner, SHARED, cohort=cohort)
    make_task(learner, f"{name}-slug", cohort=cohort)
    make_telemetry(learner, SHARED, engagement_score=50, telemetry={"slug": name}, untold_attempts=1)
    make_telemetry(learner, f"{name}-slug")
    webhook = make_webhook(learner, asset=asset, status="ERROR", status_text=name, package_slug=f"{name}-slug")
    make_stored_event(learner, academy, about={"notebook": f"{name}.ipynb"})
    rejected = make_rejected(learner, academy, {"id": name}, event_id=name)
    make_attempts(learner, academy, KEY, "xx-", start=timezone.now() - timedelta(minutes=3), seconds=10)
    make_attempts(learner, academy, f"{SHARED}/old", "x-")
    make_attempts(learner, academy, f"assignment:{name}-tag", f"{name[0]}-")
    EarlierRun.objects.create(
        user=learner,
        academy=academy,
        assignment=KEY,
        until=timezone.now(),
        cause="cohort",
        course=name,
        measures={"attempts": 3, "errors": 1, "active_seconds": 60.0},
    )
    # What is done makes no concern.
    Progress.objects.filter(user=learner, assignment=KEY).update(done_at=None)
    signal = make_signal(learner, academy, assignment=KEY, asset_slug=SHARED, facts={"error": f"{name}Error"})
    exclusion = Exclusion.objects.create(academy=academy, user=learner, assignment=KEY, reason=name)
    Refusal.objects.create(
        path="/v1/assignment/me/telemetry", status_code=400, reason="invalid-json", user=learner, asset=SHARED, size=1
    )
    due = DueDate.objects.create(cohort=cohort, asset=asset, due_at=timezone.now())
    Extension.objects.create(due_date=due, user=learner, due_at=timezone.now() + timedelta(days=1))
    rule = None
    for teacher in teachers:
        rule = NotificationRule.objects.create(user=teacher, academy=academy, name=f"of {teacher.username}")
        notify_of(rule, signal)
    return {
        "concern": concerns_of_learner(academy, learner)[0].concern.row.pk, "token": 0,
        "task": task.pk, "slug": SHARED, "asset": asset.pk, "owner": learner.pk, "webhook": webhook.pk,
        # After the concern, which it would be one of.
        "hand": HelpRequest.objects.create(user=learner, academy=academy, asset_slug=SHARED, text=f"{name} asks").pk,
        "rejected": rejected.pk, "signal": signal.pk, "exclusion": exclusion.pk, "rule": rule and rule.pk,
        "key": SHARED, "due_date": due.pk, "cohort": cohort.pk,
    }  # fmt: skip


def api(scene: Scene, user: User) -> Api:
    return Api(user, scene.cast.academy)


def addresses(scene: Scene, name: str) -> Iterator[str]:
    """Every address to read: of lists, and of one thing of the learner."""
    values = scene.values[name]
    for route in ROUTES:
        if (route.method, route.colleague) == ("GET", 200) and route.pattern not in REFUSED | OWN | OF_ADMINS:
            yield route.path.format(**values)
            if route.pattern.startswith("v1/progress/"):
                yield f"{route.path.format(**values)}?explain=1"
    for page in sorted(PAGES - REFUSED_PAGES - PAGES_OF_ADMINS):
        yield f"/{page}"
    for path in PAGES_OF_ONE:
        if path.lstrip("/") not in REFUSED_PAGES:
            yield path.format(**values)
    yield f"/asset/{SHARED}?format=csv&table=missing"
    yield f"/assignment/{SHARED}?format=csv&table=errors"
    yield f"/{CONCERNS}/{values['concern']}?explain=1"
    yield f"/search?q={name[:3]}"
    yield f"/diagnosis?user={name}&asset={SHARED}"
    yield f"/v1/diagnosis/academy/telemetry?user={name}&asset={SHARED}"
    for field in ("learner", "cohort"):
        word = name if field == "learner" else f"{name}-cohort"
        for path in ("progress/academy/learner", "progress/academy/assignment", "progress/academy/cohort",
                     "signal/academy/signal", "signal/academy/concern", "signal/academy/help-request", "progress/academy/error",
                     "notebook/academy/event", "notebook/academy/rejected",
                     "progress/academy/exclusion"):  # fmt: skip
            yield f"/v1/{path}?{field}={word}"


class Reader:
    """Somebody who reads one address after the other, with one key and signed in once."""

    def __init__(self, scene: Scene, user: User) -> None:
        self._api, self._pages = api(scene, user), Client()
        self._pages.force_login(user)

    def read(self, address: str) -> tuple[int, str]:
        """The status and the text of an answer, without what the address itself says."""
        answer = (self._api if address.startswith("/v1/") else self._pages).get(address)
        text = text_of(answer) if answer.status_code == 200 else answer.content.decode()
        return answer.status_code, text


def told(text: str, name: str, address: str) -> set[str]:
    """What of the learner is told, besides what the address says."""
    found = {mark for mark in marks(name, {}) if mark in text}
    return {mark for mark in found if mark not in address and mark.lower() not in address}


def test_nothing_of_another_cohort_is_on_any_page_in_any_answer_or_file(scene: Scene) -> None:
    seen_by_whole: set[str] = set()
    seen_by_limited: set[str] = set()
    wrong: list[tuple[object, ...]] = []
    whole, limited = Reader(scene, scene.whole), Reader(scene, scene.limited)
    for name in (MINE, OTHERS):
        for address in addresses(scene, name):
            status, text = whole.read(address)
            if status != 200 and "notification-rule/" not in address:
                wrong.append((address, "for the colleague", status))
            if told(text, OTHERS, address):
                seen_by_whole.add(address)
            status, text = limited.read(address)
            if status not in ((200,) if name == MINE else (200, 404)) or told(text, OTHERS, address):
                wrong.append((address, status, told(text, OTHERS, address)))
            if told(text, MINE, address):
                seen_by_limited.add(address)
    assert not wrong
    # The colleague does see the other learner there, and the limited teacher the own one.
    assert len(seen_by_whole) > 40
    assert len(seen_by_limited) > 40


_NOT_OF_A_LEARNER = ("{slug}", "{asset}", "{notebook}", "{rule}")
_OF_A_LEARNER = [
    route
    for route in ROUTES
    if "{" in route.path
    and route.pattern not in REFUSED | OWN | OF_ADMINS | BY_ADMINS
    and (route.method, route.pattern) != ("PUT", MEMBER)
    and not any(word in route.path for word in _NOT_OF_A_LEARNER)
]


@pytest.mark.parametrize("route", _OF_A_LEARNER, ids=str)
def test_one_thing_of_another_cohort_is_as_one_that_does_not_exist(scene: Scene, route: Route) -> None:
    asked = api(scene, scene.limited)
    body = {"event": {"id": "x"}} if route.path.endswith("retry") else route.body
    others = asked(route.method, route.path.format(**scene.values[OTHERS]), body)
    assert others.status_code in (403, 404), others.content
    assert asked(route.method, route.path.format(**scene.values[MINE]), body).status_code == (
        route.colleague if "user/me" not in route.path else 404
    )


@pytest.mark.parametrize("route", [route for route in ROUTES if route.pattern in OF_ADMINS | BY_ADMINS], ids=str)
def test_what_is_for_admins_is_refused_to_whoever_sees_some_cohorts(scene: Scene, route: Route) -> None:
    path = route.path.format(**scene.values[MINE], **{"invitation": 1, "import": 1})
    assert api(scene, scene.limited)(route.method, path, route.body).status_code == 403


def test_figures_count_the_learners_of_the_cohort_only(scene: Scene) -> None:
    limited, whole = api(scene, scene.limited), api(scene, scene.whole)
    for path, name in (("assignment", "learners_seen"), ("asset", "learners_seen"), ("assignment", "attempts")):
        [mine] = [row for row in limited.get(f"/v1/progress/academy/{path}").json() if row["learners_seen"]][:1]
        [all_] = [row for row in whole.get(f"/v1/progress/academy/{path}").json() if row["learners_seen"]][:1]
        assert mine[name] * 2 == all_[name], path
    [step] = limited.get("/v1/progress/academy/former-step").json()
    assert (step["learners"], step["attempts"]) == (1, 2)
    assert [row["cohort"]["slug"] for row in limited.get("/v1/progress/academy/cohort").json()] == [f"{MINE}-cohort"]


def test_the_health_of_telemetry_counts_the_learners_of_the_cohort_only(scene: Scene) -> None:
    academy = scene.cast.academy
    for name in (MINE, OTHERS):
        learner = scene.learners[name]
        Arrival.objects.create(events=[uuid.uuid4()], turn_academy=academy.pk, turn_learner=learner.pk)
        # Done without scores, as its asset isn't graded.
        asset = make_asset(f"{name}-done", academy=academy)
        make_assignment(academy, asset, f"assignment:{name}-done")
        make_attempts(learner, academy, f"assignment:{name}-done", "-")
        make_telemetry(learner, f"{name}-done", telemetry={"slug": name}, metrics=None)
    found = health_of(as_seen_by(scene.membership), PERIODS[0])
    whole = health_of(academy, PERIODS[0])
    assert [one.slug for one in found.unscored] == [f"{MINE}-done"]
    assert {one.slug for one in whole.unscored} >= {f"{MINE}-done", f"{OTHERS}-done"}
    for source, all_ in zip(found.sources, whole.sources, strict=True):
        assert (source.received * 2, source.failed * 2, source.waiting * 2) == (
            all_.received,
            all_.failed,
            all_.waiting,
        )
    assert sum(source.waiting for source in found.sources) > 0
    assert found.learners_with_missing_attempts * 2 == whole.learners_with_missing_attempts == 2


@pytest.mark.parametrize("pattern", sorted(REFUSED))
def test_what_concerns_all_learners_is_refused_with_a_sentence(scene: Scene, pattern: str) -> None:
    for route in (route for route in ROUTES if route.pattern == pattern and route.colleague < 400):
        answer = api(scene, scene.limited)(route.method, route.path.format(**scene.values[MINE]), route.body or {})
        assert answer.status_code == 403, route
        if route.method != "PUT" or pattern != SETTINGS:
            assert answer.json()["slug"] == "limited-to-cohorts"
    client = Client()
    client.force_login(scene.limited)
    page = client.get("/telemetry/ignore")
    assert page.status_code == 403
    assert "limited to some cohorts" in page.content.decode()
    assert 'href="/telemetry/ignore' not in client.get("/telemetry").content.decode()


def test_writes_reach_the_own_cohort_only(scene: Scene) -> None:
    limited = api(scene, scene.limited)
    mine, other = scene.learners[MINE], scene.learners[OTHERS]
    assert limited.post("/v1/progress/academy/exclusion", {
        "everyone": True, "assignment": KEY, "reason": "all", "confirm": 3,
    }).status_code in (201, 404)  # fmt: skip
    assert not Exclusion.objects.filter(reason="all", user=other).exists()
    for whom in ({"learner": [OTHERS]}, {"cohort": f"{OTHERS}-cohort"}):
        refused = limited.post("/v1/progress/academy/exclusion", {**whom, "reason": "x"})
        assert refused.status_code == 400
        assert "nknown" in refused.json()["detail"]
    attempt = Activity.objects.filter(user=other, outcome="error").first()
    body = {"attempt": str(attempt.pk), "reason": "x"}
    assert limited.post("/v1/progress/academy/exclusion", body).status_code == 404
    assert limited.delete("/v1/assignment/academy/learnpack/webhook?status=ERROR").status_code == 204
    assert [row.student for row in Webhook.objects.all()] == [other]
    client = Client()
    client.force_login(scene.limited)
    client.post("/telemetry/webhooks/retry", {"rows": "1", "newest": "9999999", "at": timezone.now().isoformat()})
    assert Webhook.objects.get().status == "ERROR"
    both = [scene.values[name]["concern"] for name in (OTHERS, MINE)]
    told = client.post("/concerns", {"concern": both, "act": "acknowledge"}, headers={"Learntrace-Parts": "1"}).json()
    assert (told["told"], told["failed"]) == ("Concern not found.", True)
    assert [pair.partition(":")[0] for pair in told["undo"]] == [str(both[1])]
    assert Signal.objects.get(user=other).state == "open"
    assert Signal.objects.get(user=mine).state == "acknowledged"


def test_a_corrected_event_may_not_be_given_to_a_learner_of_another_cohort(scene: Scene) -> None:
    event = {"id": str(uuid.uuid4()), "verb": "opened", "timestamp": timezone.now().isoformat(), "object": {}}
    path = f"/v1/notebook/academy/rejected/{scene.values[MINE]['rejected']}/retry"
    refused = api(scene, scene.limited).post(path, {"event": {**event, "actor": OTHERS}})
    assert (refused.status_code, refused.json()["slug"]) == (400, "telemetry-of-another-user")
    assert RejectedEvent.objects.filter(pk=scene.values[MINE]["rejected"]).exists()
    assert api(scene, scene.limited).post(path, {"event": {**event, "actor": MINE}}).status_code == 200


def test_a_limited_teacher_is_told_of_the_own_cohort_only(scene: Scene) -> None:
    signals = list(Signal.objects.all())
    Signal.objects.update(opened_at=timezone.now())
    Progress.objects.update(done_at=None)
    for signal in signals:
        signal.notifications.all().delete()
    NotificationRule.objects.exclude(user=scene.limited).delete()
    assert queue_for(signals) == 1
    # Signals that were queued before the limit was set aren't sent either.
    lift_limit(scene.membership)
    assert queue_for(signals) == 1
    limit_to(scene.membership, [Cohort.objects.get(slug=f"{MINE}-cohort")])
    delivery = claim_next(timezone.now() + timedelta(minutes=1))
    assert [signal.user.username for signal in delivery.signals] == [MINE]
    rule = {**CHAT, "cohort": Cohort.objects.get(slug=f"{OTHERS}-cohort").pk}
    assert api(scene, scene.limited).post(f"/{NOTICE_RULES}", rule).status_code == 400


def many_meet(scene: Scene, name: str, letters: str, first: int, count: int = 5) -> list[User]:
    """So many more learners of the cohort meet an error on the shared lesson now."""
    learners = []
    for number in range(first, first + count):
        learner = make_user(f"{name}{number}", "student", scene.cast.academy)
        make_task(learner, SHARED, cohort=Cohort.objects.get(slug=f"{name}-cohort"))
        make_attempts(learner, scene.cast.academy, KEY, letters, timezone.now() - timedelta(minutes=1), seconds=1)
        learners.append(learner)
    return learners


def of_class(user: Api) -> list[tuple[str, int]]:
    return sorted((row["last_error"]["name"], row["met_by"]) for row in user.get(f"/{CONCERNS}?of=class").json())


def test_a_concern_of_the_class_is_told_where_it_is_one_of_an_own_cohort(scene: Scene) -> None:
    limited, whole = api(scene, scene.limited), api(scene, scene.whole)
    for teacher in (scene.limited, scene.whole):
        NotificationRule.objects.filter(user=teacher).update(channel="email")
    LiveEvent.objects.create(academy_id=scene.cast.academy.pk, kind="progress", data={"learner": 1})
    many_meet(scene, OTHERS, "y", 0)
    many_meet(scene, MINE, "z", 10)
    many_meet(scene, OTHERS, "z", 20, 2)
    ClassTurn(last=0).take()
    assert of_class(whole) == [("YError", 5), ("ZError", 7)]
    assert of_class(limited) == [("ZError", 5)]
    hidden, shared = (
        Concern.objects.get(pk=row["id"])
        for row in sorted(whole.get(f"/{CONCERNS}?of=class").json(), key=lambda row: str(row["last_error"]["name"]))
    )
    told = limited.get(f"/{CONCERNS}/{shared.pk}?explain=1").json()
    assert (told["met_by"], len(told["explain"]["learners"]), told["explain"]["times"]) == (5, 5, 5)
    for answer in (
        limited.get(f"/{CONCERNS}/{hidden.pk}"),
        limited.post(f"/{CONCERNS}/{hidden.pk}", {"act": "reopen"}),
    ):
        assert answer.status_code == 404
    queued = Notification.objects.exclude(concern=None)
    assert {row.concern_id for row in queued.filter(user=scene.whole)} == {hidden.pk, shared.pk}
    assert {row.concern_id for row in queued.filter(user=scene.limited)} == {shared.pk}
    listed = limited.get(f"/{NOTICES}").json()
    assert [row["concern"] for row in listed if row["concern"]] == [shared.pk]
    NotificationRule.objects.exclude(user=scene.limited).delete()
    delivery = claim_next(timezone.now() + timedelta(seconds=1))
    assert delivery is not None
    [entry] = told_now(delivery.rule.academy, delivery.concerns)
    assert entry.summary.startswith("5 learners got")


def test_the_stream_says_to_a_limited_member_what_is_of_an_own_cohort(scene: Scene) -> None:
    academy = as_seen_by(scene.membership)
    sight = Sight(seen_learners(academy) or frozenset(), academy.seen_cohorts or frozenset())
    LiveEvent.objects.create(academy_id=academy.pk, kind="progress", data={"learner": 1})

    def sent(to: Sight | None) -> list[Any]:
        first = LiveEvent.objects.earliest("pk").pk
        blocks = start_of(academy.pk, str(first), ["concern"], timezone.now(), to).blocks[1:]
        return [json.loads(block.decode().partition("data: ")[2]) for block in blocks]

    many_meet(scene, OTHERS, "y", 0)
    many_meet(scene, MINE, "z", 10)
    many_meet(scene, OTHERS, "z", 20, 2)
    sight = sight._replace(learners=seen_learners(academy) or frozenset())
    turn = ClassTurn(last=0)
    turn.take()
    assert sorted(one["met_by"] for one in sent(None)) == [5, 7]
    assert [one["met_by"] for one in sent(sight)] == [5]
    assert "audience" not in json.dumps(sent(None)) + json.dumps(sent(sight))
    # What is kept of a learner for this is found, and erased with the rest.
    assert events_about(User.objects.get(username="mimosa10").pk).filter(kind="concern").count() == 1
    # For who sees the own cohort only it is over; for others it stands on.
    many_meet(scene, OTHERS, "z", 30, 3)
    Activity.objects.filter(user__username__in=["mimosa10", "mimosa11"]).delete()
    turn.resting_until = 0
    LiveEvent.objects.create(academy_id=academy.pk, kind="progress", data={"learner": 1})
    turn.take()
    assert (sent(None)[-1]["state"], sent(None)[-1]["met_by"]) == ("open", 8)
    assert sent(sight)[-1]["state"] == "over"
    about = sent(None)[-1]["id"]
    assert (sent(sight)[-1]["id"], "met_by" in sent(sight)[-1]) == (about, False)


def test_a_concern_is_assigned_to_who_sees_it(scene: Scene) -> None:
    whole = api(scene, scene.whole)
    wanted = {"act": "assign", "assignee": scene.limited.pk}
    assert (
        whole.post(f"/{CONCERNS}/{scene.values[MINE]['concern']}", wanted).json()["assignee"]["id"] == scene.limited.pk
    )
    refused = whole.post(f"/{CONCERNS}/{scene.values[OTHERS]['concern']}", wanted)
    assert refused.status_code == 400
    assert "limited to other cohorts" in str(refused.json()["assignee"])


def test_publishing_stays_open_to_a_limited_teacher(scene: Scene) -> None:
    answer = api(scene, scene.limited).put("/v1/notebook/academy/notebook/new-lesson", PUBLICATION)
    assert answer.status_code == 200


def test_a_limit_holds_when_its_cohort_is_deleted_and_ends_when_it_is_lifted(scene: Scene) -> None:
    limited = api(scene, scene.limited)
    assert [row["learner"]["id"] for row in limited.get("/v1/progress/academy/learner").json()] == [IDS[MINE]]
    Cohort.objects.get(slug=f"{MINE}-cohort").delete()
    assert limited.get("/v1/progress/academy/learner").json() == []
    assert limited.get(f"/v1/progress/academy/learner/{IDS[OTHERS]}").status_code == 404
    lift_limit(scene.membership)
    found = {row["learner"]["id"] for row in limited.get("/v1/progress/academy/learner").json()}
    assert {*IDS.values()} <= found


def test_who_acts_for_the_whole_academy_cannot_be_limited(scene: Scene, cast: Cast) -> None:
    cohort = Cohort.objects.get(slug=f"{MINE}-cohort")
    for role in ("staff", "admin", "student"):
        user = make_user("", role, cast.academy)
        with pytest.raises(LimitRefused, match="can be limited to cohorts"):
            limit_to(Membership.objects.get(user=user), [cohort])
    with pytest.raises(LimitRefused, match="another academy"):
        limit_to(scene.membership, [make_cohort("far", cast.elsewhere)])
    assert as_seen_by(scene.membership).seen_cohorts == {cohort.pk}


def test_a_limit_is_set_and_lifted_by_command(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    who = ["--user", "lina", "--academy", "downtown"]
    assert command.main(["set", *who, "--cohort", f"{OTHERS}-cohort", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cohorts"] == [f"{OTHERS}-cohort"]
    assert command.main(["list", "--json"]) == 0
    assert [row["user"] for row in json.loads(capsys.readouterr().out)] == ["lina"]
    assert command.main(["lift", *who]) == 0
    assert capsys.readouterr().out == "lina sees all of downtown\n"
    assert not scene.membership.only_cohorts
    for wrong, sentence in (
        (
            ["set", "--user", "mimosa", "--academy", "downtown", "--cohort", f"{OTHERS}-cohort"],
            "Only teachers and assistants",
        ),
        (["set", *who, "--cohort", "nowhere"], "There is no cohort nowhere in downtown"),
        (["lift", "--user", "lina", "--academy", "elsewhere"], "lina has no role in elsewhere"),
    ):
        assert command.main(wrong) == 1
        assert sentence in capsys.readouterr().err


def roster(text: str, tmp_path: Path) -> str:
    path = tmp_path / "roster.yaml"
    path.write_text(text)
    return str(import_roster(path))


def test_a_roster_limits_and_lifts(scene: Scene, tmp_path: Path) -> None:
    entry = "memberships:\n- {user: lina, academy: downtown"
    assert "1 updated" in roster(f"{entry}, cohorts: [{OTHERS}-cohort]}}\n", tmp_path)
    assert [cohort.slug for cohort in scene.membership.cohorts.all()] == [f"{OTHERS}-cohort"]
    assert "1 unchanged" in roster(f"{entry}, cohorts: [{OTHERS}-cohort]}}\n", tmp_path)
    assert "1 unchanged" in roster(f"{entry}, role: teacher}}\n", tmp_path), "without the key the limit stays"
    assert scene.membership.only_cohorts
    assert "1 updated" in roster(f"{entry}, cohorts: null}}\n", tmp_path)
    assert not scene.membership.only_cohorts
    assert not scene.membership.cohorts.exists()
    new = (
        "users:\n- {username: nora}\nmemberships:\n- {user: nora, academy: downtown, role: assistant, cohorts: [new]}\n"
    )
    roster(new + "cohorts:\n- {slug: new, academy: downtown}\n", tmp_path)
    assert Membership.objects.get(user__username="nora").cohorts.get().slug == "new"


def test_a_roster_refuses_a_limit_that_could_not_hold(scene: Scene, tmp_path: Path) -> None:
    make_cohort("far", scene.cast.elsewhere)
    for entry, sentence in (
        ("user: lina, academy: downtown, cohorts: []", "must name a cohort"),
        ("user: lina, academy: downtown, cohorts: [nowhere]", "there is no cohort nowhere"),
        ("user: lina, academy: downtown, cohorts: [far]", "belongs to another academy"),
        ("user: lina, academy: downtown, role: admin", "Only teachers and assistants can be limited"),
        ("user: lina, academy: downtown, cohorts: all", "must be a list"),
    ):
        with pytest.raises(RosterError, match=sentence):
            roster(f"memberships:\n- {{{entry}}}\n", tmp_path)
    assert [cohort.slug for cohort in scene.membership.cohorts.all()] == [f"{MINE}-cohort"]


def test_the_administration_sets_a_limit_and_refuses_what_could_not_hold(scene: Scene) -> None:
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    membership, far = scene.membership, make_cohort("far", scene.cast.elsewhere)
    address = f"/admin/accounts/membership/{membership.pk}/change/"
    form = {"user": scene.limited.pk, "academy": scene.cast.academy.pk, "role": "teacher", "status": "ACTIVE"}
    page = client.post(address, {**form, "only_cohorts": "on", "cohorts": str(far.pk)}).content.decode()
    assert "belongs to another academy" in page
    page = client.post(address, {**form, "role": "admin", "only_cohorts": "on"}).content.decode()
    assert "can be limited to cohorts" in page
    cohort = Cohort.objects.get(slug=f"{OTHERS}-cohort")
    assert client.post(address, {**form, "only_cohorts": "on", "cohorts": str(cohort.pk)}).status_code == 302
    assert list(scene.membership.cohorts.all()) == [cohort]
    assert client.post(address, form).status_code == 302
    assert not scene.membership.cohorts.exists()


def test_the_own_data_say_to_which_cohorts_one_is_limited(scene: Scene) -> None:
    with zipfile.ZipFile(io.BytesIO(api(scene, scene.limited).get("/v1/me/export").getvalue())) as archive:
        [name] = [name for name in archive.namelist() if "memberships" in name]
        text = archive.read(name).decode()
    assert f"{MINE}-cohort" in text
    assert "only_cohorts" in text


def test_a_learner_is_told_how_many_see_the_data_without_those_who_do_not(scene: Scene) -> None:
    for name, readers in ((MINE, 2), (OTHERS, 1)):
        learner = scene.learners[name]
        assert count_readers(learner, [scene.cast.academy], ["teacher"]) == {
            (scene.cast.academy.pk, "teacher"): readers
        }
        client = Client()
        client.force_login(learner)
        assert client.get("/me").status_code == 200
