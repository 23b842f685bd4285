"""Documents with many runs are recorded in parts: with the same result, whatever happens between two parts."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.test import TestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learntrace.accounts.models import Academy, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.stopwatch import Pace
from learntrace.learnpack.attempts import derivation, long_documents
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import UnreadDocument, Webhook
from learntrace.learnpack.processing import drain
from learntrace.progress.models import Activity, Progress, Stale
from learntrace.progress.recording import recomputation, recording
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.signals.models import Signal
from tests.support.builders import make_academy, make_graded_asset, make_task, make_user

pytestmark = pytest.mark.django_db

SLUG = "loops"
BEGAN = 1_767_261_600_000


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "LONG", 20)
    monkeypatch.setattr(long_documents, "READ_AT_ONCE", 30)
    monkeypatch.setattr(long_documents, "RECORDED_AT_ONCE", 25)
    restart()


def restart() -> None:
    """Forget what the process remembers, as one does that is killed."""
    derivation._long_documents.__init__()  # type: ignore[misc]


@pytest.fixture
def academy() -> Academy:
    return make_academy("downtown")


@pytest.fixture
def ada(academy: Academy) -> User:
    user = make_user("ada", "student", academy)
    make_task(user, SLUG)
    make_graded_asset(SLUG, academy=academy)
    return user


def document(runs: int, first: int = 0, steps: int = 4) -> dict[str, Any]:
    """A batch with that many runs, one a second, in turn on each step; all but every tenth fail."""
    numbers = range(first, first + runs)
    return {
        "slug": SLUG,
        "last_interaction_at": BEGAN + (first + runs) * 1000,
        "steps": [
            {
                "slug": f"step-{step}",
                "compilations": [
                    {"started_at": BEGAN + number * 1000, "exit_code": int(number % 10 > 0)}
                    for number in numbers
                    if number % steps == step
                ],
            }
            for step in range(steps)
        ],
    }


def send(user: User, payload: dict[str, Any]) -> None:
    Webhook.objects.create(is_streaming=False, event="batch", student=user, payload=payload)
    drain.drain_webhooks()


def take_turn() -> int:
    """Take a turn, with what follows its commit."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        return take_attempts()


def work_off(between: Callable[[int], None] = lambda turn: None) -> int:
    """Take turns until nothing waits; return how many."""
    turns = 0
    while take_turn():
        turns += 1
        between(turns)
        assert turns < 200
    return turns


def results() -> list[Any]:
    """What is known of the learner's work: activities, measures and standing signals."""
    return [
        list(Activity.objects.order_by("id").values_list("id", "at", "arrival", "assignment", "outcome", "session_id")),
        list(Progress.objects.order_by("assignment").values_list("assignment", "attempts", "errors", "error_quotient")),
        list(
            Signal.objects.filter(state="open")
            .order_by("kind", "assignment")
            .values_list("kind", "assignment", "count")
        ),
    ]


