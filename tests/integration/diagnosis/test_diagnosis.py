"""Why telemetry is missing: each cause, made through public interfaces, gets its verdict from command, API and page."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learntrace.accounts.models import Membership
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.telemetry_stats import sync_telemetry_stats
from learntrace.core.models import Heartbeat
from learntrace.diagnosis import command
from learntrace.diagnosis.verdicts import VERDICTS
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.models import Event, Notebook
from learntrace.progress.models import Assignment
from learntrace.registry.models import Asset
from tests.support.builders import Api, Cast, make_asset, make_cohort, make_key, make_task, make_user, translate
from tests.support.diagnosis import LESSON, LIMIT, PATH, SLUG, Scene, days_ago, page_of
from tests.support.notebooks import TAG, make_event

pytestmark = pytest.mark.django_db(transaction=True)
Output = pytest.CaptureFixture[str]

OTHER_TAG = "assignment:lesson-03-exercise-9"
CAUSES: list["Cause"] = []


@dataclass(frozen=True)
class Cause:
    """What happens before somebody asks, and the verdict that is due."""

    verdict: str
    make: Callable[[Scene], None]
    user: str
    asset: str

    def __str__(self) -> str:
        return f"{self.verdict}-{self.make.__name__}"


def cause(verdict: str, user: str = "ada", asset: str = SLUG) -> Callable[[Callable[[Scene], None]], Any]:
    def note(make: Callable[[Scene], None]) -> Callable[[Scene], None]:
        CAUSES.append(Cause(verdict, make, user, asset))
        return make

    return note


@pytest.fixture
def scene(cast: Cast) -> Iterator[Scene]:
    scene = Scene(cast)
    yield scene
    scene.close()


# Who and what is asked about


@cause("user-unknown", user="nobody")
def nobody_is_called_so(scene: Scene) -> None:
    scene.asset()


@cause("user-unknown", user="lee")
def the_learner_is_another_academys(scene: Scene) -> None:
    scene.asset()


@cause("user-not-here", user="new")
def no_academy_has_the_account(scene: Scene) -> None:
    scene.asset()
    make_user("new")


@cause("user-not-here")
def the_membership_has_ended(scene: Scene) -> None:
    scene.ready()
    Membership.objects.filter(user=scene.ada).update(status="INACTIVE")


@cause("account-inactive")
def the_account_was_deactivated(scene: Scene) -> None:
    scene.ready()
    type(scene.ada).objects.filter(pk=scene.ada.pk).update(is_active=False)
    assert scene.batch().status_code == 401


@cause("asset-unknown")
def no_asset_is_called_so(scene: Scene) -> None:
    pass


@cause("asset-unknown")
def the_asset_is_another_academys_own(scene: Scene) -> None:
    scene.asset(academy=scene.cast.elsewhere, visibility="PRIVATE")


@cause("no-task")
def a_batch_came_without_a_task(scene: Scene) -> None:
    scene.asset()
    scene.batch()
    scene.work()


@cause("task-under-an-alias")
def the_task_names_an_alias(scene: Scene) -> None:
    scene.asset(aliases=("introduction",))
    make_task(scene.ada, "introduction")
    scene.batch()
    scene.work()


# The front door


@cause("nothing-sent")
def nothing_was_sent(scene: Scene) -> None:
    scene.ready()


@cause("nothing-sent")
def something_else_was_sent(scene: Scene) -> None:
    scene.ready()
    scene.ready(slug="loops")
    scene.batch(slug="loops")
    scene.work()


@cause("sent-by-another-user")
def a_classmates_client_sent_for_another(scene: Scene) -> None:
    scene.ready()
    bob = make_user("bob", "student", scene.cast.academy)
    assert scene.batch(user_id=scene.ada.pk, key=make_key(bob)).status_code == 403


@cause("sent-by-another-user", asset=LESSON)
def a_classmates_notebook_named_the_learner(scene: Scene) -> None:
    scene.publish(TAG)
    bob = make_user("bob", "student", scene.cast.academy)
    assert scene.event(actor="ada", key=make_key(bob)).json()["rejected"]


@cause("refused-expired-token")
def the_token_has_expired(scene: Scene) -> None:
    scene.ready()
    scene.batch()
    scene.work()
    key = make_key(scene.ada, expires_at=days_ago(1))
    assert scene.batch(key=key).status_code == 401


@cause("refused-expired-token", asset=LESSON)
def the_notebooks_token_has_expired(scene: Scene) -> None:
    scene.publish(TAG)
    assert scene.event(notebook="other.ipynb", key=make_key(scene.ada, expires_at=days_ago(1))).status_code == 401


@cause("refused-invalid-token")
def the_key_was_cut(scene: Scene) -> None:
    scene.ready()
    assert scene.batch(key=scene.key[:-1]).status_code == 401


@cause("refused-another-user")
def the_client_names_another_user(scene: Scene) -> None:
    scene.ready()
    assert scene.batch(user_id=scene.cast.colleague.pk).status_code == 403


@cause("refused-too-large")
def the_batch_is_too_large(scene: Scene) -> None:
    scene.ready()
    assert scene.batch({"slug": SLUG, "steps": ["x" * LIMIT]}).status_code == 413
    # An event is small, and says nothing about the next batch.
    scene.batch({"event": "open_step", "package_slug": SLUG, "slug": "00-welcome"})
    scene.work()


@cause("refused-no-permission")
def the_role_may_not_send(scene: Scene) -> None:
    scene.ready()
    scene.role("assistant")
    assert scene.batch().status_code == 403


@cause("refused-malformed")
def the_body_is_no_json(scene: Scene) -> None:
    scene.ready()
    assert scene.batch(b'{"slug": "intro"').status_code == 400


@cause("refused-academy", asset=LESSON)
def the_client_names_a_foreign_academy(scene: Scene) -> None:
    scene.publish(TAG)
    assert scene.events(make_event(), Academy=str(scene.cast.elsewhere.pk)).status_code == 403


# LearnPack's inbox


@cause("arrived-under-another-slug")
def the_asset_id_leads_elsewhere(scene: Scene) -> None:
    scene.ready()
    other = scene.ready(slug="loops")
    scene.batch(asset_id=other.pk)
    scene.work()


@cause("arrived-under-an-unknown-slug")
def the_package_has_been_renamed(scene: Scene) -> None:
    scene.ready()
    scene.batch(slug="intro-v2")
    scene.work()


@cause("ignored-by-rule")
def a_rule_ignores_it(scene: Scene) -> None:
    scene.ready()
    rules = {"rules": [{"package_slugs": [SLUG], "events": ["batch"]}]}
    scene.teacher.put("/v1/assignment/academy/learnpack/telemetry-webhook-ignore", rules)
    assert scene.batch(academy=scene.cast.academy.pk).text == "ok"


@cause("waiting-no-worker")
def no_worker_runs(scene: Scene) -> None:
    scene.ready()
    scene.batch()


@cause("waiting-in-queue")
def the_worker_has_not_come_to_it(scene: Scene) -> None:
    scene.ready()
    scene.batch()
    scene.worker_lives()


@cause("waiting-no-worker", asset=LESSON)
def no_worker_takes_events(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event()


@cause("waiting-in-queue", asset=LESSON)
def the_worker_has_not_come_to_the_events(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event()
    scene.worker_lives()


@cause("failed-no-task")
def the_task_came_after_the_batch(scene: Scene) -> None:
    scene.asset()
    scene.batch()
    scene.work()
    make_task(scene.ada, SLUG)


@cause("failed-asset-not-found")
def the_asset_came_after_the_batch(scene: Scene) -> None:
    scene.batch()
    scene.work()
    scene.ready()


@cause("failed-indicators")
def the_steps_have_another_shape(scene: Scene) -> None:
    scene.ready()
    scene.batch(steps="many")
    scene.work()


@cause("failed-other")
def the_event_has_no_name(scene: Scene) -> None:
    scene.ready()
    scene.batch({"event": "", "package_slug": SLUG})
    scene.work()


@cause("not-implemented")
def only_events_came_that_nobody_takes(scene: Scene) -> None:
    scene.ready()
    scene.batch({"event": "open_step", "package_slug": SLUG, "slug": "00-welcome"})
    scene.work()


@cause("only-events")
def only_events_came(scene: Scene) -> None:
    scene.settings(learnpack_features={"streaming_events": True})
    scene.ready()
    scene.batch({"event": "open_step", "package_slug": SLUG, "slug": "00-welcome"})
    scene.work()


@cause("all-well")
def a_clock_was_ahead_once(scene: Scene) -> None:
    """It is ordered by its receipt, so that the next batch is newer."""
    scene.ready()
    for ahead in (timedelta(days=900), timedelta()):
        scene.batch(last_interaction_at=int((timezone.now() + ahead).timestamp() * 1000))
        scene.work()


@cause("superseded-only")
def the_client_stopped_telling_the_time(scene: Scene) -> None:
    scene.ready()
    scene.batch(last_interaction_at=int(days_ago(2).timestamp() * 1000))
    scene.work()
    Webhook.objects.update(created_at=days_ago(2))
    scene.batch()
    scene.work()


# Notebooks


@cause("notebook-not-published", asset=LESSON)
def no_asset_and_no_notebook(scene: Scene) -> None:
    scene.event()
    scene.work()


@cause("notebook-not-published", asset=LESSON)
def an_asset_without_a_notebook(scene: Scene) -> None:
    scene.asset(LESSON)
    scene.event(notebook="course/Lesson 03.ipynb", tag=None)
    scene.work()


@cause("opted-out", asset=LESSON)
def the_learner_wants_no_collection(scene: Scene) -> None:
    scene.publish(TAG)
    scene.settings(notebook_features={"opt_out": True})
    assert Api(scene.ada).put("/v1/me/consent", {"collecting": False}).status_code == 200
    assert scene.event().status_code == 403


@cause("events-rejected", asset=LESSON)
def the_events_have_an_unknown_verb(scene: Scene) -> None:
    scene.publish(TAG)
    assert scene.event(verb="danced").json()["rejected"]


@cause("front-end-silent", asset=LESSON)
def the_front_end_never_sent(scene: Scene) -> None:
    scene.publish(TAG)


@cause("nothing-sent", asset=LESSON)
def another_notebook_was_worked_on(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event(notebook="lesson_04.ipynb", tag="assignment:lesson-04-exercise-1")
    scene.work()


@cause("nothing-executed", asset=LESSON)
def the_notebook_was_opened_only(scene: Scene) -> None:
    scene.publish(TAG)
    scene.events(make_event(verb="opened", object={"type": "notebook", "notebook": PATH}, result={}))
    scene.work()


@cause("cells-untagged", asset=LESSON)
def the_cells_have_no_tags(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event(tag=None)
    scene.work()


@cause("cells-untagged", asset=LESSON)
def the_tags_are_malformed(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event(tag="assignment:Lesson 03!")
    scene.work()


@cause("tags-not-published", asset=LESSON)
def the_notebook_was_changed_after_publishing(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event(tag=OTHER_TAG)
    scene.work()


# The record


def applied(scene: Scene, **asset: Any) -> Asset:
    found = scene.ready(**asset)
    scene.batch()
    scene.work()
    return found


@cause("assignment-not-started", asset=f"{SLUG}/01-hello")
def another_step_of_the_package_was_done(scene: Scene) -> None:
    found = applied(scene)
    Assignment.objects.create(
        academy=scene.cast.academy, asset=found, key=f"{SLUG}/01-hello", title="Hello", position=1
    )


@cause("assignment-not-started", asset=OTHER_TAG)
def another_assignment_of_the_notebook_was_worked_on(scene: Scene) -> None:
    scene.publish(TAG, OTHER_TAG)
    scene.event()
    scene.work()


@cause("record-missing")
def the_record_was_deleted(scene: Scene) -> None:
    applied(scene)
    AssignmentTelemetry.objects.all().delete()


@cause("record-under-another-slug")
def the_asset_became_a_translation_later(scene: Scene) -> None:
    older = scene.asset("introduccion", lang="es")
    translate(older, applied(scene))


@cause("staff-written")
def staff_wrote_it(scene: Scene) -> None:
    scene.ready()
    path = f"/v1/assignment/academy/asset/{SLUG}/user/{scene.ada.pk}/telemetry"
    assert scene.teacher.post(path, {"telemetry": {}}).status_code == 201


@cause("staff-written")
def staff_changed_it_after_the_batch(scene: Scene) -> None:
    applied(scene)
    path = f"/v1/assignment/academy/asset/{SLUG}/user/{scene.ada.pk}/telemetry"
    assert scene.teacher.put(path, {"engagement_score": 90}).status_code == 200


@cause("not-graded")
def the_asset_is_not_graded(scene: Scene) -> None:
    applied(scene, graded=False)


@cause("not-scored")
def the_asset_was_graded_later(scene: Scene) -> None:
    applied(scene, graded=False)
    Asset.objects.update(graded=True)


@cause("stats-stale")
def no_night_has_counted_it(scene: Scene) -> None:
    applied(scene)
    AssignmentTelemetry.objects.update(updated_at=days_ago(2))


@cause("all-well")
def a_batch_was_applied(scene: Scene) -> None:
    applied(scene)


@cause("all-well")
def all_of_it_is_counted(scene: Scene) -> None:
    sync_telemetry_stats(applied(scene).pk, timezone.now())


@cause("all-well")
def a_new_token_came_after_the_expired_one(scene: Scene) -> None:
    scene.ready()
    scene.batch(key=make_key(scene.ada, expires_at=days_ago(1)))
    scene.batch()
    scene.work()


@cause("all-well", asset="introduccion")
def it_stands_under_the_translation(scene: Scene) -> None:
    translate(applied(scene), scene.asset("introduccion", lang="es"))


@cause("all-well", asset=f"{SLUG}/00-welcome")
def the_step_that_is_asked_about_arrived(scene: Scene) -> None:
    applied(scene)
    take_attempts()


@cause("all-well", asset=LESSON)
def the_notebook_is_recorded(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event()
    scene.event(tag=None)
    scene.work()


@cause("all-well", asset="Lesson 03.ipynb")
def the_notebook_is_asked_about_by_its_file_without_its_folder(scene: Scene) -> None:
    scene.publish(TAG)
    Notebook.objects.update(path="course/lesson_03.ipynb")
    scene.event(notebook="course/lesson_03.ipynb")
    scene.work()


@pytest.mark.parametrize("cause", CAUSES, ids=str)
def test_a_cause_gets_its_verdict_from_command_api_and_page(scene: Scene, cause: Cause, capsys: Output) -> None:
    cause.make(scene)
    answer = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?user={cause.user}&asset={cause.asset}")
    told = answer.json()
    assert (answer.status_code, told["verdict"]) == (200, cause.verdict), json.dumps(told, indent=1)
    _is_whole(told)
    code = command.main(["--user", cause.user, "--asset", cause.asset, "--academy", "downtown", "--json"])
    assert code == (0 if cause.verdict == "all-well" else 1)
    printed = json.loads(capsys.readouterr().out)
    assert [printed[name] for name in ("verdict", "reason", "next_action")] == [
        told[name] for name in ("verdict", "reason", "next_action")
    ]
    page = page_of(scene.cast.colleague, user=cause.user, asset=cause.asset)
    assert page.status_code == 200
    assert f"<code>{cause.verdict}</code>" in page.content.decode()


def _is_whole(told: dict[str, Any]) -> None:
    assert set(told) == {"verdict", "reason", "explanation", "next_action", "checks"}
    results = [check["result"] for check in told["checks"]]
    if told["verdict"] == "all-well":
        assert set(results) <= {"ok", "warning"}
    else:
        last = max(place for place, result in enumerate(results) if result == "no")
        assert set(results[last + 1 :]) <= {"skipped"}
    assert all(check["detail"] and isinstance(check["evidence"], dict) for check in told["checks"])


def test_every_verdict_has_a_cause_that_is_tested() -> None:
    # Reasons that only a JupyterHub's answers bring.
    assert set(VERDICTS) - {cause.verdict for cause in CAUSES} == {"refused-other"}


# What else is asked, and how


def test_a_task_is_asked_by_its_id_from_command_api_and_page(scene: Scene, capsys: Output) -> None:
    scene.asset()
    task = make_task(scene.ada, SLUG)
    told = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?task={task.pk}").json()
    assert told["verdict"] == "nothing-sent"
    assert command.main(["--task", str(task.pk)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("nothing-sent: Nothing has arrived from Ada Lovelace about Intro")
    assert f"task_id={task.pk}" in printed
    for query in ({"task": task.pk}, {"asset": task.pk}):
        assert "<code>nothing-sent</code>" in page_of(scene.cast.colleague, **query).content.decode()


@pytest.mark.parametrize("user", ["{pk}", "ada", "ADA@example.org"])
@pytest.mark.parametrize("asset", ["{pk}", "intro", "introduction", "INTRO"])
def test_learner_and_asset_are_known_by_each_of_their_names(scene: Scene, user: str, asset: str) -> None:
    found = scene.ready(aliases=("introduction",))
    user, asset = user.format(pk=scene.ada.pk), asset.format(pk=found.pk)
    told = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?user={user}&asset={asset}").json()
    assert told["verdict"] == "nothing-sent"
    assert told["checks"][2]["evidence"]["names"] == ["intro", "introduction"]


@pytest.mark.parametrize("asset", [PATH, TAG])
def test_a_published_notebook_is_known_by_its_path_and_tags(scene: Scene, asset: str) -> None:
    scene.publish(TAG)
    told = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?user=ada&asset={asset}").json()
    assert told["verdict"] == "front-end-silent"


@pytest.mark.parametrize("name", ["introduction/00-welcome", "intro-es/00-welcome"])
def test_a_step_is_known_by_each_name_of_its_asset(scene: Scene, name: str) -> None:
    translate(found := applied(scene, aliases=("introduction",)), scene.asset("intro-es", lang="es"))
    take_attempts()
    Assignment.objects.get_or_create(academy=scene.cast.academy, asset=found, key=f"{SLUG}/00-welcome")
    told = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?user=ada&asset={name}").json()
    assert [check["result"] for check in told["checks"] if check["check"] == "assignment"] == ["ok"]


def test_the_evidence_of_what_arrived_has_ids_times_and_the_client(scene: Scene) -> None:
    applied(scene)
    told = scene.teacher.get("/v1/diagnosis/academy/telemetry?user=ada&asset=intro").json()
    checks = {check["check"]: check["evidence"] for check in told["checks"]}
    row = Webhook.objects.get()
    arrived = checks["arrived"]
    assert (arrived["webhook_id"], arrived["client"], arrived["requests"]) == (row.pk, "vscode", 1)
    assert arrived["last_at"] == row.created_at.isoformat().replace("+00:00", "Z")
    assert checks["record"]["record_id"] == AssignmentTelemetry.objects.get().pk


def test_the_front_end_and_its_version_are_told(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event()
    told = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?user=ada&asset={LESSON}").json()
    (check,) = (check for check in told["checks"] if check["check"] == "front_end")
    assert (check["evidence"]["frontend"], check["evidence"]["version"]) == ("lab", "4.6.6")
    assert check["detail"].startswith("The learner's front end, JupyterLab 4.6.6, last sent on")


def test_a_wrong_clock_that_is_corrected_is_told_with_by_how_much(scene: Scene) -> None:
    scene.publish(TAG)
    scene.event()
    for offset, span, sentence in (
        (None, None, "The machine's clock is right, according to its front end"),
        (7_199_000, 7199, "This machine's clock is 2 h ahead; times are corrected"),
        (-100 * 60_000, -6000, "This machine's clock is 2 h behind; times are corrected"),
    ):
        Event.objects.update(clock_offset_ms=offset)
        told = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?user=ada&asset={LESSON}").json()
        (check,) = [check for check in told["checks"] if check["check"] == "clock"]
        assert (check["detail"], check["evidence"].get("clock_ahead_seconds")) == (sentence, span)
        assert check["result"] == ("ok" if span is None else "warning")


def test_it_is_told_in_spanish_as_well(scene: Scene) -> None:
    scene.ready()
    path = "/v1/diagnosis/academy/telemetry?user=ada&asset=intro"
    english, spanish = (scene.teacher.get(path, Accept_Language=tag).json() for tag in ("en", "es"))
    assert english["verdict"] == spanish["verdict"]
    assert english["explanation"] != spanish["explanation"]


# Scope


@pytest.mark.parametrize(
    ("person", "role", "status"),
    [
        ("owner", "student", 403), ("colleague", "assistant", 200), ("colleague", "teacher", 200),
        ("colleague", "admin", 200), ("stranger", "admin", 403),
    ],
)  # fmt: skip
def test_who_reads_assignments_in_the_academy_may_ask(scene: Scene, person: str, role: str, status: int) -> None:
    cast = scene.cast
    scene.ready()
    user = getattr(cast, person)
    Membership.objects.filter(user=user).update(role=role)
    path = "/v1/diagnosis/academy/telemetry?user=ada&asset=intro"
    assert Api(user, cast.academy).get(path).status_code == status
    page = page_of(user, academy=cast.academy.pk, user="ada", asset=SLUG)
    assert page.status_code == status
    assert ("nothing-sent" in page.content.decode()) is (status == 200)


def test_without_a_key_or_a_session_nobody_may_ask(scene: Scene) -> None:
    path = "/v1/diagnosis/academy/telemetry?user=ada&asset=intro"
    assert Api(None, scene.cast.academy).get(path).status_code == 401
    answer = Client().get("/diagnosis?user=ada&asset=intro")
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/sign-in")


def test_nothing_of_another_academy_is_told(scene: Scene) -> None:
    """A learner of two academies: what belongs to the other one is not even hinted at."""
    cast = scene.cast
    secret = "elsewhere-secret"
    Membership.objects.create(user=scene.ada, academy=cast.elsewhere, role="student")
    theirs = make_asset(secret, academy=cast.elsewhere, graded=True)
    task = make_task(scene.ada, secret, cohort=make_cohort("their-cohort", cast.elsewhere))
    scene.ready()
    scene.batch(slug=secret)
    scene.batch(slug=SLUG, asset_id=theirs.pk)
    scene.batch(slug=secret, key=make_key(scene.ada, expires_at=days_ago(1)))
    about = {"type": "cell", "id": "cell-1", "notebook": f"{secret}.ipynb"}
    assert scene.events(make_event(object=about), Academy=str(cast.elsewhere.pk)).json()["accepted"] == 1
    scene.work()
    for asked in (f"user=ada&asset={secret}", f"user=ada&asset={theirs.pk}"):
        assert scene.teacher.get(f"/v1/diagnosis/academy/telemetry?{asked}").json()["verdict"] == "asset-unknown"
    assert scene.teacher.get(f"/v1/diagnosis/academy/telemetry?task={task.pk}").status_code == 404
    answer = scene.teacher.get("/v1/diagnosis/academy/telemetry?user=ada&asset=intro")
    assert (answer.json()["verdict"], secret in answer.content.decode()) == ("nothing-sent", False)
    assert secret not in page_of(cast.colleague, user="ada", asset=SLUG).content.decode()


def test_another_academys_translation_is_not_named(scene: Scene) -> None:
    foreign = make_asset("foreign-secret", academy=scene.cast.elsewhere, visibility="PRIVATE", graded=True)
    translate(foreign, applied(scene))
    answer = scene.teacher.get("/v1/diagnosis/academy/telemetry?user=ada&asset=intro")
    assert answer.status_code == 200
    assert "foreign-secret" not in answer.content.decode()


# Bad input


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400), ("user=ada", 400), ("asset=intro", 400), ("user=ada&asset=", 400), ("user=%20&asset=intro", 400),
        ("task=1&user=ada&asset=intro", 400), ("task=1&user=ada", 400), ("task=one", 400), ("task=-1", 400),
        ("task=1.5", 400), ("task=999999", 404), (f"task={'9' * 400}", 404), (f"user={'9' * 400}&asset=intro", 200),
        (f"user=ada&asset={'9' * 400}", 200), (f"user=ada&asset={'x' * 1001}", 400), ("user=ada&asset=%F0%9F%98%80", 200),
        ("user=%ff&asset=intro", 200), ("user=ada%00&asset=intro", 400), ("user=%D9%A1&asset=%C2%B2", 200),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_told_so(scene: Scene, query: str, status: int) -> None:
    scene.ready()
    answer = scene.teacher.get(f"/v1/diagnosis/academy/telemetry?{query}")
    assert answer.status_code == status, answer.content
    if status == 200:
        assert answer.json()["verdict"] in ("user-unknown", "asset-unknown")
    else:
        assert answer.json()["detail"]
    client = Client()
    client.force_login(scene.cast.colleague)
    # A number without a learner is a task's on the page, and nothing at all is a form to be filled in.
    shown = client.get(f"/diagnosis?{query}")
    assert shown.status_code == (200 if query == "" else status)
    if status in (400, 404) and query and "%00" not in query:
        assert 'role="alert"' in shown.content.decode()


def test_several_learners_of_one_address_are_told_apart_by_their_ids(scene: Scene, capsys: Output) -> None:
    scene.ready()
    other = make_user("ada2", "student", scene.cast.academy, email="ada@example.org")
    answer = scene.teacher.get("/v1/diagnosis/academy/telemetry?user=ada@example.org&asset=intro")
    assert (answer.status_code, answer.json()["slug"]) == (400, "several-learners")
    assert f"{other.pk} (ada2)" in answer.json()["detail"]
    assert command.main(["--user", "ada@example.org", "--asset", SLUG]) == 2
    assert "Ask by id" in capsys.readouterr().err


def test_html_and_control_signs_in_names_are_shown_as_text(scene: Scene, capsys: Output) -> None:
    evil = "<script>alert(1)</script>"
    type(scene.ada).objects.filter(pk=scene.ada.pk).update(first_name=evil, last_name="\x1b[31m")
    scene.publish(TAG)
    scene.event(tag="assignment:<img src=x>")
    page = page_of(scene.cast.colleague, user="ada", asset=LESSON).content.decode()
    assert "cells-untagged" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert command.main(["--user", "ada", "--asset", LESSON]) == 1
    assert "\x1b" not in capsys.readouterr().out
    asked = page_of(scene.cast.colleague, user='"><i>', asset='"><i>').content.decode()
    assert '"><i>' not in asked


@pytest.mark.parametrize("argv", [["--user", "ada"], ["--task", "x"], [], ["--task", "1"],
                                  ["--user", "a\udcff", "--asset", "b"],
                                  ["--user", "ada", "--asset", SLUG, "--academy", "nowhere"],
                                  ["--user", "ada", "--asset", SLUG, "--academy", "9" * 30],
                                  ["--user", "ada", "--asset", SLUG, "--academy", "a\udcff"]])  # fmt: skip
def test_a_command_that_can_not_be_asked_says_why_and_ends_with_2(
    scene: Scene, argv: list[str], capsys: Output
) -> None:
    scene.ready()
    assert command.main(argv) == 2
    out, err = capsys.readouterr()
    assert (out, err[:20]) == ("", "learntrace diagnose:")


def test_the_command_finds_the_academy_or_asks_for_it(scene: Scene, capsys: Output) -> None:
    scene.ready()
    assert command.main(["--user", "ada", "--asset", SLUG]) == 1
    Membership.objects.create(user=scene.ada, academy=scene.cast.elsewhere, role="student")
    capsys.readouterr()
    assert command.main(["--user", "ada", "--asset", SLUG]) == 2
    assert "--academy: downtown, elsewhere" in capsys.readouterr().err
    assert command.main(["--user", "ada", "--asset", SLUG, "--academy", str(scene.cast.academy.pk)]) == 1


def test_a_worker_that_was_seen_long_ago_is_none(scene: Scene) -> None:
    scene.ready()
    scene.batch()
    Heartbeat.objects.create(name="worker", seen_at=timezone.now() - timedelta(minutes=2))
    told = scene.teacher.get("/v1/diagnosis/academy/telemetry?user=ada&asset=intro").json()
    assert told["verdict"] == "waiting-no-worker"


# The page


def test_the_page_suggests_the_academys_own_learners_and_assets(scene: Scene) -> None:
    scene.asset()
    scene.asset("foreign", academy=scene.cast.elsewhere)
    page = page_of(scene.cast.colleague).content.decode()
    assert "<script>" not in page
    client = Client()
    client.force_login(scene.cast.colleague)
    for kind, text, there in (
        ("learner", "ad", "ada"),
        ("asset", "int", "intro"),
        ("learner", "le", ""),
        ("asset", "for", ""),
    ):
        told = client.get("/search/suggest", {"q": text, "kind": kind}).content.decode()
        assert there in told
        assert "lee" not in told
        assert "foreign" not in told
    assert "style=" not in page


# How much it asks


def queries(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


@pytest.mark.parametrize("asset", [SLUG, LESSON])
def test_the_number_of_queries_does_not_grow_with_what_there_is(scene: Scene, asset: str) -> None:
    api, key = scene.teacher, make_key(scene.ada, expires_at=days_ago(1))
    scene.ready(aliases=("introduction",))
    scene.publish(TAG)

    def happen() -> None:
        scene.batch()
        scene.batch(key=key)
        scene.batch(slug="intro-v2")
        scene.events(*(make_event() for _ in range(5)), make_event(verb="danced"))
        scene.work()

    happen()
    path = f"/v1/diagnosis/academy/telemetry?user=ada&asset={asset}"
    few = queries(lambda: api.get(path))
    for _ in range(4):
        happen()
        make_user(f"someone-{_}", "student", scene.cast.academy)
    assert queries(lambda: api.get(path)) == few <= 36
