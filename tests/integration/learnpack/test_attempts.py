"""From LearnPack's batches and streaming events to attempts and measures."""

import copy
import json
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import hypothesis
import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from learntrace.accounts.academy_settings import merge_features
from learntrace.accounts.models import Academy, Grant, Membership, User
from learntrace.assignments import staff_telemetry
from learntrace.assignments.learner_records import learners_with_missing_attempts
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.sql import execute
from learntrace.core.stopwatch import Pace
from learntrace.learnpack.attempts import derivation, short_documents, stored_documents
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import ReadingPosition, UnreadDocument, Webhook
from learntrace.learnpack.processing import drain
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.notebooks.documents.telemetry_queue import make_documents
from learntrace.progress.models import Activity, Assignment, Progress, Stale
from learntrace.progress.recording import recomputation, recording
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.stale_queue import mark_stale
from learntrace.registry.models import Asset
from learntrace.signals.models import Signal
from tests.support.builders import Api, Cast, make_academy, make_graded_asset, make_task, make_user, translate
from tests.support.recorded_cases import RECORDED, batch

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
def ada(academy: Academy) -> User:
    user = make_user("ada", "student", academy, id=1234)
    make_task(user, SLUG)
    return user


@pytest.fixture
def asset(academy: Academy) -> Asset:
    return make_graded_asset(SLUG, id=145, academy=academy)


def receive(payload: dict[str, Any], user: User, **fields: Any) -> Webhook:
    """A row as the inbox writes it, with the asset id of the client's query."""
    return Webhook.objects.create(
        is_streaming="event" in payload,
        event=payload.get("event", "batch"),
        student=user,
        payload=payload | {"asset_id": "145"},
        **fields,
    )


def process(
    *payloads: dict[str, Any], user: User, attempts: bool = True, sender: User | None = None
) -> list[tuple[str, str | None]]:
    rows = [receive(payload, user, sender=sender) for payload in payloads]
    drain.drain_webhooks()
    if attempts:
        while take_attempts():
            pass
    return [
        (row.status, row.status_text) for row in Webhook.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
    ]


def make_service() -> User:
    """A service of all academies: what it lists are the steps of an asset."""
    service = make_user()
    Grant.objects.create(user=service, permission="upload_any_telemetry")
    return service


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


def test_a_batch_becomes_attempts_and_measures(ada: User, asset: Asset, academy: Academy) -> None:
    process(*BATCHES, user=ada)
    assert told() == SESSION
    progress = Progress.objects.get(user=ada, academy=academy, assignment=TWO)
    assert (progress.attempts, progress.errors, progress.last_outcome) == (2, 2, "error")
    assert Progress.objects.get(assignment=f"{SLUG}/01-hello-world").done_at is not None


def test_batch_after_batch_comes_to_the_same_as_the_last_one_alone(ada: User, asset: Asset) -> None:
    for payload in BATCHES:
        process(payload, user=ada)
    assert told() == SESSION
    before = list(Activity.objects.order_by("pk").values())
    process(BATCHES[-1], user=ada)
    assert list(Activity.objects.order_by("pk").values()) == before


def test_an_attempt_that_a_newer_document_no_longer_tells_stays(ada: User, asset: Asset) -> None:
    process(BATCHES[-1], user=ada)
    reset = BATCHES[-1] | {
        "last_interaction_at": BATCHES[-1]["last_interaction_at"] + 1000,
        "steps": [step | {"compilations": [], "tests": []} for step in BATCHES[-1]["steps"]],
    }
    process(reset, user=ada)
    assert told() == SESSION
    assert Progress.objects.get(assignment=TWO).attempts == 2


