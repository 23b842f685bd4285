"""What becomes of a webhook: resolution, dispatch, batches, package events (contract, section 3)."""

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from learntrace.accounts.models import Grant, Membership, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.sql import execute
from learntrace.learnpack.events import PACKAGE_EVENTS
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import dispatch, drain
from learntrace.learnpack.processing.outcomes import staff_text, status_text
from learntrace.registry.models import Asset
from tests.support.builders import (
    NOW,
    make_academy,
    make_asset,
    make_cohort,
    make_graded_asset,
    make_task,
    make_telemetry,
    make_user,
    translate,
)
from tests.support.recorded_cases import CASES, RECORDED, batch

pytestmark = pytest.mark.django_db

OPENED = 1_767_261_600_000


@pytest.fixture
def ada() -> User:
    return make_user("ada", id=1234)


def receive(payload: dict[str, Any], student: User | None = None, **fields: Any) -> Webhook:
    """A row as the inbox writes it."""
    return Webhook.objects.create(
        is_streaming="event" in payload, event=payload.get("event", "batch"), payload=payload, student=student, **fields
    )


def process(payload: dict[str, Any], student: User | None = None, **fields: Any) -> Webhook:
    if payload.get("event") in PACKAGE_EVENTS:
        fields.setdefault("sender", make_service())
    row = receive(payload, student, **fields)
    drain.drain_webhooks()
    row.refresh_from_db()
    return row


def make_service() -> User:
    """A service of the whole installation."""
    user = make_user()
    Grant.objects.create(user=user, permission="upload_any_telemetry")
    return user


def steps(*completed: bool) -> list[dict[str, Any]]:
    return [
        {"slug": f"s{n}", "opened_at": OPENED, **({"completed_at": OPENED + 60_000} if done else {})}
        for n, done in enumerate(completed)
    ]


def state(done: bool = False, at: Any = OPENED + 600_000, **more: Any) -> dict[str, Any]:
    return {"slug": "arrays", "steps": steps(done), "last_interaction_at": at, "tutorial_started_at": OPENED, **more}


NOT_FOUND = "Asset specified by learnpack telemetry was not found using either the payload 'asset_id' or 'slug'"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"event": "", "slug": "x"}, "Impossible to determine learnpack event"),
        ({"event": " \t ", "slug": "x"}, "Impossible to determine learnpack event"),
        ({}, "Impossible to retrive webhook payload"),
        ({"user_id": 5}, "Impossible to retrive learnpack exercise slug"),
        ({"slug": "x", "user_id": 987}, "Learnpack student with user id 987 not found"),
        ({"slug": "x", "user_id": "abc"}, "Learnpack student with user id abc not found"),
        ({"slug": "x", "event": "open_step"}, "Learnpack telemetry event `open_step` is not implemented"),
        ({"slug": "x", "event": "drain_webhooks"}, "Learnpack telemetry event `drain_webhooks` is not implemented"),
        ({"slug": "x", "event": "100%s"}, "Learnpack telemetry event `100%s` is not implemented"),
        ({"slug": "x"}, NOT_FOUND),
        ({"asset_id": 99}, NOT_FOUND),
        ({"package_id": 99}, NOT_FOUND),
    ],
)
def test_the_first_check_that_fails_ends_the_webhook_with_its_text(
    ada: User, payload: dict[str, Any], text: str
) -> None:
    row = process(payload, ada)
    assert (row.status, row.status_text) == ("ERROR", text)


def test_test_events_are_accepted_and_change_nothing(ada: User) -> None:
    row = process({"slug": "x", "event": "test"}, ada)
    assert (row.status, row.status_text) == ("DONE", "OK")
    assert not AssignmentTelemetry.objects.exists()


@pytest.mark.parametrize("line", (RECORDED / "recorded_cli_requests.jsonl").read_text().splitlines())
def test_every_recorded_request_comes_to_its_end(ada: User, line: str) -> None:
    make_graded_asset("python-hello-tutorial", id=145)
    make_task(ada, "python-hello-tutorial")
    payload = json.loads(line)["body"] | {"asset_id": "145"}
    row = process(payload, ada)
    event = payload.get("event")
    if event in (None, "test"):
        assert (row.status, row.status_text) == ("DONE", "OK")
    else:
        assert (row.status, row.status_text) == ("ERROR", f"Learnpack telemetry event `{event}` is not implemented")


