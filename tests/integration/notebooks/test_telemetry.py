"""From notebook events to telemetry records, tasks and statistics."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learntrace.accounts.models import User
from learntrace.assignments import staff_telemetry
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.assignments.telemetry_stats import assets_to_sync, drain_stats
from learntrace.config.runtime.schedules import queue_stats_sync
from learntrace.notebooks.documents import telemetry_queue
from learntrace.notebooks.documents.activities import SOURCE
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.documents.learnpack_document import document
from learntrace.notebooks.documents.telemetry_queue import make_documents
from learntrace.notebooks.models import Arrival, Event, NotebookAssignment
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusions import Meant
from learntrace.progress.models import Assignment, Progress, Stale
from learntrace.progress.stale_queue import claim_stale, mark_stale
from learntrace.registry.models import Asset
from tests.support.builders import NOW, Api, Cast, make_stored_event, make_task, make_user, translate

pytestmark = pytest.mark.django_db

ONE, TWO = "assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2"


def publish(teacher: Api, *tags: str, slug: str = "lesson-03", **more: object) -> Asset:
    body = {"path": f"{slug}.ipynb", "assignments": [{"tag": tag} for tag in tags], **more}
    answer = teacher.put(f"/v1/notebook/academy/notebook/{slug}", body)
    assert answer.status_code == 200, answer.content
    return Asset.objects.get(slug=slug)


def do(
    cast: Cast, minute: float, outcome: str | None, tag: str = ONE, user: User | None = None, **more: object
) -> Event:
    """An event as the inbox stores it; it waits to be taken."""
    result = {"outcome": outcome} | ({"error_name": "NameError", "error_value": "x"} if outcome == "error" else {})
    event = make_stored_event(
        user or cast.owner,
        cast.academy,
        about={"assignment": tag},
        occurred_at=NOW + timedelta(minutes=minute),
        **{"verb": "executed", "result": result} if outcome else {"verb": "focused", "result": {}},
        **more,
    )
    Arrival.objects.create(events=[event.id])
    return event


def work() -> int:
    """What the workers do."""
    while take_arrivals():
        pass
    return make_documents()


def record(cast: Cast, slug: str = "lesson-03", user: User | None = None) -> AssignmentTelemetry:
    return AssignmentTelemetry.objects.get(user=user or cast.owner, asset_slug=slug)


def statuses(row: AssignmentTelemetry) -> list[str]:
    return [step["metrics"]["status"] for step in row.metrics["steps"]]


def test_events_on_a_published_notebook_become_telemetry_with_scores(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE, TWO)
    do(cast, 0, None)
    do(cast, 2, "error")
    do(cast, 4, "aborted")
    last = do(cast, 10, "ok")
    assert work() == 1
    row = record(cast)
    assert [one["exit_code"] for one in row.telemetry["steps"][0]["compilations"]] == [1, 0]
    assert (row.telemetry["agent"], row.telemetry["user_id"]) == ("jupyter", cast.owner.pk)
    assert statuses(row) == ["completed", "unread"]
    assert row.metrics["steps"][0]["metrics"] == {
        "status": "completed", "time_spent": 600.0, "comp_struggles": 1, "test_struggles": 0,
    }  # fmt: skip
    assert (row.completion_rate, row.total_time, row.metrics_algo_version) == (50.0, timedelta(minutes=10), 1.0)
    assert row.frustration_score == row.metrics["global"]["indicators"]["FrustrationIndicator"]
    assert (row.last_interaction_at, row.receipt) == (NOW + timedelta(minutes=10), last.arrival)
    assert not Stale.objects.exists()
    assert work() == 0


def test_tasks_follow_a_notebook_under_each_of_its_slugs(cast: Cast, teacher: Api) -> None:
    asset = publish(teacher, ONE)
    translate(asset, publish(teacher, TWO, slug="leccion-03"))
    tasks = [make_task(cast.owner, slug) for slug in ("lesson-03", "leccion-03", "other")]
    do(cast, 0, "error")
    work()
    do(cast, 5, "ok")
    work()
    assert [Task.objects.get(pk=task.pk).task_status for task in tasks] == ["DONE", "DONE", "PENDING"]
    do(cast, 6, "error")
    work()
    assert record(cast).completion_rate == 100  # done is kept
    assert Task.objects.get(pk=tasks[0].pk).task_status == "DONE"


def test_telemetry_needs_no_task_and_a_task_made_later_shows_it(cast: Cast, teacher: Api, learner: Api) -> None:
    publish(teacher, ONE)
    do(cast, 0, "ok")
    work()
    task = make_task(cast.owner, "lesson-03")
    answer = learner.get(f"/v1/assignment/user/me/task/{task.pk}").json()
    assert answer["assignment_telemetry"]["steps"][0]["slug"] == "lesson-03-exercise-1"


def test_of_a_notebooks_translations_the_one_used_last_counts(cast: Cast, teacher: Api) -> None:
    translate(publish(teacher, ONE), publish(teacher, TWO, slug="leccion-03"))
    do(cast, 0, "ok")
    do(cast, 1, "error", TWO)
    assert work() == 1
    assert [step["slug"] for step in record(cast).telemetry["steps"]] == ["lesson-03-exercise-2"]
    do(cast, 2, "ok")
    work()
    assert [step["slug"] for step in record(cast).telemetry["steps"]] == ["lesson-03-exercise-1"]


def test_what_came_before_the_notebook_was_published_counts(cast: Cast, teacher: Api) -> None:
    do(cast, 0, "ok")
    assert work() == 0
    publish(teacher, ONE)
    assert work() == 1
    assert statuses(record(cast)) == ["completed"]


def test_publishing_other_assignments_makes_telemetry_anew(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE, TWO)
    do(cast, 0, "ok")
    do(cast, 5, "error", TWO)
    work()
    assert record(cast).completion_rate == 50
    # The learner's last activity was on the one that goes.
    publish(teacher, ONE)
    work()
    assert (record(cast).completion_rate, statuses(record(cast))) == (100, ["completed"])
    publish(teacher)
    work()
    assert (record(cast).completion_rate, statuses(record(cast))) == (0, [])


def test_publishing_the_same_again_makes_nothing_anew(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE, TWO)
    do(cast, 0, "ok")
    work()
    publish(teacher, ONE, TWO)
    assert not Stale.objects.exists()
    publish(teacher, TWO, ONE)
    assert Stale.objects.filter(user=cast.owner, asset_slug="lesson-03", source=SOURCE).exists()


def test_publishing_keeps_the_list_of_assignments_in_step(cast: Cast, teacher: Api) -> None:
    asset = publish(teacher, ONE, TWO)
    kept = Assignment.objects.get(key=TWO)
    publish(teacher, TWO, "assignment:new")
    rows = Assignment.objects.filter(academy=cast.academy, asset=asset)
    assert list(rows.values_list("key", "position")) == [(TWO, 0), ("assignment:new", 1)]
    assert Assignment.objects.get(key=TWO).pk == kept.pk
    # What one notebook gave up another may have.
    other = publish(teacher, ONE, slug="lesson-04")
    assert Assignment.objects.get(key=ONE).asset == other


def test_another_academys_same_tag_is_another_assignment(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE)
    make_stored = make_stored_event(cast.strange_learner, cast.elsewhere, about={"assignment": ONE})
    Arrival.objects.create(events=[make_stored.id])
    assert work() == 0
    assert not AssignmentTelemetry.objects.exists()


def test_a_late_event_comes_into_the_document_that_is_stored(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE)
    do(cast, 10, "error")
    work()
    do(cast, 5, "ok")
    do(cast, 12, "ok", id=uuid.UUID(int=1))
    work()
    assert [one["exit_code"] for one in record(cast).telemetry["steps"][0]["compilations"]] == [0, 1, 0]


def test_a_learner_of_whom_nothing_counts_has_no_record_until_something_does_again(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE, TWO)
    do(cast, 0, "error")
    do(cast, 5, "ok")
    work()
    before = record(cast).telemetry
    mine = Meant(frozenset({cast.owner.pk}))
    made = exclusions.exclude(cast.academy, mine, "a preview", None, None)
    work()
    assert not AssignmentTelemetry.objects.exists()
    exclusions.lift(cast.academy, made, None)
    work()
    assert record(cast).telemetry == before
    # What staff wrote stays.
    exclusions.exclude(cast.academy, mine, "a preview", None, None)
    key = staff_telemetry.TelemetryKey(cast.owner, "lesson-03", "lesson-03")
    staff_telemetry.change(key, {"telemetry": before | {"note": "by hand"}})
    work()
    assert record(cast).telemetry["note"] == "by hand"


def test_statistics_know_notebooks(cast: Cast, teacher: Api) -> None:
    asset = publish(teacher, ONE)
    do(cast, 0, "ok")
    work()
    assert list(assets_to_sync()) == [asset]
    assert queue_stats_sync() == 1
    drain_stats()
    asset.refresh_from_db()
    (day,) = asset.telemetry_stats["days"].values()
    assert (day["completion_avg"], day["total_sessions"]) == (100, 1)


def test_a_turn_takes_as_many_queries_for_many_learners_as_for_one(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE, TWO)
    learners = [make_user(f"learner-{n}", "student", cast.academy) for n in range(12)]

    def queries_of_a_turn() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert make_documents() > 0
        return len(queries)

    do(cast, 0, "ok")
    while take_arrivals():
        pass
    one = queries_of_a_turn()
    for user in learners:
        do(cast, 1, "error", user=user)
        do(cast, 2, "ok", TWO, user=user)
    while take_arrivals():
        pass
    assert queries_of_a_turn() == one
    assert AssignmentTelemetry.objects.count() == 13


def test_a_learner_who_fails_costs_no_other(cast: Cast, teacher: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(teacher, ONE)
    other = make_user("other", "student", cast.academy)
    do(cast, 0, "ok")
    do(cast, 0, "ok", user=other)

    def fails(slug: str, user_id: int, *rest: Any) -> Any:
        if user_id == cast.owner.pk:
            raise ValueError("a fault of ours")
        return document(slug, user_id, *rest)

    monkeypatch.setattr(telemetry_queue, "document", fails)
    assert work() == 2
    assert list(AssignmentTelemetry.objects.values_list("user", flat=True)) == [other.pk]
    # It would fail again and again: it is looked at when something changes.
    assert make_documents() == 0


def test_a_document_that_took_long_is_made_again_only_after_a_rest(
    cast: Cast, teacher: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LONG", "LONG_SECONDS"):
        monkeypatch.setattr(telemetry_queue, name, 0)
    monkeypatch.setattr(telemetry_queue, "REST", 10**6)
    publish(teacher, ONE)
    do(cast, 0, "error")
    assert work() == 1
    do(cast, 1, "ok")
    # Claimed once, to be put off.
    assert work() == 1
    assert (work(), len(record(cast).telemetry["steps"][0]["compilations"])) == (0, 1)
    assert Stale.objects.get(since__gt=timezone.now()).user == cast.owner
    monkeypatch.setattr(telemetry_queue, "_rests", telemetry_queue._Rests())
    Stale.objects.update(since=timezone.now())
    assert (work(), len(record(cast).telemetry["steps"][0]["compilations"])) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_a_note_made_while_an_older_one_waits_is_not_lost() -> None:
    user = make_user("ada")
    with transaction.atomic():
        mark_stale(SOURCE, {(user.pk, "lesson-03")})
    worker = connections.create_connection("default")
    try:
        with transaction.atomic():
            # Something has changed, and isn't committed: a worker that took the note now wouldn't see it.
            mark_stale(SOURCE, {(user.pk, "lesson-03")})
            with worker.cursor() as cursor:
                cursor.execute("SELECT 1 FROM progress_stale FOR UPDATE SKIP LOCKED")
                assert cursor.fetchall() == []
        assert claim_stale(SOURCE, 10, 0) == [(user.pk, "lesson-03")]
    finally:
        worker.close()


def test_an_assignment_that_nobody_has_published_counts_and_is_flagged_until_it_is(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE)
    slip = do(cast, 0, "error", tag="assignment:lesson-3-exercise-1")
    do(cast, 1, "error")
    work()
    assert list(Event.objects.exclude(flags=[]).values_list("pk", "flags")) == [(slip.pk, ["unknown-assignment"])]
    assert Progress.objects.get(assignment="assignment:lesson-3-exercise-1").errors == 1
    publish(teacher, ONE, "assignment:lesson-3-exercise-1")
    assert not Event.objects.exclude(flags=[]).exists()


def test_where_nothing_is_published_no_assignment_is_unknown(cast: Cast) -> None:
    do(cast, 0, "error")
    work()
    assert not Event.objects.exclude(flags=[]).exists()


def test_a_copy_of_a_cell_is_flagged_and_undoes_nothing(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE)
    NotebookAssignment.objects.update(cell_id="original")
    for place, (cell, outcome) in enumerate((("original", "ok"), ("copy", "error"))):
        event = do(cast, place, outcome)
        Event.objects.filter(pk=event.pk).update(object={**event.object, "id": cell}, object_id=cell)
    work()
    flags = dict(Event.objects.values_list("object_id", "flags"))
    assert flags == {"original": [], "copy": ["other-cell"]}
    row = Progress.objects.get()
    assert (row.done_by, row.attempts, row.errors) == ("run", 2, 1)
    assert record(cast).completion_rate == 100


@pytest.mark.parametrize("meant", ["raises-exception", "nbval-raises-exception"])
def test_an_error_that_a_cell_is_meant_to_raise_is_a_success(cast: Cast, teacher: Api, meant: str) -> None:
    publish(teacher, ONE, TWO)
    for tag, tags in ((ONE, [ONE, meant]), (TWO, [TWO])):
        event = do(cast, 0, "error", tag)
        Event.objects.filter(pk=event.pk).update(object={**event.object, "tags": tags})
    work()
    states = {row.assignment: (row.attempts, row.errors, row.done_by) for row in Progress.objects.all()}
    assert states == {ONE: (1, 0, "run"), TWO: (1, 1, None)}


def test_a_step_is_completed_by_its_check_cell(cast: Cast, teacher: Api) -> None:
    publish(teacher, ONE)
    do(cast, 0, "ok")
    event = do(cast, 1, "error")
    Event.objects.filter(pk=event.pk).update(object={**event.object, "part": "check"})
    work()
    assert record(cast).completion_rate == 0
    event = do(cast, 2, "ok")
    Event.objects.filter(pk=event.pk).update(object={**event.object, "part": "check"})
    work()
    assert record(cast).completion_rate == 100
    (step,) = record(cast).telemetry["steps"]
    assert len(step["compilations"]) == 1