def test_what_a_newer_document_no_longer_tells_is_noted_until_one_tells_it_again(
    ada: User, asset: Asset, academy: Academy
) -> None:
    document = BATCHES[-1]
    fewer = document | {
        "last_interaction_at": document["last_interaction_at"] + 1000,
        "steps": [step | {"tests": []} for step in document["steps"]],
    }
    teacher = Api(make_user("tina", "teacher", academy), academy)
    question = f"/v1/diagnosis/academy/telemetry?user=ada&asset={SLUG}"

    def said() -> tuple[int, str, int]:
        record = AssignmentTelemetry.objects.get()
        (check,) = [one for one in teacher.get(question).json()["checks"] if one["check"] == "record"]
        return record.untold_attempts, check["detail"], learners_with_missing_attempts(academy)

    process(document, user=ada)
    told_before = said()
    assert (told_before[0], told_before[2]) == (0, 0)
    tests = Activity.objects.filter(object_id="test").count()
    assert tests > 0
    process(fewer, user=ada)
    untold, detail, learners = said()
    assert (untold, learners) == (tests, 1)
    assert (
        f"The latest message reports fewer attempts or completed steps than earlier ones did ({tests} fewer); all of them count"
        in detail
    )
    process(document | {"last_interaction_at": document["last_interaction_at"] + 2000}, user=ada)
    assert (said()[0], said()[2]) == (0, 0)


def test_an_empty_document_of_a_second_device_undoes_nothing_and_is_told(
    ada: User, asset: Asset, academy: Academy
) -> None:
    """Steps that are read and completed have no runs: what is lost are completions."""
    moment = 1_760_000_000_000
    steps = [{"slug": slug, "opened_at": moment, "completed_at": moment + 1000} for slug in ("a", "b", "c")]
    whole = {"slug": SLUG, "last_interaction_at": moment + 2000, "steps": steps}
    process(whole, user=ada)
    assert AssignmentTelemetry.objects.get().untold_attempts == 0
    process({"slug": SLUG, "last_interaction_at": moment + 60_000, "steps": []}, user=ada)
    record = AssignmentTelemetry.objects.get()
    assert (record.telemetry["steps"], record.untold_attempts) == ([], 3)
    assert Progress.objects.filter(done_at__isnull=False).count() == 3
    teacher = Api(make_user("tina", "teacher", academy), academy)
    told = teacher.get(f"/v1/diagnosis/academy/telemetry?user=ada&asset={SLUG}").json()
    (check,) = [one for one in told["checks"] if one["check"] == "record"]
    assert "reports fewer attempts or completed steps than earlier ones did (3 fewer)" in check["detail"]
    assert learners_with_missing_attempts(academy) == 1
    # Completed again at another time is completed.
    again = [step | {"completed_at": moment + 90_000} for step in steps]
    process({"slug": SLUG, "last_interaction_at": moment + 120_000, "steps": again}, user=ada)
    assert AssignmentTelemetry.objects.get().untold_attempts == 0


def test_the_drain_only_notes_what_has_changed(ada: User, asset: Asset) -> None:
    process(BATCHES[-1], user=ada, attempts=False)
    assert Stale.objects.get().asset_slug == SLUG
    assert not Activity.objects.exists()
    take_attempts()
    assert not Stale.objects.exists()
    # What a batch that is superseded tells is read too, unless it is what the record tells.
    process(BATCHES[0], user=ada, attempts=False)
    assert Stale.objects.exists()
    assert UnreadDocument.objects.get().document["steps"] == BATCHES[0]["steps"]
    take_attempts()
    process(BATCHES[-1] | {"last_interaction_at": 1}, user=ada, attempts=False)
    assert not Stale.objects.exists()
    assert not UnreadDocument.objects.exists()