@pytest.mark.parametrize("name", ["learnpack_batch_1.json", "learnpack_batch_2.json"])
def test_recorded_batches_are_scored(name: str) -> None:
    payload = batch(name)
    learner = make_user(id=int(payload["user_id"]))
    make_graded_asset(payload["slug"])
    make_task(learner, payload["slug"])
    assert process(payload, learner).status_text == "OK"
    telemetry = AssignmentTelemetry.objects.get()
    assert telemetry.telemetry == payload
    assert telemetry.metrics["global"]["metrics"]["total_steps"] == 4
    assert telemetry.engagement_score == telemetry.metrics["global"]["indicators"]["EngagementIndicator"]
    assert telemetry.metrics_algo_version == 1.0
    assert telemetry.completion_rate == telemetry.metrics["global"]["metrics"]["completion_rate"]


# --- which asset


@pytest.mark.parametrize("case", [c for c in CASES if c["kind"] == "asset-resolution"], ids=lambda case: case["id"])
def test_assets_are_chosen_as_recorded(ada: User, case: dict[str, Any]) -> None:
    for asset in case["assets"]:
        make_graded_asset(**asset)
        make_task(ada, asset["slug"])
    process({"asset_id": case["asset_id"] if not isinstance(case["asset_id"], list) else "x"}, ada)
    slugs = {asset["id"]: asset["slug"] for asset in case["assets"]}
    chosen = case["expect"]["asset_id"]
    assert [row.asset_slug for row in AssignmentTelemetry.objects.all()] == ([slugs[chosen]] if chosen else [])


@pytest.mark.parametrize(
    ("payload", "slug"),
    [
        ({"slug": "arrays"}, "arrays"),
        ({"slug": "old-arrays"}, "arrays"),
        ({"package_slug": "arrays"}, "arrays"),
        ({"slug": "unknown", "package_slug": "arrays"}, "arrays"),
        ({"slug": "loops", "package_slug": "arrays"}, "loops"),
        ({"slug": "taken"}, "loops"),  # an alias wins over a slug
        ({"slug": "loops", "asset_id": "1"}, "arrays"),
        ({"slug": "loops", "package": {"asset_ids": [1]}}, "arrays"),
        ({"slug": "unknown", "package_id": "555"}, "arrays"),
        ({"slug": "unknown", "asset_id": "abc", "package_id": 555}, "arrays"),
    ],
)
def test_a_batch_finds_its_asset_by_id_then_slug_then_package(ada: User, payload: dict[str, Any], slug: str) -> None:
    make_graded_asset("arrays", id=1, learnpack_id=555, aliases=("old-arrays",))
    make_graded_asset("loops", id=2, aliases=("taken",))
    make_graded_asset("taken", id=3)
    for name in ("arrays", "loops", "taken"):
        make_task(ada, name)
    assert process(payload, ada).status_text == "OK"
    assert AssignmentTelemetry.objects.get().asset_slug == slug


def test_an_asset_found_by_id_learns_its_package_from_a_service(ada: User) -> None:
    asset, known = make_graded_asset("arrays"), make_graded_asset("loops", learnpack_id=1)
    for name in ("arrays", "loops"):
        make_task(ada, name)
    service = make_service()
    process({"asset_id": asset.id, "package_id": "555"}, ada, sender=service)
    process({"asset_id": known.id, "package_id": "555"}, ada, sender=service)
    process({"slug": "loops", "package_id": 7}, ada, sender=service)
    asset.refresh_from_db()
    known.refresh_from_db()
    assert (asset.learnpack_id, known.learnpack_id) == (555, 1)


def test_an_asset_learns_its_package_from_no_learner_and_from_no_service_of_another_academy() -> None:
    """An id that anybody could set would be taken for good: the next service would find another package under it."""
    downtown, uptown = make_academy(), make_academy()
    ada = make_user("", "student", downtown, uptown)
    asset, free = make_graded_asset("arrays", academy=uptown), make_graded_asset("loops")
    for sender, own in ((ada, ada), (None, ada), (make_user("", "staff", downtown), ada)):
        process({"asset_id": asset.id, "package_id": 666, "user_id": own.pk}, own, sender=sender)
    process({"asset_id": free.id, "package_id": 667}, ada, sender=ada)
    assert list(Asset.objects.values_list("learnpack_id", flat=True)) == [None, None]
    for target, service in ((asset, make_user("", "staff", uptown)), (free, make_user("", "staff", downtown))):
        process({"asset_id": target.id, "package_id": target.id + 9, "user_id": ada.pk}, ada, sender=service)
        target.refresh_from_db()
        assert target.learnpack_id == target.id + 9


