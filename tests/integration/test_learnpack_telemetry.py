"""From LearnPack's batches and streaming events to attempts and measures."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from learntrace.accounts.academy_settings import merge_features
from learntrace.accounts.models import Academy, Membership, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.learnpack import drain, telemetry
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.telemetry import take_attempts
from learntrace.progress import recomputation
from learntrace.progress.models import Activity, Assignment, Progress, Stale
from learntrace.registry.models import Asset
from tests.making import make_academy, make_asset, make_task, make_user, translate
from tests.unit.recorded_cases import RECORDED, batch

pytestmark = pytest.mark.django_db

SLUG = "python-hello-tutorial"
LINES = [json.loads(line)["body"] for line in (RECORDED / "recorded_cli_requests.jsonl").read_text().splitlines()]
BATCHES = [body for body in LINES if "event" not in body]
COMPILED = next(body for body in LINES if body.get("event") == "compile")
TWO = f"{SLUG}/02-sum-two-numbers"


@pytest.fixture
def academy() -> Academy:
    return make_academy("downtown")


@pytest.fixture
def ada(academy) -> User:
    user = make_user("ada", id=1234, academy=academy)
    make_task(user, SLUG)
    return user


@pytest.fixture
def asset(academy) -> Asset:
    return make_asset(SLUG, id=145, academy=academy)


def receive(payload: dict[str, Any], user: User, **fields: Any) -> Webhook:
    """A row as the inbox writes it, with the asset id of the client's query."""
    return Webhook.objects.create(
        is_streaming="event" in payload, event=payload.get("event", "batch"), student=user,
        payload=payload | {"asset_id": "145"}, **fields,
    )  # fmt: skip


def process(*payloads: dict[str, Any], user: User, attempts: bool = True) -> list[tuple[str, str | None]]:
    rows = [receive(payload, user) for payload in payloads]
    drain.drain_webhooks()
    if attempts:
        while take_attempts():
            pass
    return [
        (row.status, row.status_text) for row in Webhook.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
    ]


def told() -> list[tuple[str, str, str | None]]:
    rows = Activity.objects.order_by("at", "arrival")
    return [(row.assignment.partition("/")[2], row.object_id or row.verb, row.outcome) for row in rows]


def stream(academy: Academy, on: bool = True) -> None:
    merge_features(academy, {"streaming_events": on})


SESSION = [
    ("01-hello-world", "opened", None),
    ("01-hello-world", "compile", "ok"),
    ("01-hello-world", "test", "ok"),
    ("01-hello-world", "asked", None),
    ("02-sum-two-numbers", "opened", None),
    ("02-sum-two-numbers", "compile", "error"),
    ("02-sum-two-numbers", "test", "error"),
    ("03-goodbye", "opened", None),
]


def test_a_batch_becomes_attempts_and_measures(ada, asset, academy):
    process(*BATCHES, user=ada)
    assert told() == SESSION
    progress = Progress.objects.get(user=ada, academy=academy, assignment=TWO)
    assert (progress.attempts, progress.errors, progress.last_outcome) == (2, 2, "error")
    assert Progress.objects.get(assignment=f"{SLUG}/01-hello-world").done_at is not None


def test_batch_after_batch_comes_to_the_same_as_the_last_one_alone(ada, asset):
    for payload in BATCHES:
        process(payload, user=ada)
    assert told() == SESSION
    before = list(Activity.objects.order_by("pk").values())
    process(BATCHES[-1], user=ada)
    assert list(Activity.objects.order_by("pk").values()) == before


def test_an_attempt_that_a_newer_document_no_longer_tells_is_gone(ada, asset):
    process(BATCHES[-1], user=ada)
    reset = BATCHES[-1] | {
        "last_interaction_at": BATCHES[-1]["last_interaction_at"] + 1000,
        "steps": [step | {"compilations": [], "tests": []} for step in BATCHES[-1]["steps"]],
    }
    process(reset, user=ada)
    assert "compile" not in {what for _step, what, _outcome in told()}
    assert Progress.objects.get(assignment=TWO).attempts == 0


def test_the_drain_only_notes_what_has_changed(ada, asset):
    process(BATCHES[-1], user=ada, attempts=False)
    assert Stale.objects.get().asset_slug == SLUG
    assert not Activity.objects.exists()
    # A batch that is superseded changes nothing.
    take_attempts()
    process(BATCHES[0], user=ada, attempts=False)
    assert not Stale.objects.exists()


