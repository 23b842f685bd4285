"""A client whose clock is ahead: its own times are kept, and the order and "last seen" follow the receipt."""

import uuid
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from learntrace.accounts.models import Academy, User
from learntrace.core.sql import execute
from learntrace.learnpack.attempts.clocks_ahead import count_by_receipt
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.models import Arrival, Event
from learntrace.progress.models import Activity, Progress, Recomputation
from learntrace.progress.recording import recomputation
from tests.support.builders import NOW, make_academy, make_graded_asset, make_task, make_user
from tests.support.notebooks import TAG

pytestmark = pytest.mark.django_db


YEAR = timedelta(days=365)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def academy() -> Academy:
    return make_academy("downtown")


@pytest.fixture
def ada(academy: Academy) -> User:
    user = make_user("ada", "student", academy)
    make_task(user, "arrays")
    make_graded_asset("arrays", academy=academy)
    return user


def happen(ada: User, academy: Academy, outcome: str, *, occurred_at: datetime, received_at: datetime) -> Event:
    """An event as the inbox stores it, taken by a worker."""
    event = Event.objects.create(
        id=uuid.uuid4(),
        actor=ada.username,
        user=ada,
        academy=academy,
        sender=ada,
        verb="executed",
        object={"type": "cell", "assignment": TAG},
        result={"outcome": outcome},
        session_id="s",
        object_id="c",
        occurred_at=occurred_at,
        created_at=received_at,
        flags=["clock-ahead"] if occurred_at > received_at else [],
    )
    Arrival.objects.create(events=[event.pk])
    take_arrivals()
    return event


def send(ada: User, received_at: datetime, *runs: tuple[datetime, int]) -> Webhook:
    """A batch with these runs (time, exit code) of one step, processed."""
    listed = [{"started_at": at.timestamp() * 1000, "exit_code": code} for at, code in runs]
    last = max(at for at, _code in runs).timestamp() * 1000
    payload = {
        "slug": "arrays", "user_id": ada.pk, "telemetry_id": "t", "last_interaction_at": last,
        "steps": [{"slug": "01-one", "compilations": listed}],
    }  # fmt: skip
    webhook: Webhook = Webhook.objects.create(is_streaming=False, event="batch", student=ada, payload=payload)
    Webhook.objects.filter(pk=webhook.pk).update(created_at=received_at)
    drain.drain_webhooks()
    while take_attempts():
        pass
    webhook.refresh_from_db()
    return webhook


def progress() -> Progress:
    return Progress.objects.get()


def order() -> list[Any]:
    return list(Activity.objects.order_by("at", "arrival").values_list("outcome", "at"))


def test_an_event_from_a_clock_a_year_ahead_does_not_freeze_the_learner(ada: User, academy: Academy) -> None:
    ahead = happen(ada, academy, "error", occurred_at=NOW + YEAR, received_at=NOW)
    assert progress().last_seen_at == NOW, "its receipt"
    happen(ada, academy, "ok", occurred_at=NOW + MINUTE, received_at=NOW + MINUTE)
    assert (progress().last_outcome, progress().last_seen_at) == ("ok", NOW + MINUTE)
    assert order() == [("error", NOW), ("ok", NOW + MINUTE)]
    ahead.refresh_from_db()
    assert ahead.occurred_at == NOW + YEAR, "never rewritten"
    assert recomputation.recompute_learner(ada.pk).activities == 0


def test_a_clock_ahead_by_less_than_five_minutes_is_believed(ada: User, academy: Academy) -> None:
    happen(ada, academy, "ok", occurred_at=NOW + 4 * MINUTE, received_at=NOW)
    assert progress().last_seen_at == NOW + 4 * MINUTE


def test_a_batch_from_a_clock_a_year_ahead_does_not_freeze_the_record(ada: User) -> None:
    """Runs of one batch that count at its receipt keep the order of the client's clock."""
    late = [NOW + YEAR + second * MINUTE for second in range(3)]
    first = send(ada, NOW, (late[0], 1), (late[1], 1))
    assert order() == [("error", NOW), ("error", NOW)]
    second = send(ada, NOW + MINUTE, (late[0], 1), (late[1], 1), (late[2], 0))
    assert (first.reason, second.reason) == ("done", "done"), "each is the newest by its receipt"
    assert order() == [("error", NOW), ("error", NOW), ("ok", NOW + MINUTE)]
    assert (progress().last_outcome, progress().last_seen_at) == ("ok", NOW + MINUTE)


def test_runs_of_one_batch_from_a_clock_ahead_keep_their_order(ada: User) -> None:
    runs = [(NOW + YEAR + second * MINUTE, code) for second, code in enumerate((1, 0, 1, 1, 0))]
    send(ada, NOW, *reversed(runs))
    assert [outcome for outcome, _at in order()] == ["error", "ok", "error", "error", "ok"]
    assert progress().last_outcome == "ok"


def test_the_corrected_clock_of_a_client_is_followed_at_once(ada: User) -> None:
    ahead = NOW + YEAR
    send(ada, NOW, (ahead, 1))
    after = send(ada, NOW + 2 * MINUTE, (ahead, 1), (NOW + MINUTE, 0))
    assert after.reason == "done"
    assert (progress().last_outcome, progress().last_seen_at) == ("ok", NOW + MINUTE)


def test_the_upgrade_moves_stored_activities_from_clocks_ahead_to_their_receipt(ada: User, academy: Academy) -> None:
    event = happen(ada, academy, "error", occurred_at=NOW + YEAR, received_at=NOW)
    send(ada, NOW, (NOW + YEAR, 1))
    Activity.objects.update(at=NOW + YEAR)
    migration = import_module("learntrace.learnpack.migrations.0009_clocks_ahead")
    execute(migration.REPAIR)
    assert Recomputation.objects.filter(user=ada, done_at__isnull=True).count() == 1
    recomputation.take_recomputation()
    assert {at for _outcome, at in order()} == {NOW}
    event.refresh_from_db()
    assert event.occurred_at == NOW + YEAR


def test_a_stored_run_whose_id_is_not_made_from_its_time_is_moved_in_place(ada: User) -> None:
    send(ada, NOW, (NOW + YEAR, 1))
    moved = "00000000-0000-8000-8000-000000000001"
    Activity.objects.update(id=moved, at=NOW + YEAR)
    count_by_receipt(ada.pk)
    assert [(str(one.pk), one.at) for one in Activity.objects.all()] == [(moved, NOW)]