def test_telemetry_goes_to_the_canonical_asset_of_a_transitive_group(ada: User) -> None:
    canonical, spanish, french = (
        make_graded_asset("arrays", id=5),
        make_graded_asset("arrays-es", id=6, lang="es"),
        make_graded_asset("ar", id=9),
    )
    translate(canonical, spanish, french)
    make_task(ada, "arrays-es")
    for slug in ("ar", "arrays-es", "arrays"):
        assert process({"slug": slug}, ada).status_text == "OK"
    assert AssignmentTelemetry.objects.get().asset_slug == "arrays"


# --- whose, and which tasks


def test_a_learner_without_a_task_on_any_translation_is_an_error(ada: User) -> None:
    translate(make_graded_asset("b-arrays"), make_graded_asset("a-arrays"))
    make_task(make_user("other"), "a-arrays")
    assert process({"slug": "b-arrays"}, ada).status_text == (
        "Student with id 1234 has not tasks with associated slug in any of the asset translations: "
        "['a-arrays', 'b-arrays']"
    )


def test_a_user_who_was_made_after_the_request_is_found_and_bound(ada: User) -> None:
    row = receive({"slug": "arrays", "user_id": "77"})
    late = make_user(id=77)
    make_graded_asset("arrays")
    make_task(late, "arrays")
    drain.drain_webhooks()
    row.refresh_from_db()
    assert (row.status_text, row.student) == ("OK", late)
    assert AssignmentTelemetry.objects.get().user == late


def test_a_batch_whose_sender_is_gone_says_so() -> None:
    make_graded_asset("arrays")
    assert process({"slug": "arrays"}).status == "ERROR"


# --- order


def telemetry_at(ada: User, *batches_: dict[str, Any], together: bool) -> tuple[Any, list[str | None]]:
    """Process batches one by one or as one claim; return what is kept and how each row ended."""
    rows = []
    for one in batches_:
        rows.append(receive(one, ada))
        if not together:
            drain.drain_webhooks()
    drain.drain_webhooks()
    texts = [Webhook.objects.get(pk=row.pk).status_text for row in rows]
    return AssignmentTelemetry.objects.get().telemetry["n"], texts


OLDER, NEWER = "OK (superseded by a newer batch)", "OK"


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (1_767_261_700_000, 1_767_261_600_000, 1),
        (1_767_261_600_000, 1_767_261_700_000, 2),
        (1_767_261_700_000, 1_767_261_600, 1),  # seconds
        (1_767_261_600, 1_767_261_700_000, 2),
        ("2026-01-01T10:01:40Z", 1_767_261_600_000, 1),
        (1_767_261_700_000, "1767261600", 1),
        (1_767_261_700_000, None, 1),  # missing is oldest
        (None, 1_767_261_700_000, 2),
        (None, None, 2),  # then by receipt
        (1_767_261_700_000, 1_767_261_700_000, 2),
        (1_767_261_700_000, "soon", 1),
    ],
)
def test_the_newest_by_last_interaction_then_receipt_is_kept(
    ada: User, first: int | str | None, second: int | str | None, kept: int, together: bool
) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    n, texts = telemetry_at(ada, state(at=first, n=1), state(at=second, n=2), together=together)
    assert n == kept
    if together or kept == 1:
        assert texts == ([NEWER, OLDER] if kept == 1 else [OLDER, NEWER])
    else:
        assert texts == [NEWER, NEWER]


def test_a_retried_batch_never_overwrites_a_newer_one(ada: User) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    old = process(state(at=OPENED + 1, n=1), ada)
    process(state(at=OPENED + 2, n=2), ada)
    Webhook.objects.filter(pk=old.pk).update(status="PENDING")
    drain.drain_webhooks()
    old.refresh_from_db()
    assert (old.status, old.status_text) == ("DONE", OLDER)
    assert AssignmentTelemetry.objects.get().telemetry["n"] == 2


def test_processing_a_row_again_changes_nothing(ada: User) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    row = process(state(done=True, n=1), ada)
    before = AssignmentTelemetry.objects.values().exclude(pk=0)[0]
    Webhook.objects.filter(pk=row.pk).update(status="PENDING")
    drain.drain_webhooks()
    after = AssignmentTelemetry.objects.values()[0]
    assert {**before, "updated_at": 0} == {**after, "updated_at": 0}
    row.refresh_from_db()
    assert row.status_text == "OK"