def test_many_documents_to_be_read_take_turns_between_which_others_get_theirs(
    ada: User, asset: Asset, academy: Academy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (derivation, stored_documents):
        monkeypatch.setattr(module, "MOST_UNREAD", 3)
    monkeypatch.setattr(derivation, "READING_SECONDS", 0)
    step = BATCHES[-1]["steps"][1]
    runs = [step["compilations"][0] | {"starting_at": 1795311000000 + 1000 * number} for number in range(10)]
    documents = [
        BATCHES[0] | {"steps": [step | {"compilations": [run], "tests": []}], "last_interaction_at": 1795310000000}
        for run in runs
    ]
    process(BATCHES[-1], *documents, user=ada, attempts=False)
    assert UnreadDocument.objects.count() == 10
    bob = make_user("bob", "student", academy, id=1235)
    make_task(bob, SLUG)
    process(BATCHES[-1] | {"user_id": 1235}, user=bob, attempts=False)
    turns = 0
    while take_attempts():
        turns += 1
        assert UnreadDocument.objects.count() >= 10 - turns
        assert turns < 40
    assert turns >= 10
    assert Activity.objects.filter(user=bob).count() == len(SESSION)
    assert Activity.objects.filter(user=ada, object_id="compile").count() == 12
    assert not UnreadDocument.objects.exists()


def test_a_turn_takes_fewer_documents_where_turns_take_long(
    ada: User, asset: Asset, academy: Academy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derivation, "FEWEST", 2)
    monkeypatch.setattr(derivation, "_pace", Pace(1e-6, least=2, most=8))
    others = [make_user(f"learner-{number}", "student", academy) for number in range(7)]
    for learner in others:
        make_task(learner, SLUG)
    for learner in [ada, *others]:
        process(BATCHES[-1] | {"user_id": learner.pk}, user=learner, attempts=False)
    assert take_attempts() == 8
    assert Activity.objects.values("user").distinct().count() == 8
    for learner in [ada, *others]:
        mark_stale(SOURCE, [(learner.pk, SLUG)])
    taken = [take_attempts() for _turn in range(4)]
    assert taken == [4, 2, 2, 0]


def test_a_document_whose_recording_fails_is_kept_and_holds_up_no_other(
    ada: User, asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(BATCHES[-1], user=ada)
    step = BATCHES[-1]["steps"][1]
    only = BATCHES[0] | {"steps": [step | {"compilations": [step["compilations"][0] | {"starting_at": 1795311000000}]}]}
    works = recording.record

    def stumbles(source: str, activities: list[LearnerActivity], **more: Any) -> int:
        if any(row.activity.at.timestamp() * 1000 == 1795311000000 for row in activities):
            raise RuntimeError("a fault of ours")
        return works(source, activities, **more)

    monkeypatch.setattr(short_documents, "record", stumbles)
    process(only, user=ada)
    assert UnreadDocument.objects.get().fault == "RuntimeError: a fault of ours"
    newer = {"last_interaction_at": BATCHES[-1]["last_interaction_at"] + 1}
    process(
        BATCHES[-1] | newer | {"steps": [*BATCHES[-1]["steps"], {"slug": "more", "opened_at": 1795311000001}]}, user=ada
    )
    assert told()[0] == ("more", "opened", None)
    # What was kept can still be had.
    monkeypatch.undo()
    assert recomputation.recompute_learner(ada.pk).activities == 1


def test_steps_are_assignments_of_the_canonical_asset(ada: User, academy: Academy, asset: Asset) -> None:
    canonical = make_graded_asset("hola", id=99, academy=academy)
    translate(canonical, asset)
    service = make_service()
    process(BATCHES[-1], user=ada, sender=service)
    rows = list(Assignment.objects.filter(academy=academy, asset=canonical).values_list("key", "position"))
    steps = BATCHES[-1]["steps"]
    assert rows == [(f"hola/{step['slug']}", position) for position, step in enumerate(steps)]
    assert Activity.objects.filter(assignment__startswith="hola/").count() == len(SESSION)
    shorter = BATCHES[-1] | {"last_interaction_at": BATCHES[-1]["last_interaction_at"] + 1, "steps": steps[:2]}
    process(shorter, user=ada, sender=service)
    assert Assignment.objects.count() == 2


@pytest.mark.parametrize(("asset_academy", "expected"), [("second", "second"), ("strange", "first"), (None, "first")])
def test_the_academy_is_the_assets_where_the_learner_is_one_of_it(asset_academy: str | None, expected: str) -> None:
    academies = {slug: make_academy(slug) for slug in ("strange", "first", "second")}
    ada = make_user("ada", id=1234)
    for slug in ("first", "second"):
        Membership.objects.create(user=ada, academy=academies[slug], role="student")
    make_graded_asset(SLUG, id=145, academy=academies.get(asset_academy))
    make_task(ada, SLUG)
    process(BATCHES[-1], user=ada, sender=make_service())
    assert {row.academy_id for row in Activity.objects.all()} == {academies[expected].pk}
    assert {row.academy_id for row in Assignment.objects.all()} == {academies[expected].pk}


def test_who_is_in_no_academy_has_attempts_that_nobody_sees() -> None:
    ada = make_user("ada", id=1234)
    make_graded_asset(SLUG, id=145)
    make_task(ada, SLUG)
    process(BATCHES[-1], user=ada, sender=make_service())
    assert {row.academy_id for row in Activity.objects.all()} == {None}
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("name", ["learnpack_batch_1.json", "learnpack_batch_2.json"])
def test_both_recorded_clients_batches_are_understood(academy: Academy, name: str) -> None:
    payload = batch(name)
    learner = make_user("", "student", academy, id=int(payload["user_id"]))
    make_graded_asset(payload["slug"], id=145)
    make_task(learner, payload["slug"])
    process(payload, user=learner)
    kinds = ("compilations", "tests", "quiz_submissions")
    runs = sum(len(step.get(kind, [])) for step in payload["steps"] for kind in kinds)
    assert Activity.objects.filter(outcome__isnull=False).count() == runs > 0


# Streaming events.


def test_streaming_events_are_activity_where_the_academy_takes_them(ada: User, asset: Asset, academy: Academy) -> None:
    stream(academy)
    events = [body for body in LINES if "event" in body]
    assert process(*events, user=ada) == [("DONE", "OK")] * len(events)
    assert sorted(told()) == sorted(SESSION)
    assert Progress.objects.get(assignment=TWO).errors == 2


def test_elsewhere_they_are_not_implemented_as_before(ada: User, asset: Asset, academy: Academy) -> None:
    stream(academy, on=False)
    for event in ("open_step", "compile", "ai_interaction", "quiz_submission"):
        text = f"Learnpack telemetry event `{event}` is not implemented"
        assert process(COMPILED | {"event": event}, user=ada) == [("ERROR", text)]
    assert process(COMPILED | {"event": "test"}, user=ada) == [("DONE", "OK")]
    assert not Activity.objects.exists()


def test_the_academy_is_asked_that_sees_the_learners_work(ada: User, asset: Asset, academy: Academy) -> None:
    stream(make_academy("another"))
    assert process(COMPILED, user=ada)[0][0] == "ERROR"
    asset.academy = None
    asset.save()
    stream(academy)
    assert process(COMPILED, user=ada)[0][0] == "DONE"


def test_a_quiz_submission_is_an_attempt(ada: User, asset: Asset, academy: Academy) -> None:
    stream(academy)
    event = COMPILED | {"event": "quiz_submission", "data": {"started_at": 1795311107245, "status": "ERROR"}}
    assert process(event, user=ada) == [("DONE", "OK")]
    assert told() == [("01-hello-world", "quiz", "error")]


def test_a_streaming_event_without_its_asset_is_an_error(ada: User, academy: Academy) -> None:
    stream(academy)
    make_graded_asset("01-hello-world")  # the step's slug names no asset
    ((status, text),) = process(COMPILED, user=ada)
    assert (status, text) == (
        "ERROR",
        "Asset specified by learnpack telemetry was not found using either the payload 'asset_id' or 'slug'",
    )


def test_an_event_that_tells_no_attempt_ends_done_and_counts_for_nothing(
    ada: User, asset: Asset, academy: Academy
) -> None:
    stream(academy)
    incomplete: list[Any] = [{}, [], {"exitCode": 0}, {"starting_at": 1795311107245}]
    for told_so_far in incomplete:
        assert process(COMPILED | {"data": told_so_far}, user=ada) == [("DONE", "OK")]
    assert not Activity.objects.exists()


def test_a_run_that_was_streamed_and_stands_in_the_batch_counts_once(ada: User, asset: Asset, academy: Academy) -> None:
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


def test_what_was_streamed_stays_also_where_a_document_covers_it(ada: User, asset: Asset, academy: Academy) -> None:
    stream(academy)
    process(BATCHES[-1], user=ada)
    later = BATCHES[-1]["last_interaction_at"] + 5000
    event = COMPILED | {"data": COMPILED["data"] | {"starting_at": later, "exitCode": 1}}
    process(event, user=ada)
    Stale.objects.create(user=ada, asset_slug=SLUG, source="learnpack")
    take_attempts()
    assert told()[-1] == ("01-hello-world", "compile", "error")
    # The document that covers it doesn't have it: clients forget.
    process(BATCHES[-1] | {"last_interaction_at": later + 1000}, user=ada)
    assert told() == [*SESSION, ("01-hello-world", "compile", "error")]
    # One that comes after the document that covers it.
    process(COMPILED | {"data": COMPILED["data"] | {"starting_at": later + 500, "exitCode": 1}}, user=ada)
    assert len(told()) == len(SESSION) + 2
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()


@pytest.mark.parametrize("value", ["yes", 1, None, []])
def test_the_setting_is_true_or_false(cast: Cast, teacher: Api, value: Any) -> None:
    body = {"learnpack_features": {"streaming_events": value}}
    answer = teacher.put("/v1/auth/academy/settings", body)
    assert answer.status_code == 400
    assert answer.json() == {"learnpack_features": ["`streaming_events` must be true or false"]}


# Recomputing.


@pytest.mark.parametrize("streaming", [False, True])
def test_recomputing_changes_nothing(ada: User, asset: Asset, academy: Academy, streaming: bool) -> None:
    stream(academy, on=streaming)
    for payload in LINES:
        process(payload, user=ada)
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()
    Activity.objects.all().delete()
    assert recomputation.recompute_learner(ada.pk).activities == len(derivation.derive(ada.pk)) > 0


def test_deriving_leaves_other_sources_and_staffs_documents_alone(ada: User, asset: Asset) -> None:
    for slug, document, receipt in (
        ("lesson-03", BATCHES[-1] | {"agent": "jupyter"}, 5),
        ("by-hand", BATCHES[-1], None),
    ):
        AssignmentTelemetry.objects.create(user=ada, asset_slug=slug, telemetry=document, receipt=receipt)
    assert derivation.derive(ada.pk) == []
    assert derivation.learners(None) == []


def correct(ada: User, document: dict[str, Any]) -> None:
    """What staff writes over the learner's record."""
    staff_telemetry.change(staff_telemetry.TelemetryKey(ada, SLUG, SLUG), {"telemetry": document})


def test_what_staff_overwrites_before_anybody_has_read_it_is_recorded_all_the_same(ada: User, asset: Asset) -> None:
    process(BATCHES[-1], user=ada, attempts=False)
    correct(ada, {"n": 1})
    correct(ada, {"n": 2})
    while take_attempts():
        pass
    recorded = set(Activity.objects.values_list("id", flat=True))
    assert recorded
    assert not UnreadDocument.objects.exists()
    Activity.objects.all().delete()
    process(BATCHES[-1] | {"last_interaction_at": 1}, BATCHES[-1], user=ada)
    assert set(Activity.objects.values_list("id", flat=True)) == recorded


def test_what_staff_writes_tells_no_attempts_and_the_next_batch_does(ada: User, asset: Asset) -> None:
    process(BATCHES[0], user=ada)
    before = set(Activity.objects.values_list("id", flat=True))
    correct(ada, BATCHES[-1])
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()
    mark_stale(SOURCE, {(ada.pk, SLUG)})
    while take_attempts():
        pass
    assert set(Activity.objects.values_list("id", flat=True)) == before
    process(BATCHES[-1], user=ada)
    assert not AssignmentTelemetry.objects.get().by_staff
    assert set(Activity.objects.values_list("id", flat=True)) > before
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()


def test_a_record_that_is_deleted_by_hand_before_it_was_read_is_recorded(
    ada: User, asset: Asset, admin_client: Client
) -> None:
    process(BATCHES[-1], user=ada, attempts=False)
    row = AssignmentTelemetry.objects.get()
    path = f"/admin/assignments/assignmenttelemetry/{row.pk}/delete/"
    assert admin_client.post(path, {"post": "yes"}).status_code == 302
    while take_attempts():
        pass
    assert not AssignmentTelemetry.objects.exists()
    assert Activity.objects.exists()


def test_learners_are_found_by_their_documents_and_by_what_they_streamed(
    ada: User, asset: Asset, academy: Academy
) -> None:
    stream(academy)
    other = make_user("grace", "student", academy, id=1235)
    process(BATCHES[-1], user=ada)
    process(COMPILED | {"user_id": 1235}, user=other)
    assert derivation.learners(None) == [1234, 1235]
    assert derivation.learners(TWO) == [1234]
    assert derivation.learners(f"{SLUG}/01-hello-world") == [1234, 1235]


def test_a_stored_document_of_any_shape_is_taken(ada: User, asset: Asset) -> None:
    at = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1000)
    shapes: list[dict[str, Any]] = [
        {"steps": "x"}, {"steps": [None, 5]}, {"steps": [{"slug": "a", "tests": {}}]},
        {"workout_session": 5, "steps": [{"slug": "a", "opened_at": at}]},
    ]  # fmt: skip
    for number, shape in enumerate(shapes):
        process({"slug": SLUG, "user_id": 1234, "last_interaction_at": at + number} | shape, user=ada)
    assert told() == [("a", "opened", None)]


def _live(count: int) -> list[dict[str, Any]]:
    """The batches of a learner who works: each has a run more, and from time to time another step is completed."""
    sent: list[dict[str, Any]] = []
    listed: list[dict[str, Any]] = [{"slug": f"step-{number}", "compilations": []} for number in range(3)]
    for number in range(count):
        at = 1795311000000 + number * 30_000
        step = listed[number // 5 % 3]
        step.setdefault("opened_at", at)
        step["compilations"].append({"started_at": at, "exit_code": number % 3, "source_code": f"print({number})"})
        if number % 5 == 4:
            step |= {"completed_at": at, "is_completed": True}
        sent.append({"slug": SLUG, "last_interaction_at": at, "steps": copy.deepcopy(listed)})
    return sent


def _told() -> list[Any]:
    """What is known of all learners' work."""
    columns = ("at", "arrival", "assignment", "outcome", "session_id", "failures", "code_hash", "exclusion_id")
    return [
        list(Activity.objects.order_by("id").values_list("id", *columns)),
        list(Progress.objects.order_by("assignment").values_list("assignment", "attempts", "errors", "active_seconds")),
        list(AssignmentTelemetry.objects.values_list("asset_slug", "untold_attempts", "last_interaction_at")),
    ]


@given(st.data())
@hypothesis.settings(
    max_examples=4, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_from_positions_it_comes_to_the_same_as_from_scratch(ada: User, asset: Asset, data: st.DataObject) -> None:
    """Whatever the order of batches that grow, shrink, come again or were streamed before."""
    live = _live(12)
    sent = data.draw(st.lists(st.sampled_from(live), max_size=4)) + data.draw(st.sampled_from([live, live[::2]]))
    sent = sent[:9] + data.draw(st.lists(st.sampled_from([*live, *BATCHES]), max_size=3))
    together = data.draw(st.integers(1, 3))
    results = []
    for whole in (False, True):
        for model in (Activity, Progress, AssignmentTelemetry, ReadingPosition, UnreadDocument, Webhook, Signal):
            model.objects.all().delete()
        recomputation.recompute_learner(ada.pk)
        for start in range(0, len(sent), together):
            if whole:
                ReadingPosition.objects.all().delete()
            process(*sent[start : start + together], user=ada)
        results.append(_told())
        assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()
    assert results[0] == results[1]


def test_of_a_live_learner_nothing_is_read_twice(ada: User, asset: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    live = _live(12)
    process(live[0], user=ada)
    monkeypatch.setattr(short_documents, "entries", None)
    for one in live[1:]:
        process(one, user=ada)
    assert Activity.objects.filter(verb="executed").count() == 12
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()


def test_what_is_deleted_is_told_again_by_the_next_batch(ada: User, asset: Asset) -> None:
    """As without positions: a position holds only as long as what was stored with it."""
    live = _live(4)
    process(*live[:3], user=ada)
    Activity.objects.filter(verb="executed").first().delete()
    process(live[3], user=ada)
    assert Activity.objects.filter(verb="executed").count() == 4


def make_notebooks_documents() -> None:
    while make_documents():
        pass


def test_a_recomputation_leaves_a_clients_record_as_it_came(ada: User, asset: Asset) -> None:
    process(*BATCHES, user=ada, sender=make_service())
    before = AssignmentTelemetry.objects.values().get()
    stored = told()
    Progress.objects.update(attempts=99)
    assert recomputation.recompute_learner(ada.pk).measures > 0
    make_notebooks_documents()
    assert AssignmentTelemetry.objects.values().get() == before
    while take_attempts():
        pass
    assert told() == stored


def make_as_if_from_a_notebook(record: AssignmentTelemetry) -> None:
    """Its attempts are the client's, in other words: without code, in steps that have the assignments' names."""
    made = json.loads(json.dumps(record.telemetry).replace('"source_code"', '"code"')) | {"agent": "jupyter"}
    for step in made["steps"]:
        step["slug"] = f"{SLUG}/{step['slug']}"
    record.telemetry, record.receipt = made, 2**61
    record.save()


def test_a_record_that_a_notebook_made_is_never_read_as_a_clients(ada: User, asset: Asset) -> None:
    """Where an asset is a notebook's too, a client's batch replaces the record of the notebook's activities, and back."""
    process(*BATCHES, user=ada, sender=make_service())
    stored = told()
    make_as_if_from_a_notebook(AssignmentTelemetry.objects.get())
    mark_stale(SOURCE, [(ada.pk, SLUG)])
    while take_attempts():
        pass
    assert told() == stored
    mark_stale(SOURCE, [(ada.pk, SLUG)])
    later = copy.deepcopy(BATCHES[-1])
    later["last_interaction_at"] += 1000
    process(later, user=ada)
    assert AssignmentTelemetry.objects.get().telemetry.get("agent") != "jupyter"
    assert told() == stored


def test_the_upgrade_takes_back_records_and_attempts_that_recomputations_made(ada: User, asset: Asset) -> None:
    process(*BATCHES, user=ada, sender=make_service())
    stored, before = told(), AssignmentTelemetry.objects.get().telemetry
    attempt = Activity.objects.filter(assignment=TWO).values().first()
    assert attempt is not None
    Activity.objects.create(**attempt | {"id": "00000000-0000-8000-8000-000000000001", "assignment": f"{SLUG}/{TWO}"})
    make_as_if_from_a_notebook(AssignmentTelemetry.objects.get())
    for statement in import_module("learntrace.learnpack.migrations.0013_records_made_of_attempts").REPAIR:
        execute(statement)
    assert told() == stored
    drain.drain_webhooks()
    while take_attempts() or recomputation.take_recomputation():
        pass
    make_notebooks_documents()
    assert AssignmentTelemetry.objects.get().telemetry == before
    assert told() == stored
    assert not Progress.objects.filter(assignment__startswith=f"{SLUG}/{SLUG}").exists()