def results_at_once(user: User, payload: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The results where the document counts as short, in a database without others."""
    for model in (Activity, Progress, Signal, Webhook, AssignmentTelemetry):
        model.objects.all().delete()
    recomputation.recompute_learner(user.pk)
    monkeypatch.setattr(derivation, "LONG", 10**6)
    send(user, payload)
    assert work_off() == 1
    return results()


def test_in_parts_it_comes_to_the_same_as_at_once(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    send(ada, document(200))
    assert work_off() >= 8
    in_parts = results()
    assert len(in_parts[0]) == 200
    assert in_parts == results_at_once(ada, document(200), monkeypatch)
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()


def test_no_turn_records_more_than_its_part(ada: User) -> None:
    counts = [0]
    send(ada, document(200))
    work_off(lambda turn: counts.append(Activity.objects.count()))
    assert max(after - before for before, after in pairwise(counts)) == 25


@given(killed=st.sets(st.integers(1, 15), max_size=6))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_worker_that_is_killed_between_parts_changes_nothing(ada: User, killed: set[int]) -> None:
    Activity.objects.all().delete()
    recomputation.recompute_learner(ada.pk)
    Stale.objects.all().delete()
    send(ada, document(120) | {"last_interaction_at": BEGAN + 10**6 + Webhook.objects.count()})
    work_off(lambda turn: restart() if turn in killed else None)
    assert Activity.objects.count() == 120
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()


def test_a_newer_document_that_comes_meanwhile_is_taken_after_it(ada: User) -> None:
    send(ada, document(100))
    for _turn in range(5):
        take_turn()
    send(ada, document(150))
    work_off()
    assert Activity.objects.count() == 150
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()


def test_what_a_newer_document_no_longer_has_stays(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    send(ada, document(100))
    work_off()
    send(ada, document(90, first=50))
    work_off()
    in_parts = results()
    assert len(in_parts[0]) == 140
    assert in_parts == results_at_once(ada, document(140), monkeypatch)


def test_a_document_that_is_replaced_before_it_was_read_is_read_nevertheless(ada: User) -> None:
    for first in (0, 100, 50):
        send(ada, document(60, first=first))
    assert not Activity.objects.exists()
    Webhook.objects.all().delete()
    work_off()
    assert Activity.objects.count() == 160
    assert not UnreadDocument.objects.exists()
    assert recomputation.recompute_learner(ada.pk) == recomputation.Changed()


def test_many_long_documents_of_one_learner_are_all_read(ada: User) -> None:
    send(ada, document(60, first=500))
    for first in range(0, 400, 50):
        send(ada, document(60, first=first) | {"last_interaction_at": BEGAN})
    assert UnreadDocument.objects.count() == 8
    assert work_off() < 100
    assert Activity.objects.count() == 60 + 410
    assert not UnreadDocument.objects.exists()


def test_a_long_document_that_can_not_be_recorded_is_kept_and_holds_up_nobody(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in (100, 0):  # the second is superseded
        send(ada, document(60, first=first))
    works = recording.record

    def stumbles(source: str, activities: list[LearnerActivity]) -> int:
        if any(done.activity.at.timestamp() * 1000 < BEGAN + 60_000 for done in activities):
            raise RuntimeError("a fault of ours")
        return works(source, activities)

    monkeypatch.setattr(long_documents, "record", stumbles)
    work_off()
    assert Activity.objects.count() == 60
    assert UnreadDocument.objects.get().fault
    monkeypatch.undo()
    assert recomputation.recompute_learner(ada.pk).activities == 60


def test_a_document_that_was_erased_meanwhile_is_not_recorded(ada: User) -> None:
    send(ada, document(100))
    while not Activity.objects.exists():
        take_turn()
    for model in (Activity, AssignmentTelemetry, Stale):
        model.objects.all().delete()
    send(ada, document(30, first=1000))
    work_off()
    assert Activity.objects.count() == 30


def test_long_documents_of_more_learners_than_a_turn_takes_are_all_recorded(
    ada: User, academy: Academy, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Turns go from learner to learner: whose document comes next must not take the place of one that was begun.
    monkeypatch.setattr(derivation, "_pace", Pace(1.0, least=2, most=2))
    others = [make_user(f"learner-{number}", "student", academy) for number in range(5)]
    for learner in others:
        make_task(learner, SLUG)
    for learner in [ada, *others]:
        send(learner, document(40))
    work_off()
    assert Activity.objects.count() == 6 * 40


def test_others_get_their_turn_between_two_parts(ada: User, academy: Academy) -> None:
    send(ada, document(200))
    take_turn()
    bob = make_user("bob", "student", academy)
    make_task(bob, SLUG)
    send(bob, document(5))
    take_turn()
    assert Activity.objects.filter(user=bob).count() == 5
    assert Activity.objects.filter(user=ada).count() < 200