def test_a_staff_write_does_not_change_the_order(ada: User) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    process(state(at=OPENED + 5000, n=1), ada)
    AssignmentTelemetry.objects.update(telemetry={"n": "staff"}, engagement_score=99)
    process(state(at=OPENED + 1000, n=2), ada)
    assert AssignmentTelemetry.objects.get().telemetry["n"] == "staff"
    process(state(at=OPENED + 6000, n=3), ada)
    telemetry = AssignmentTelemetry.objects.get()
    assert (telemetry.telemetry["n"], telemetry.engagement_score) != (3, 99)
    assert telemetry.telemetry["n"] == 3


@pytest.mark.parametrize("together", [True, False])
def test_a_time_ahead_of_the_receipt_counts_as_the_receipt_and_is_noted(ada: User, together: bool) -> None:
    """Otherwise no later batch would be newer: the record would be frozen."""
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    frozen = state(at="9999-12-31T00:00:00Z", n=1)
    now = datetime.now(UTC)
    n, texts = telemetry_at(ada, frozen, state(at=(now + timedelta(seconds=1)).isoformat(), n=2), together=together)
    assert (n, texts[-1]) == (2, NEWER)
    row = Webhook.objects.earliest("id")
    assert row.payload == frozen
    assert row.status_text in (NEWER, OLDER)
    assert "ahead" not in (status_text(row) or "")
    assert "clock is ahead: the time of the last interaction lies 29" in staff_text(row)
    assert AssignmentTelemetry.objects.get().last_interaction_at <= now + timedelta(minutes=1)


def test_a_clock_that_is_a_little_ahead_is_believed(ada: User) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    moment = datetime.now(UTC) + timedelta(minutes=4)
    row = process(state(at=moment.isoformat()), ada)
    assert (row.reason_values, staff_text(row)) == ({}, "OK")
    assert AssignmentTelemetry.objects.get().last_interaction_at == moment


def test_batches_of_a_clock_ahead_are_queued_in_the_order_of_their_receipt(ada: User) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    first = receive(state(at="9999-12-31"), ada)
    receive(state(at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat()), ada)
    call_command("process_assignment_telemetry", stdout=StringIO())
    first.refresh_from_db()
    assert first.status == "IGNORED"


def test_the_upgrade_repairs_records_that_a_time_ahead_has_frozen(ada: User) -> None:
    webhook = receive(state(), ada)
    frozen = datetime(9999, 12, 31, tzinfo=UTC)
    known = make_telemetry(ada, "arrays", last_interaction_at=frozen, receipt=webhook.pk)
    unknown = make_telemetry(ada, "loops", last_interaction_at=frozen, receipt=webhook.pk + 1)
    sound = make_telemetry(ada, "sound", last_interaction_at=NOW, receipt=webhook.pk + 2)
    repair = import_module("learntrace.learnpack.migrations.0005_times_ahead_of_receipt").REPAIR
    execute(repair)
    for row in (known, unknown, sound):
        row.refresh_from_db()
    webhook.refresh_from_db()
    moments = [webhook.created_at, unknown.updated_at, NOW]
    assert [row.last_interaction_at for row in (known, unknown, sound)] == moments


# --- by whom, in which academy


def test_a_service_does_not_write_the_record_of_another_academy_of_the_learner() -> None:
    """Also rows that an older version has let in, and those of a sender whose role was taken away since."""
    downtown, uptown = make_academy(), make_academy()
    ada = make_user("", "student", downtown, uptown)
    theirs = make_graded_asset("theirs", academy=uptown)
    task = make_task(ada, "theirs")
    service = make_user("", "staff", downtown)
    sent = state(done=True, slug="theirs", asset_id=theirs.id, user_id=ada.pk)
    row = process(sent, ada, sender=service)
    assert row.status_text == "Its sender may not send telemetry of this learner on this asset"
    Asset.objects.update(visibility="PRIVATE")
    assert process(sent, ada, sender=service).status_text == NOT_FOUND, "as if there were no such asset"
    Membership.objects.filter(user=service).update(role="teacher")
    assert "may not send" in process(sent, ada, sender=service).status_text
    task.refresh_from_db()
    assert task.task_status == "PENDING"
    assert not AssignmentTelemetry.objects.exists()
    Membership.objects.filter(user=service).update(role="staff", academy=uptown)
    assert process(sent, ada, sender=service).status_text == "OK"


