"""`learntrace recompute`: by whom, for whom, without changing anything, and after an interruption."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from learntrace.config.commands.recompute import main
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.models import Arrival, Event
from learntrace.progress.models import Activity, Progress, Recomputation
from learntrace.progress.recording import later, recomputation
from learntrace.signals.models import Signal
from tests.support.builders import NOW, Cast, make_stored_event

TAG = "assignment:lesson-03-exercise-1"
NOTHING = {"activities": 0, "measures": 0, "signals": 0}


@pytest.fixture
def events(cast: Cast) -> list[Event]:
    """Three errors of each of two learners, taken in."""
    made = [
        make_stored_event(
            user,
            cast.academy,
            about={"assignment": TAG},
            occurred_at=NOW + timedelta(seconds=30 * number),
            result={"outcome": "error", "error_name": "NameError", "error_value": "x"},
            code_hash="a" * 64,
        )
        for user in (cast.owner, cast.colleague)
        for number in range(3)
    ]
    Arrival.objects.create(events=[event.id for event in made])
    take_arrivals()
    return made


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_where_nothing_is_wrong_nothing_changes(events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    signals = list(Signal.objects.order_by("pk").values())
    assert told(capsys) == {"learners": 2, "failed": 0, "fault": "", "changed": NOTHING}
    assert list(Signal.objects.order_by("pk").values()) == signals


def test_what_is_wrong_is_told_and_only_without_dry_run_put_right(
    events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    Progress.objects.update(attempts=99)
    Signal.objects.all().delete()
    assert told(capsys, "--dry-run")["changed"] == {"activities": 0, "measures": 2, "signals": 2}
    assert set(Progress.objects.values_list("attempts", flat=True)) == {99}
    assert not Recomputation.objects.exists()
    assert told(capsys)["changed"] == {"activities": 0, "measures": 2, "signals": 2}
    assert set(Progress.objects.values_list("attempts", flat=True)) == {3}
    assert told(capsys)["changed"] == NOTHING


def test_one_learner_and_those_of_one_assignment(
    cast: Cast, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    Progress.objects.update(attempts=99)
    assert told(capsys, "--learner", cast.owner.username)["learners"] == 1
    assert Progress.objects.get(user=cast.owner).attempts == 3
    assert told(capsys, "--assignment", "lesson-03-exercise-1", "--dry-run")["learners"] == 2
    assert told(capsys, "--learner", str(cast.colleague.pk))["changed"]["measures"] == 1


def test_who_does_not_exist_is_told(events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--learner", "nobody"]) == 1
    assert "no such learner" in capsys.readouterr().err
    assert main(["--assignment", "no-such-exercise"]) == 1


def test_what_was_interrupted_is_gone_on_with(
    cast: Cast, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    run = recomputation.enqueue([cast.owner.pk, cast.colleague.pk], by_operator=True)
    assert recomputation.take_recomputation() == 1
    Progress.objects.filter(user=cast.colleague).update(attempts=99)
    assert main([]) == 0
    printed = capsys.readouterr()
    assert "going on" in printed.err
    assert "2 learners; 0 activities, 1 measures and 0 signals came out otherwise" in printed.out
    assert recomputation.run_progress(run).done == 2


def test_what_waits_by_itself_does_not_replace_what_is_asked_for(
    cast: Cast, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    with transaction.atomic():
        later.recompute_later([cast.colleague.pk])
    Progress.objects.filter(user=cast.owner).update(attempts=99)
    assert main(["--learner", cast.owner.username]) == 0
    printed = capsys.readouterr()
    assert "1 learners; 0 activities, 1 measures and 0 signals came out otherwise" in printed.out
    assert "going on" not in printed.err


def test_what_was_recorded_stays_also_where_its_event_was_deleted(
    cast: Cast, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    """By a retention, or by who looks after the table. An erasure deletes the activities too."""
    Event.objects.filter(pk__in=[event.pk for event in events]).delete()
    assert told(capsys, "--learner", "ada")["changed"] == NOTHING
    assert Progress.objects.get(user=cast.owner).attempts == 3
    assert Signal.objects.get(user=cast.owner).state == "open"


def test_an_activity_is_not_rewritten(cast: Cast, events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    before = list(Activity.objects.order_by("pk").values())
    Event.objects.update(result={"outcome": "ok"}, occurred_at=NOW, session_id="another")
    assert told(capsys, "--learner", "ada")["changed"] == NOTHING
    assert list(Activity.objects.order_by("pk").values()) == before


def test_an_activity_that_is_missing_is_added(
    cast: Cast, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    Activity.objects.filter(pk=events[1].pk).delete()
    assert told(capsys, "--learner", "ada")["changed"]["activities"] == 1
    assert Activity.objects.filter(pk=events[1].pk).exists()


def test_a_learner_who_fails_costs_no_other(
    cast: Cast, events: list[Event], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recompute = recomputation.recompute_learner

    def stumbles(user_id: int) -> recomputation.Changed:
        if user_id == cast.owner.pk:
            raise RuntimeError("a fault of ours")
        return recompute(user_id)

    monkeypatch.setattr(recomputation, "recompute_learner", stumbles)
    assert main(["--all"]) == 1
    assert "1 learners failed, the first with: RuntimeError: a fault of ours" in capsys.readouterr().err
    assert Recomputation.objects.filter(fault="", changed=NOTHING).count() == 1


def test_runs_that_ended_long_ago_are_cleaned_up(events: list[Event]) -> None:
    for days in (1, 40):
        Recomputation.objects.create(
            run=uuid.uuid4(), user=events[0].user, done_at=timezone.now() - timedelta(days=days), changed=NOTHING
        )
    Recomputation.objects.create(run=uuid.uuid4(), user=events[0].user)
    assert recomputation.delete_old_recomputations(days=30) == 1