def test_steps_are_assignments_of_the_canonical_asset(ada, academy, asset):
    canonical = make_asset("hola", id=99, academy=academy)
    translate(canonical, asset)
    process(BATCHES[-1], user=ada)
    rows = list(Assignment.objects.filter(academy=academy, asset=canonical).values_list("key", "position"))
    steps = BATCHES[-1]["steps"]
    assert rows == [(f"hola/{step['slug']}", position) for position, step in enumerate(steps)]
    assert Activity.objects.filter(assignment__startswith="hola/").count() == len(SESSION)
    shorter = BATCHES[-1] | {"last_interaction_at": BATCHES[-1]["last_interaction_at"] + 1, "steps": steps[:2]}
    process(shorter, user=ada)
    assert Assignment.objects.count() == 2


@pytest.mark.parametrize(("asset_academy", "expected"), [("second", "second"), ("strange", "first"), (None, "first")])
def test_the_academy_is_the_assets_where_the_learner_is_one_of_it(asset_academy, expected):
    academies = {slug: make_academy(slug) for slug in ("strange", "first", "second")}
    ada = make_user("ada", id=1234)
    for slug in ("first", "second"):
        Membership.objects.create(user=ada, academy=academies[slug], role="student")
    make_asset(SLUG, id=145, academy=academies.get(asset_academy))
    make_task(ada, SLUG)
    process(BATCHES[-1], user=ada)
    assert {row.academy_id for row in Activity.objects.all()} == {academies[expected].pk}
    assert {row.academy_id for row in Assignment.objects.all()} == {academies[expected].pk}


def test_who_is_in_no_academy_has_attempts_that_nobody_sees():
    ada = make_user("ada", id=1234)
    make_asset(SLUG, id=145)
    make_task(ada, SLUG)
    process(BATCHES[-1], user=ada)
    assert {row.academy_id for row in Activity.objects.all()} == {None}
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("name", ["learnpack_batch_1.json", "learnpack_batch_2.json"])
def test_both_recorded_clients_batches_are_understood(academy, name):
    payload = batch(name)
    learner = make_user(id=int(payload["user_id"]), academy=academy)
    make_asset(payload["slug"], id=145)
    make_task(learner, payload["slug"])
    process(payload, user=learner)
    runs = sum(len(step["compilations"]) + len(step["tests"]) for step in payload["steps"])
    assert Activity.objects.filter(outcome__isnull=False).count() == runs > 0


# Streaming events.


def test_streaming_events_are_activity_where_the_academy_takes_them(ada, asset, academy):
    stream(academy)
    events = [body for body in LINES if "event" in body]
    assert process(*events, user=ada) == [("DONE", "OK")] * len(events)
    assert sorted(told()) == sorted(SESSION)
    assert Progress.objects.get(assignment=TWO).errors == 2


def test_elsewhere_they_are_not_implemented_as_before(ada, asset, academy):
    stream(academy, on=False)
    for event in ("open_step", "compile", "ai_interaction", "quiz_submission"):
        text = f"Learnpack telemetry event `{event}` is not implemented"
        assert process(COMPILED | {"event": event}, user=ada) == [("ERROR", text)]
    assert process(COMPILED | {"event": "test"}, user=ada) == [("DONE", "OK")]
    assert not Activity.objects.exists()


def test_the_academy_is_asked_that_sees_the_learners_work(ada, asset, academy):
    stream(make_academy("another"))
    assert process(COMPILED, user=ada)[0][0] == "ERROR"
    asset.academy = None
    asset.save()
    stream(academy)
    assert process(COMPILED, user=ada)[0][0] == "DONE"


def test_a_quiz_submission_is_activity(ada, asset, academy):
    stream(academy)
    event = COMPILED | {"event": "quiz_submission", "data": {"started_at": 1795311107245, "status": "ERROR"}}
    assert process(event, user=ada) == [("DONE", "OK")]
    assert told() == [("01-hello-world", "answered", None)]