def test_a_services_telemetry_leaves_the_tasks_of_academies_alone_that_it_does_not_serve() -> None:
    downtown, uptown = make_academy(), make_academy()
    ada = make_user("", "student", downtown, uptown)
    make_graded_asset("arrays")
    theirs = make_task(ada, "arrays", cohort=make_cohort("theirs", uptown))
    service = make_user("", "staff", downtown)
    sent = state(done=True, user_id=ada.pk)
    assert "has not tasks" in process(sent, ada, sender=service).status_text
    ours = make_task(ada, "arrays", cohort=make_cohort("ours", downtown))
    assert process(sent, ada, sender=service).status_text == "OK"
    for task, status in ((ours, "DONE"), (theirs, "PENDING")):
        task.refresh_from_db()
        assert task.task_status == status
    assert process(state(done=True, at=OPENED + 700_000), ada, sender=ada).status_text == "OK"
    theirs.refresh_from_db()
    assert theirs.task_status == "DONE", "the learner's own telemetry counts everywhere"


@pytest.mark.parametrize("name", ["asset_id", "slug", "alias", "package_id"])
def test_an_asset_that_another_academy_keeps_to_itself_ends_as_one_that_does_not_exist(name: str) -> None:
    downtown, uptown = make_academy(), make_academy()
    ada = make_user("", "student", downtown)
    hidden = make_graded_asset("hidden", academy=uptown, visibility="PRIVATE", aliases=("other",), learnpack_id=7)
    make_task(ada, "hidden")
    named = {"asset_id": hidden.id, "slug": "hidden", "alias": "other", "package_id": 7}[name]
    sent = state() | {"slug": None, "slug" if name == "alias" else name: named}
    assert process(sent, ada, sender=ada).status_text == NOT_FOUND
    Membership.objects.create(user=ada, academy=uptown, role="student")
    assert process(sent, ada, sender=ada).status_text == "OK"


def test_a_hidden_asset_does_not_stand_in_the_way_of_one_that_may_be_named() -> None:
    downtown, uptown = make_academy(), make_academy()
    ada = make_user("", "student", downtown)
    hidden = make_graded_asset("hidden", academy=uptown, visibility="PRIVATE", aliases=("arrays",), learnpack_id=7)
    make_graded_asset("arrays", academy=downtown, lang="es", learnpack_id=7)
    make_task(ada, "arrays")
    sent = state(slug="arrays", asset_id=hidden.id)
    assert process(sent, ada, sender=ada).status_text == "OK"
    assert process({**state(package_id=7), "slug": None}, ada, sender=ada).status == "DONE"


def test_the_text_about_missing_tasks_names_only_what_its_readers_may_know() -> None:
    downtown, uptown = make_academy(), make_academy()
    shared = make_graded_asset("shared")
    translate(
        shared,
        make_graded_asset("secret", academy=uptown, visibility="PRIVATE", lang="es"),
        make_graded_asset("ours", academy=downtown, visibility="PRIVATE", lang="fr"),
        make_graded_asset("open", academy=uptown, lang="de"),
    )
    for academies, slugs in (
        ([downtown], "['open', 'ours', 'shared']"),
        ([uptown], "['open', 'secret', 'shared']"),
        ([downtown, uptown], "['open', 'shared']"),
        ([], "['open', 'shared']"),
    ):
        ada = make_user("", "student", *academies)
        row = process(state(slug="shared"), ada, sender=ada)
        assert row.status_text.endswith(f"in any of the asset translations: {slugs}")


def test_package_events_answer_alike_for_what_is_not_there_and_what_is_not_the_services() -> None:
    downtown, uptown = make_academy(), make_academy()
    service = make_user("", "staff", downtown)
    theirs = make_graded_asset("theirs", academy=uptown, learnpack_id=7, visibility="PRIVATE")
    for event in sorted(PACKAGE_EVENTS):
        faults: list[dict[str, Any]] = [{}, {"package": {"config": "{"}}, {"payload": {"manifest": []}}]
        for broken in faults:
            answers = {
                str(process({"event": event, **broken, **named}, sender=service).status_text)
                for named in (
                    {"asset_id": theirs.id},
                    {"asset_id": 99},
                    {"slug": "theirs"},
                    {"slug": "x"},
                    {"package_id": 7},
                )
            }
            assert len(answers) == 1
    assert Asset.objects.filter(learnpack_deploy_url=None, config__isnull=True, manifest__isnull=True).count() == 1


# --- what follows for scores and tasks


