"""Assets that change after learners have finished: what is stored follows, by itself and by command."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from learntrace.accounts.models import User
from learntrace.assignments.changes.assets import take_change
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.drain import drain_webhooks
from learntrace.progress.models import Activity, Progress, Recomputation
from learntrace.progress.recording.recomputation import take_recomputation
from learntrace.registry.models import Asset, AssetAlias, AssetChange
from tests.support.builders import Cast, make_asset, make_graded_asset, make_task, make_user, make_webhook, translate

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 10, 5, 9, tzinfo=UTC)


def ms(minutes: float) -> int:
    return int((START + timedelta(minutes=minutes)).timestamp() * 1000)


def a_document(slug: str, runs: int = 2, *, complete: bool = True, **more: Any) -> dict[str, Any]:
    compilations = [
        {"started_at": ms(run), "ended_at": ms(run + 0.1), "exit_code": int(run != 1)} for run in range(runs)
    ]
    step = {
        "slug": "one",
        "opened_at": ms(0),
        "completed_at": ms(runs) if complete else None,
        "compilations": compilations,
    }
    return {
        "slug": slug, "steps": [step], "workout_session": [], "tutorial_started_at": ms(0), "last_interaction_at": ms(runs),
        **more,
    }  # fmt: skip


def send(user: User, payload: dict[str, Any]) -> Webhook:
    return make_webhook(user, payload=payload, status="PENDING", status_text=None, package_slug=payload["slug"])


def work() -> None:
    while take_change() + drain_webhooks() + take_attempts() + recompute():
        pass


def recompute() -> int:
    Recomputation.objects.filter(done_at=None).update(due_at=Now())
    return take_recomputation()


@pytest.fixture
def learner(cast: Cast) -> User:
    return make_user("lia", "student", cast.academy)


def test_who_finished_before_an_asset_was_graded_is_scored_by_itself(cast: Cast, learner: User) -> None:
    asset = make_asset("intro", academy=cast.academy)
    task = make_task(learner, "intro")
    send(learner, a_document("intro"))
    work()
    record = AssignmentTelemetry.objects.get()
    assert (record.engagement_score, record.metrics, record.completion_rate) == (None, None, None)
    before = record.updated_at
    Asset.objects.filter(pk=asset.pk).update(graded=True)
    assert take_change() == 1
    record.refresh_from_db()
    task.refresh_from_db()
    assert (record.completion_rate, record.metrics_algo_version) == (100.0, 1.0)
    assert record.metrics["steps"][0]["metrics"]["comp_struggles"] == 1
    assert record.engagement_score > 0
    assert record.updated_at == before
    assert (task.task_status, task.revision_status) == ("DONE", "APPROVED")
    asset.refresh_from_db()
    assert asset.sync_status == "PENDING"
    assert take_change() == 0


def test_scores_are_those_that_the_batch_would_have_got(cast: Cast, learner: User) -> None:
    make_graded_asset("graded", academy=cast.academy)
    late = make_asset("late", academy=cast.academy)
    for slug in ("graded", "late"):
        make_task(learner, slug)
        send(learner, a_document(slug, complete=False))
    work()
    late.graded = True
    late.save()
    work()
    columns = (
        "engagement_score",
        "frustration_score",
        "metrics_algo_version",
        "metrics",
        "total_time",
        "completion_rate",
    )
    by_batch, by_change = (
        AssignmentTelemetry.objects.values(*columns).get(asset_slug=slug) for slug in ("graded", "late")
    )
    assert by_batch == by_change
    assert by_batch["metrics"] is not None


def test_what_staff_wrote_stays(cast: Cast, learner: User) -> None:
    asset = make_asset("intro", academy=cast.academy)
    AssignmentTelemetry.objects.create(
        user=learner, asset_slug="intro", telemetry=a_document("intro"), engagement_score=7
    )
    other = make_user("bo", "student", cast.academy)
    AssignmentTelemetry.objects.create(user=other, asset_slug="intro", telemetry=a_document("intro"), by_staff=True)
    Asset.objects.filter(pk=asset.pk).update(graded=True)
    work()
    record = AssignmentTelemetry.objects.get(user=learner)
    assert (record.engagement_score, record.completion_rate) == (7, 100.0)
    assert AssignmentTelemetry.objects.get(user=other).metrics is None


def test_a_record_that_cannot_be_scored_costs_no_other(cast: Cast, learner: User) -> None:
    asset = make_asset("intro", academy=cast.academy)
    for number, document in enumerate([{"steps": 5}, a_document("intro"), None, {"steps": [1]}, a_document("intro")]):
        user = make_user(f"u{number}", "student", cast.academy)
        AssignmentTelemetry.objects.create(user=user, asset_slug="intro", telemetry=document)
    Asset.objects.filter(pk=asset.pk).update(graded=True)
    work()
    assert AssignmentTelemetry.objects.filter(completion_rate=100).count() == 2


def test_the_command_does_the_same_and_says_before_what_it_would(cast: Cast, learner: User) -> None:
    make_asset("intro", academy=cast.academy)
    make_task(learner, "intro")
    send(learner, a_document("intro"))
    work()
    Asset.objects.update(graded=True)
    AssetChange.objects.all().delete()
    out = StringIO()
    call_command("rescore_telemetry", "--dry-run", stdout=out)
    assert "Would score 1 telemetry rows" in out.getvalue()
    assert AssignmentTelemetry.objects.get().metrics is None
    call_command("rescore_telemetry", "intro", stdout=out)
    assert "Scored 1 telemetry rows" in out.getvalue()
    assert AssignmentTelemetry.objects.get().completion_rate == 100
    call_command("rescore_telemetry", stdout=out)
    assert "Scored 0 telemetry rows" in out.getvalue()


def test_translations_that_are_joined_have_one_record_and_one_history(cast: Cast, learner: User) -> None:
    english, spanish = (
        make_graded_asset("intro", academy=cast.academy),
        make_graded_asset("intro-es", academy=cast.academy),
    )
    task = make_task(learner, "intro-es")
    send(learner, a_document("intro-es", 3))
    work()
    translate(english, spanish)
    work()
    assert [record.asset_slug for record in AssignmentTelemetry.objects.all()] == ["intro"]
    assert set(Activity.objects.values_list("assignment", flat=True)) == {"intro/one"}
    assert [(row.assignment, row.attempts) for row in Progress.objects.all()] == [("intro/one", 3)]
    # The learner's next message repeats everything: nothing is counted twice.
    count = Activity.objects.count()
    send(learner, a_document("intro-es", 3, last_interaction_at=ms(60)))
    work()
    assert Activity.objects.count() == count
    assert [(row.assignment, row.attempts) for row in Progress.objects.all()] == [("intro/one", 3)]
    assert AssignmentTelemetry.objects.get().telemetry["last_interaction_at"] == ms(60)
    task.refresh_from_db()
    assert task.task_status == "DONE"


def test_an_asset_that_is_renamed_takes_its_records_along(cast: Cast, learner: User) -> None:
    asset = make_graded_asset("intro", academy=cast.academy)
    make_task(learner, "intro")
    send(learner, a_document("intro", 4))
    work()
    asset.slug = "introduction"
    asset.save()
    AssetAlias.objects.create(slug="intro", asset=asset)
    work()
    assert [record.asset_slug for record in AssignmentTelemetry.objects.all()] == ["introduction"]
    assert [(row.assignment, row.attempts) for row in Progress.objects.all()] == [("introduction/one", 4)]
    make_task(learner, "introduction")
    send(learner, a_document("intro", 5, last_interaction_at=ms(60)))
    work()
    assert [(row.assignment, row.attempts) for row in Progress.objects.all()] == [("introduction/one", 5)]


def test_a_slug_that_another_asset_has_by_now_keeps_its_records(cast: Cast, learner: User) -> None:
    asset = make_graded_asset("intro", academy=cast.academy)
    make_task(learner, "intro")
    send(learner, a_document("intro"))
    work()
    asset.slug = "introduction"
    asset.save()
    make_graded_asset("intro", academy=cast.academy)
    work()
    assert [record.asset_slug for record in AssignmentTelemetry.objects.all()] == ["intro"]


@pytest.mark.parametrize("change", ["asset", "alias", "translation", "package"])
def test_what_found_no_asset_or_no_task_is_processed_again(cast: Cast, learner: User, change: str) -> None:
    target = make_graded_asset("intro", academy=cast.academy)
    if change == "translation":
        other = make_graded_asset("named", academy=cast.academy)
    make_task(learner, "named" if change == "asset" else "intro")
    row = send(learner, a_document("named", package_id=55))
    Webhook.objects.update(learnpack_package_id=55)
    work()
    row.refresh_from_db()
    assert (row.status, row.reason) == ("ERROR", "no-tasks" if change == "translation" else "asset-not-found")
    if change == "asset":
        make_graded_asset("named", academy=cast.academy)
    elif change == "alias":
        AssetAlias.objects.create(slug="named", asset=target)
    elif change == "package":
        Asset.objects.filter(pk=target.pk).update(learnpack_id=55)
    else:
        translate(target, other)
    work()
    row.refresh_from_db()
    assert (row.status, row.status_text) == ("DONE", "OK")
    assert AssignmentTelemetry.objects.get().completion_rate == 100
    assert Task.objects.get().task_status == "DONE"


def test_other_failures_are_left_alone(cast: Cast, learner: User) -> None:
    row = make_webhook(learner, package_slug="intro", status="ERROR", reason="not-implemented", event="open_step")
    make_graded_asset("intro", academy=cast.academy)
    work()
    row.refresh_from_db()
    assert row.status == "ERROR"
