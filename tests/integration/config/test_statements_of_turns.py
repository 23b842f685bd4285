"""What a worker's turn costs: a number of statements that doesn't grow with the learners in it, and stays small."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.processing.drain import process_next
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.models import Arrival
from learntrace.progress.models import Progress
from learntrace.signals.models import Concern, Signal
from tests.support.builders import (
    make_academy,
    make_graded_asset,
    make_stored_event,
    make_task,
    make_user,
    make_webhook,
)

pytestmark = pytest.mark.django_db

SLUG = "loops"
TAG = "assignment:loops-1"


@pytest.fixture
def academy() -> Academy:
    academy = make_academy("downtown")
    make_graded_asset(SLUG, id=145, academy=academy)
    return academy


def learners(academy: Academy, count: int) -> list[User]:
    users = [make_user("", "student", academy) for _ in range(count)]
    for user in users:
        make_task(user, SLUG)
    return users


def meet_errors(academy: Academy, users: list[User], count: int, minutes_ago: int = 5) -> None:
    """Have each of the learners meet errors on a cell, which wait for the worker."""
    now = timezone.now() - timedelta(minutes=minutes_ago)
    for user in users:
        events = [
            make_stored_event(
                user,
                academy,
                verb="executed",
                object={"type": "cell", "id": "c1", "assignment": TAG},
                object_id="c1",
                result={"outcome": "error", "error_name": "NameError", "error_value": f"name 'x{number}'"},
                occurred_at=now + timedelta(seconds=number),
            )
            for number in range(count)
        ]
        Arrival.objects.create(events=[event.pk for event in events], turn_academy=academy.pk, turn_learner=user.pk)


def state(runs: int) -> dict[str, Any]:
    began = int((timezone.now() - timedelta(minutes=5)).timestamp() * 1000)
    compilations = [
        {"exit_code": 1, "starting_at": began + number, "ended_at": began + number, "stderr": "", "source_code": ""}
        for number in range(runs)
    ]
    return {
        "asset_id": 145,
        "slug": SLUG,
        "agent": "vscode",
        "tutorial_started_at": began,
        "last_interaction_at": began + runs,
        "steps": [{"slug": "01-for", "position": 1, "opened_at": began, "compilations": compilations, "tests": []}],
        "workout_session": [{"started_at": began}],
    }


def send_states(users: list[User], runs: int) -> None:
    for user in users:
        make_webhook(user, payload=state(runs), turn_learner=user.pk, status="PENDING")


def statements_of(turn: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert turn() > 0
    return len(captured)


def test_errors_of_many_learners_cost_no_more_statements_than_those_of_one(academy: Academy) -> None:
    # What a process asks once is asked before.
    for count in (1, 1, 8):
        users = learners(academy, count)
        meet_errors(academy, users, 3)
        first = statements_of(take_arrivals)
        assert Signal.objects.filter(user__in=users, kind="repeated_error").count() == count
        assert Concern.objects.filter(user__in=users).count() == count
        meet_errors(academy, users, 1, 3)
        statements_of(take_arrivals)
        assert first <= 36, first


def test_batches_of_many_learners_cost_no_more_statements_than_that_of_one(academy: Academy) -> None:
    for count in (1, 1, 8):
        users = learners(academy, count)
        send_states(users, 3)
        assert statements_of(process_next) <= 20
        assert AssignmentTelemetry.objects.filter(user__in=users).count() == count
        told = statements_of(take_attempts)
        assert Progress.objects.get(user=users[-1], assignment=f"{SLUG}/01-for").attempts == 3
        assert told <= 50, told


def test_progress_tells_all_standing_signals_where_some_only_grow_and_others_open(academy: Academy) -> None:
    (ada,) = learners(academy, 1)
    meet_errors(academy, [ada], 3)
    take_arrivals()
    before = Progress.objects.get(user=ada)
    assert before.concerns == ["repeated_error"]
    signal = Signal.objects.get(user=ada, kind="repeated_error")
    meet_errors(academy, [ada], 5, 3)
    take_arrivals()
    after = Progress.objects.get(user=ada)
    grown = Signal.objects.get(pk=signal.pk)
    assert (grown.count, grown.opened_at) == (signal.count + 5, signal.opened_at)
    assert set(after.concerns) == set(
        Signal.objects.filter(user=ada, assignment=TAG, state="open").values_list("kind", flat=True)
    )
    assert after.trouble_since == before.trouble_since
    assert after.attempts == 8