def test_an_asset_that_is_not_graded_leaves_scores_and_tasks_alone(ada: User) -> None:
    make_asset("arrays")
    task = make_task(ada, "arrays")
    assert process(state(done=True), ada).status_text == "OK"
    telemetry = AssignmentTelemetry.objects.get()
    assert (telemetry.engagement_score, telemetry.metrics, telemetry.completion_rate) == (None, None, None)
    task.refresh_from_db()
    assert (task.task_status, task.reviewed_at) == ("PENDING", None)


def test_the_canonical_asset_decides_whether_a_group_is_graded(ada: User) -> None:
    translate(make_asset("arrays", id=1), make_graded_asset("arrays-es", id=2))
    make_task(ada, "arrays-es")
    process(state(done=True, slug="arrays-es"), ada)
    assert AssignmentTelemetry.objects.get().engagement_score is None


def test_completion_approves_exercises_once_and_leaves_other_types_alone(ada: User) -> None:
    translate(make_graded_asset("arrays", id=1), make_graded_asset("arrays-es", id=2))
    exercise, translated = make_task(ada, "arrays"), make_task(ada, "arrays-es")
    project = make_task(ada, "arrays", task_type="PROJECT", description="mine")
    foreign = make_task(make_user("other"), "arrays")
    process(state(done=True), ada)
    for task in (exercise, translated):
        task.refresh_from_db()
        assert (task.task_status, task.revision_status) == ("DONE", "APPROVED")
        assert task.description == "You have completed all steps on this exercise"
        assert task.delivered_at == task.reviewed_at is not None
    for task in (project, foreign):
        task.refresh_from_db()
        assert (task.task_status, task.delivered_at, task.reviewed_at) == ("PENDING", None, None)
    assert project.description == "mine"
    delivered = exercise.delivered_at
    process(state(done=True, at=OPENED + 700_000), ada)
    exercise.refresh_from_db()
    assert exercise.delivered_at == delivered


def test_below_completion_an_exercise_is_pending_but_never_taken_back_from_done(ada: User) -> None:
    make_graded_asset("arrays")
    open_one = make_task(ada, "arrays", revision_status="REJECTED")
    done = make_task(ada, "arrays", task_status="DONE", revision_status="APPROVED")
    process(state(done=False), ada)
    open_one.refresh_from_db()
    done.refresh_from_db()
    assert (open_one.task_status, open_one.revision_status) == ("PENDING", "PENDING")
    assert open_one.reviewed_at is not None
    assert (done.task_status, done.revision_status, done.reviewed_at) == ("DONE", "APPROVED", None)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"steps": 5}, "steps must be a list"),
        ({"steps": [7]}, "steps[0] must be an object"),
        ({"steps": [{"opened_at": 1, "tests": "x"}]}, "steps[0].tests must be a list"),
        ({"workout_session": 3}, "workout_session must be a list"),
    ],
)
def test_a_shape_without_indicators_is_saved_and_says_what_to_correct(
    ada: User, broken: dict[str, Any], sentence: str
) -> None:
    make_graded_asset("arrays")
    task = make_task(ada, "arrays")
    row = process({"slug": "arrays", **broken}, ada)
    assert row.status == "ERROR"
    assert row.status_text.endswith(sentence)
    assert "Traceback" not in row.status_text
    telemetry = AssignmentTelemetry.objects.get()
    assert (telemetry.telemetry, telemetry.engagement_score) == ({"slug": "arrays", **broken}, None)
    task.refresh_from_db()
    assert task.reviewed_at is None


@pytest.mark.parametrize("missing", ["last_interaction_at", "tutorial_started_at", "steps"])
def test_a_batch_that_lacks_a_field_is_no_failure(ada: User, missing: str) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    payload = state()
    del payload[missing]
    assert process(payload, ada).status_text == "OK"
    assert AssignmentTelemetry.objects.get().engagement_score is not None


def test_total_time_is_kept_as_a_duration(ada: User) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    process(state(at=OPENED + 90_061_500), ada)
    assert AssignmentTelemetry.objects.get().total_time == timedelta(days=1, hours=1, minutes=1, seconds=1.5)


def test_times_at_the_edges_of_the_calendar_do_no_harm(ada: User) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    payload = state(at="9999-12-31T23:59:59Z", tutorial_started_at="0001-01-01")
    assert process(payload, ada).status_text == "OK"
    assert AssignmentTelemetry.objects.get().total_time.days > 3_600_000


