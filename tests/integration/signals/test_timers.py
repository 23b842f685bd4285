"""The timers of detectors, which may come earlier than they would have to."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from learntrace.measures.activity import Activity
from learntrace.progress.recording import recording
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.signals.evaluation import timers
from learntrace.signals.models import Signal, Watch
from tests.support.builders import Cast, make_cast

pytestmark = pytest.mark.django_db

SILENCE = timedelta(minutes=15)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def execute(cast: Cast, at: datetime, outcome: str = "error") -> None:
    activity = Activity(
        id=str(uuid.uuid4()),
        at=at,
        arrival=int(at.timestamp()),
        assignment="assignment:loops-1",
        outcome=outcome,
        session_id="s1",
        object_id="c1",
    )
    with transaction.atomic():
        recording.record("notebook", [LearnerActivity(cast.owner.pk, cast.academy.pk, activity)])


def watch() -> Watch:
    return Watch.objects.get(kind="inactive_after_error")


def test_a_timer_is_left_as_it_is_until_it_looks_and_then_set_anew(cast: Cast) -> None:
    now = timezone.now().replace(microsecond=0)
    first, latest = now - timedelta(minutes=10), now - timedelta(minutes=1)
    execute(cast, first)
    execute(cast, now - timedelta(minutes=5), "ok")
    execute(cast, latest)
    assert watch().due_at == first + SILENCE
    # Its time comes; the learner was active meanwhile.
    Watch.objects.filter(pk=watch().pk).update(due_at=now - timedelta(seconds=1))
    assert timers.evaluate_due_timers() == 1
    assert watch().due_at == latest + SILENCE
    assert not Signal.objects.filter(kind="inactive_after_error").exists()
    assert timers.evaluate_due_timers() == 0


def test_a_timer_that_looks_after_a_success_is_set_no_more(cast: Cast) -> None:
    now = timezone.now()
    execute(cast, now - timedelta(minutes=10))
    execute(cast, now - timedelta(minutes=5), "ok")
    assert watch().due_at is not None
    Watch.objects.filter(pk=watch().pk).update(due_at=now - timedelta(seconds=1))
    assert timers.evaluate_due_timers() == 1
    assert watch().due_at is None
