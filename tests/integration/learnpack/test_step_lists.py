"""Whose list of steps counts, and where a step that only one learner has is shown."""

from typing import Any

import pytest

from learntrace.accounts.models import Academy, Grant, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.sql import fetch
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.personal.erasing import erase
from learntrace.progress.models import Assignment, Progress, StepList
from learntrace.progress.step_lists import publish_manifests
from learntrace.registry.models import Asset
from learntrace.signals.models import Signal
from learntrace.signals.named_steps import named_for_class
from tests.support.builders import (
    Api,
    make_academy,
    make_assignment,
    make_graded_asset,
    make_signal,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db

OPENED = 1_767_261_600_000
BASE = "/v1/progress/academy"
HOAX = ("urgent", "CLASS CANCELLED - log in at example.org")
STEPS = (("one", "First steps"), ("two", "Second steps"))


@pytest.fixture
def academy() -> Academy:
    return make_academy("downtown")


@pytest.fixture
def asset(academy: Academy) -> Asset:
    return make_graded_asset("arrays", academy=academy)


@pytest.fixture
def class_of_five(academy: Academy, asset: Asset) -> list[User]:
    learners = [make_user("", "student", academy) for _ in range(5)]
    for learner in learners:
        make_task(learner, "arrays")
    return learners


def send(learner: User, *steps: tuple[str, str], sender: User | None = None) -> None:
    run = {"started_at": OPENED + 1000, "ended_at": OPENED + 2000, "exit_code": 1, "stderr": "NameError: x"}
    listed = [
        {"slug": slug, "title": title, "opened_at": OPENED, "compilations": [run], "tests": []} for slug, title in steps
    ]
    at = OPENED + 60_000 + Webhook.objects.count()
    payload = {"slug": "arrays", "user_id": learner.pk, "steps": listed, "last_interaction_at": at}
    Webhook.objects.create(
        is_streaming=False, event="batch", payload=payload, student=learner, sender=sender or learner
    )
    drain.drain_webhooks()
    while take_attempts():
        pass


def published() -> list[tuple[str, str]]:
    rows = Assignment.objects.order_by("position").values_list("key", "title")
    return [(key.removeprefix("arrays/"), title) for key, title in rows]


def test_a_list_counts_that_three_learners_and_more_than_half_agree_on(class_of_five: list[User]) -> None:
    told = []
    for learner in class_of_five:
        send(learner, *STEPS)
        told.append(published())
    assert told == [[], [], list(STEPS), list(STEPS), list(STEPS)]


def test_one_learner_changes_no_list_and_no_title(class_of_five: list[User]) -> None:
    for learner in class_of_five[:4]:
        send(learner, *STEPS)
    send(class_of_five[4], HOAX, ("one", HOAX[1]))
    assert published() == list(STEPS)


def test_a_new_version_of_a_package_is_that_of_most(class_of_five: list[User]) -> None:
    for learner in class_of_five:
        send(learner, *STEPS)
    for learner in class_of_five[:2]:
        send(learner, *STEPS, ("three", "Third steps"))
    assert published() == list(STEPS)
    send(class_of_five[2], *STEPS, ("three", "Third steps"))
    assert published() == [*STEPS, ("three", "Third steps")]


def test_a_list_that_stays_the_same_is_not_written_again(class_of_five: list[User]) -> None:
    send(class_of_five[0], *STEPS)
    # xmax tells that a row was not even locked.
    before = fetch("SELECT id, told_at, xmin::text, xmax::text FROM progress_steplist", [])
    send(class_of_five[0], *STEPS)
    assert fetch("SELECT id, told_at, xmin::text, xmax::text FROM progress_steplist", []) == before


def test_nothing_of_a_list_is_left_after_its_learners_erasure(class_of_five: list[User]) -> None:
    for learner in class_of_five[:3]:
        send(learner, *STEPS, HOAX)
    assert published() == [*STEPS, HOAX]
    erase(class_of_five[0])
    assert published() == []
    assert not StepList.objects.filter(user=class_of_five[0]).exists()


def test_a_service_of_the_academy_says_what_the_steps_are(class_of_five: list[User], academy: Academy) -> None:
    for learner in class_of_five[:3]:
        send(learner, HOAX)
    send(class_of_five[3], *STEPS, sender=make_user("", "staff", academy))
    assert published() == list(STEPS)
    send(class_of_five[4], HOAX)
    assert published() == list(STEPS)


def test_a_service_of_another_academy_does_not(class_of_five: list[User], asset: Asset) -> None:
    Asset.objects.filter(pk=asset.pk).update(academy=make_academy("elsewhere"))
    own = make_user("", "staff", class_of_five[0].memberships.get().academy)
    send(class_of_five[0], *STEPS, sender=own)
    assert published() == []
    operator = make_user()
    Grant.objects.create(user=operator, permission="upload_any_telemetry")
    send(class_of_five[0], *STEPS, sender=operator)
    assert published() == list(STEPS)


def test_a_manifest_says_what_the_steps_are(
    class_of_five: list[User], asset: Asset, academy: Academy, django_capture_on_commit_callbacks: Any
) -> None:
    service = make_user("", "staff", academy)
    event = {"event": "package_manifest_updated", "slug": "arrays"}
    manifest = {"steps": [{"slug": slug, "title": title} for slug, title in STEPS]}
    Webhook.objects.create(
        is_streaming=True, event=event["event"], payload={**event, "payload": {"manifest": manifest}}, sender=service
    )
    with django_capture_on_commit_callbacks(execute=True):
        drain.drain_webhooks()
    assert published() == list(STEPS)
    for learner in class_of_five:
        send(learner, HOAX)
    assert published() == list(STEPS)
    Asset.objects.update(manifest=None)
    publish_manifests([asset.pk])
    assert published() == [HOAX]


def test_a_batch_does_not_touch_the_assignments_of_a_notebook(
    class_of_five: list[User], academy: Academy, asset: Asset
) -> None:
    make_assignment(academy, asset, "assignment:lesson-1")
    for learner in class_of_five:
        send(learner, HOAX)
    assert published() == [("assignment:lesson-1", "")]


def test_a_step_of_one_learner_is_shown_by_its_slug_on_that_learners_pages_only(
    class_of_five: list[User], academy: Academy
) -> None:
    teacher = make_user("", "teacher", academy, password="secret-enough")
    api = Api(teacher, academy)
    learner = class_of_five[0]
    send(learner, HOAX)
    key, title = "arrays/urgent", HOAX[1]
    assert Progress.objects.get().assignment == key
    for path in ("assignment", "assignment?explain=1", "learner", "learner?explain=1", "asset", "cohort"):
        answer = api.get(f"{BASE}/{path}").content.decode()
        assert "urgent" not in answer, path
        assert title not in answer, path
    assert api.get(f"{BASE}/assignment/{key}/learner").status_code == 404
    assert api.get(f"{BASE}/assignment/{key}/learner/{class_of_five[1].pk}/attempt").status_code == 404
    own = api.get(f"{BASE}/learner/{learner.pk}").content.decode()
    assert key in own
    assert title not in own
    assert len(api.get(f"{BASE}/assignment/{key}/learner/{learner.pk}/attempt").json()) == 1


def test_the_pages_of_a_class_do_not_show_it(client: Any, class_of_five: list[User], academy: Academy) -> None:
    teacher = make_user("", "teacher", academy)
    learner = class_of_five[0]
    send(learner, HOAX)
    make_signal(learner, academy, assignment="arrays/urgent", asset_slug=None)
    client.force_login(teacher)
    pages = ["/class", "/class?asset=arrays", "/assignments", "/assets", "/asset/arrays", "/learners"]
    pages += [f"{page}{'&' if '?' in page else '?'}format=csv" for page in pages] + ["/search?q=urgent"]
    for page in pages:
        answer = client.get(page)
        text = answer.content.decode() if not answer.streaming else b"".join(answer.streaming_content).decode()
        for word in (HOAX[1], "arrays/urgent", ">urgent<"):
            assert word not in text, page
    assert client.get("/assignment/arrays/urgent").status_code == 404
    own = client.get(f"/learner/{learner.pk}").content.decode()
    assert "arrays/urgent" in own
    assert HOAX[1] not in own


def test_a_signal_names_only_the_asset_of_such_a_step(
    class_of_five: list[User], academy: Academy, asset: Asset
) -> None:
    learner = class_of_five[0]
    hidden = make_signal(learner, academy, assignment="arrays/urgent", asset_slug=None)
    (named,) = named_for_class([Signal.objects.get(pk=hidden.pk)])
    assert (named.assignment, named.asset_slug) == (None, "arrays")
    answer = Api(make_user("", "teacher", academy), academy).get("/v1/signal/academy/signal").content.decode()
    assert "urgent" not in answer
    make_assignment(academy, asset, "arrays/urgent")
    (named,) = named_for_class([Signal.objects.get(pk=hidden.pk)])
    assert named.assignment == "arrays/urgent"


def test_the_record_itself_is_as_it_was_sent(class_of_five: list[User]) -> None:
    send(class_of_five[0], HOAX)
    assert AssignmentTelemetry.objects.get().telemetry["steps"][0]["title"] == HOAX[1]