# --- package events


def published(**package: Any) -> dict[str, Any]:
    return {"event": "package_published", "slug": "arrays", "package": package}


def test_a_published_package_is_written_onto_all_its_assets() -> None:
    first, second = make_graded_asset("arrays"), make_graded_asset("arrays-es", learnpack_id=1)
    row = process({
        "event": "package_published", "asset_ids": [first.id, second.id], "package_id": "555",
        "payload": {"package": {"deployment_url": "https://d", "custom_deployment_url": "https://c",
                                "config": '{"a": 1}'}, "manifest": {"m": 1}},
    })  # fmt: skip
    assert (row.status, row.status_text) == ("DONE", "OK")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.learnpack_id, second.learnpack_id) == (555, 1)
    for asset in (first, second):
        assert (asset.learnpack_deploy_url, asset.manifest, asset.config) == ("https://c", {"m": 1}, {"a": 1})


@pytest.mark.parametrize(
    "named",
    [
        {"slug": "arrays"}, {"package_slug": "old"}, {"package": {"package_slug": "arrays"}},
        {"slug": "x", "package_id": 555}, {"slug": "x", "package": {"id": "555"}}, {"package": {"asset_id": 1}},
    ],
)  # fmt: skip
def test_a_package_event_finds_its_asset(named: dict[str, Any]) -> None:
    asset = make_graded_asset("arrays", id=1, learnpack_id=555, aliases=("old",))
    inner = {**named.get("package", {}), "deployment_url": "https://d"}
    assert process({"event": "package_published", **named, "package": inner}).status_text == "OK"
    asset.refresh_from_db()
    assert asset.learnpack_deploy_url == "https://d"


def test_an_empty_address_does_not_replace_one() -> None:
    asset = make_graded_asset("arrays", learnpack_deploy_url="https://old", config={"old": 1})
    process(published(deployment_url="", config="  "))
    asset.refresh_from_db()
    assert (asset.learnpack_deploy_url, asset.config) == ("https://old", {"old": 1})


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (published(config="{"), "Invalid package.config JSON in package_published payload: Expecting property name"),
        (published(id="abc"), "Invalid package_id in package_published payload: abc"),
        ({"event": "package_published", "slug": "nothing"},
         "Asset specified by learnpack package_published was not found using either the payload 'asset_id' or 'slug'"),
        ({"event": "package_manifest_updated", "slug": "nothing"},
         ("Asset specified by learnpack package_manifest_updated was not found using either the payload 'asset_id' or "
         "'slug'")),
        ({"event": "package_manifest_updated", "slug": "arrays", "payload": {"manifest": []}},
         "Impossible to retrieve learnpack manifest from package_manifest_updated payload"),
        ({"event": "package_published", "user_id": 1234}, "Impossible to retrive learnpack exercise slug"),
    ],
)  # fmt: skip
def test_package_events_that_cannot_be_used_say_why(ada: User, payload: dict[str, Any], text: str) -> None:
    make_graded_asset("arrays")
    row = process(payload, ada)
    assert row.status == "ERROR"
    assert row.status_text.startswith(text)


def test_a_manifest_update_writes_nothing_else() -> None:
    asset = make_graded_asset("arrays")
    process({"event": "package_manifest_updated", "slug": "arrays", "package_id": 5,
             "payload": {"manifest": {"m": 2}, "package": {"deployment_url": "https://d"}}})  # fmt: skip
    asset.refresh_from_db()
    assert (asset.manifest, asset.learnpack_id, asset.learnpack_deploy_url) == ({"m": 2}, None, None)


def test_a_service_by_role_changes_the_assets_of_its_own_academy_and_of_none() -> None:
    downtown, uptown = make_academy(), make_academy()
    service = make_user("", "staff", downtown)
    assets = [make_graded_asset(academy=academy) for academy in (downtown, uptown, None)]
    event = {"event": "package_published", "package": {"deployment_url": "https://d"}}
    assert process({**event, "asset_ids": [asset.id for asset in assets]}, sender=service).status_text == "OK"
    assert [Asset.objects.get(pk=asset.pk).learnpack_deploy_url for asset in assets] == ["https://d", None, "https://d"]
    row = process({**event, "slug": assets[1].slug}, sender=service)
    assert "package_published was not found" in row.status_text


# --- faults