def test_a_streaming_event_without_its_asset_is_an_error(ada, academy):
    stream(academy)
    make_asset("01-hello-world")  # the step's slug names no asset
    ((status, text),) = process(COMPILED, user=ada)
    assert (status, text) == (
        "ERROR",
        "Asset specified by learnpack telemetry was not found using either the payload 'asset_id' or 'slug'",
    )


def test_an_event_that_tells_no_attempt_ends_done_and_counts_for_nothing(ada, asset, academy):
    stream(academy)
    for told_so_far in ({}, [], {"exitCode": 0}, {"starting_at": 1795311107245}):
        assert process(COMPILED | {"data": told_so_far}, user=ada) == [("DONE", "OK")]
    assert not Activity.objects.exists()


def test_a_run_that_was_streamed_and_stands_in_the_batch_counts_once(ada, asset, academy):
    stream(academy)
    for payload in LINES:
        process(payload, user=ada)
    told_now = told()
    assert [one for one in told_now if one[1] in {"compile", "test", "asked"}] == [
        one for one in SESSION if one[1] in {"compile", "test", "asked"}
    ]
    # In whatever order they come.
    Activity.objects.all().delete()
    Progress.objects.all().delete()
    for payload in reversed(LINES):
        process(payload, user=ada)
    assert sorted(one for one in told() if one[1] != "opened") == sorted(one for one in SESSION if one[1] != "opened")


def test_what_was_streamed_after_the_document_stays_until_one_that_covers_it(ada, asset, academy):
    stream(academy)
    process(BATCHES[-1], user=ada)
    later = BATCHES[-1]["last_interaction_at"] + 5000
    event = COMPILED | {"data": COMPILED["data"] | {"starting_at": later, "exitCode": 1}}
    process(event, user=ada)
    Stale.objects.create(user=ada, asset_slug=SLUG, source="learnpack")
    take_attempts()
    assert told()[-1] == ("01-hello-world", "compile", "error")
    # The document that covers it doesn't have it: the client's whole state is the better witness.
    process(BATCHES[-1] | {"last_interaction_at": later + 1000}, user=ada)
    assert told() == SESSION


@pytest.mark.parametrize("value", ["yes", 1, None, []])
def test_the_setting_is_true_or_false(cast, teacher, value):
    body = {"learnpack_features": {"streaming_events": value}}
    answer = teacher.put("/v1/auth/academy/settings", body)
    assert answer.status_code == 400
    assert answer.json() == {"learnpack_features": ["`streaming_events` must be true or false"]}


# Recomputing.


@pytest.mark.parametrize("streaming", [False, True])
def test_recomputing_changes_nothing(ada, asset, academy, streaming):
    stream(academy, on=streaming)
    for payload in LINES:
        process(payload, user=ada)
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()
    Activity.objects.all().delete()
    assert recomputation.recompute_learner(ada.pk).activities == len(telemetry.derive(ada.pk)) > 0


def test_deriving_leaves_other_sources_and_staffs_documents_alone(ada, asset):
    for slug, document, receipt in (
        ("lesson-03", BATCHES[-1] | {"agent": "jupyter"}, 5),
        ("by-hand", BATCHES[-1], None),
    ):
        AssignmentTelemetry.objects.create(user=ada, asset_slug=slug, telemetry=document, receipt=receipt)
    assert telemetry.derive(ada.pk) == []
    assert telemetry.learners(None) == []


def test_learners_are_found_by_their_documents_and_by_what_they_streamed(ada, asset, academy):
    stream(academy)
    other = make_user("grace", id=1235, academy=academy)
    process(BATCHES[-1], user=ada)
    process(COMPILED | {"user_id": 1235}, user=other)
    assert telemetry.learners(None) == [1234, 1235]
    assert telemetry.learners(TWO) == [1234]
    assert telemetry.learners(f"{SLUG}/01-hello-world") == [1234, 1235]


def test_a_stored_document_of_any_shape_is_taken(ada, asset):
    at = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1000)
    shapes: list[dict[str, Any]] = [
        {"steps": "x"}, {"steps": [None, 5]}, {"steps": [{"slug": "a", "tests": {}}]},
        {"workout_session": 5, "steps": [{"slug": "a", "opened_at": at}]},
    ]  # fmt: skip
    for number, shape in enumerate(shapes):
        process({"slug": SLUG, "user_id": 1234, "last_interaction_at": at + number} | shape, user=ada)
    assert told() == [("a", "opened", None)]