def test_a_row_that_breaks_us_does_not_stop_its_neighbours(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    good, bad = receive(state(n=1), ada), receive({"slug": "arrays", "poison": True, "event": "batch"}, ada)
    real = dispatch.batch_of

    def locate(webhook: Any, *rest: Any) -> Any:
        if webhook.payload.get("poison"):
            raise ZeroDivisionError
        return real(webhook, *rest)

    monkeypatch.setattr(dispatch, "batch_of", locate)
    drain.drain_webhooks()
    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.status, bad.status) == ("DONE", "ERROR")
    assert "fault of the server" in bad.status_text
    assert "ZeroDivision" not in bad.status_text


def test_a_transient_failure_stays_pending_and_is_tried_again_later(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    row = receive(state(), ada)
    with monkeypatch.context() as patched:
        patched.setattr(drain, "process_batches", _raise_operational)
        with pytest.raises(OperationalError):
            drain.process_next()
    row.refresh_from_db()
    assert (row.status, row.attempts, row.status_text) == ("PENDING", 1, None)
    assert row.retry_at > timezone.now() - timedelta(seconds=1)
    Webhook.objects.update(retry_at=datetime(2026, 1, 1, tzinfo=UTC))
    drain.drain_webhooks()
    row.refresh_from_db()
    assert row.status_text == "OK"


def _raise_operational(*_arguments: object) -> None:
    raise OperationalError("deadlock detected")


def test_the_number_of_queries_does_not_grow_with_the_batch(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(50):
        learner = make_user(f"learner-{number}")
        make_graded_asset(f"asset-{number}")
        make_task(learner, f"asset-{number}")
        receive({"slug": f"asset-{number}", "steps": steps(True)}, learner)
    with django_assert_max_num_queries(20):
        assert drain.process_next() == 50
    assert set(Webhook.objects.values_list("status_text", flat=True)) == {"OK"}


def test_the_sentence_of_a_row_is_told_in_the_reader_s_language(ada: User) -> None:
    row = process({"slug": "x", "event": "open_step"}, ada)
    with translation.override("es"):
        assert status_text(row) not in (None, "", row.status_text)
        assert "open_step" in status_text(row)
    assert status_text(row) == row.status_text


@pytest.mark.parametrize(("broken", "expected"), [({"steps": 5}, "steps debe ser una lista"),
                                                  ({"steps": [7]}, "steps[0] debe ser un objeto")])  # fmt: skip
def test_what_a_shape_should_have_been_is_told_whole_in_the_reader_s_language(
    ada: User, broken: dict[str, Any], expected: str
) -> None:
    make_graded_asset("arrays")
    make_task(ada, "arrays")
    row = process({"slug": "arrays", **broken}, ada)
    with translation.override("es"):
        assert status_text(row).endswith(expected)


# --- queueing


def test_queueing_leaves_only_the_newest_batch_of_a_learner_and_asset(ada: User) -> None:
    translate(make_graded_asset("arrays", id=1), make_graded_asset("arrays-es", id=2))
    make_graded_asset("loops", id=3)
    older = receive(state(at=OPENED + 1), ada)
    newest = receive(state(at=OPENED + 9, slug="arrays-es"), ada)
    late = receive(state(at=OPENED + 5), ada)
    others = [
        receive({"slug": "loops"}, ada),
        receive({"slug": "?"}, ada),
        receive({"slug": "s", "event": "test"}, ada),
    ]
    out = StringIO()
    call_command("process_assignment_telemetry", "--dry-run", stdout=out)
    assert "4 webhooks would be queued, 2 older batches would be ignored." in out.getvalue()
    assert Webhook.objects.filter(status="PENDING").count() == 6
    for ignored in (2, 0):
        out = StringIO()
        call_command("process_assignment_telemetry", stdout=out)
        assert out.getvalue() == f"4 webhooks queued, {ignored} older batches ignored.\n"
    for row in (older, late):
        row.refresh_from_db()
        assert (row.status, row.status_text) == (
            "IGNORED",
            "Ignored because a more recent telemetry batch was obtained.",
        )
    pending = set(Webhook.objects.filter(status="PENDING").values_list("id", flat=True))
    assert pending == {newest.id, *(row.id for row in others)}


def test_queueing_brings_postponed_rows_forward(ada: User) -> None:
    row = receive({"slug": "x"}, ada, retry_at=timezone.now() + timedelta(hours=1))
    assert drain.process_next() == 0
    call_command("process_assignment_telemetry", stdout=StringIO())
    assert drain.process_next() == 1
    row.refresh_from_db()
    assert row.status == "ERROR"
