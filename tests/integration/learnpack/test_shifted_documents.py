"""The browser IDE keeps the newest runs of a step only: what earlier documents told stays, and so does a step that is gone."""

from typing import Any

import pytest
from django.test import Client

from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.progress.models import Activity, Progress
from tests.support.builders import NOW, Cast, make_graded_asset, make_task

STEP, RENAMED = "01-one", "01-first"
START = int(NOW.timestamp() * 1000)


def send(cast: Cast, step: str, *minutes: int) -> None:
    """A document whose one step tells the tests that began in these minutes, all of them failed; and nothing else."""
    tests: list[dict[str, Any]] = [
        {"started_at": START + minute * 60_000, "ended_at": START + minute * 60_000 + 500, "exit_code": 1}
        for minute in minutes
    ]
    payload = {
        "slug": "arrays",
        "user_id": cast.owner.pk,
        "telemetry_id": "t",
        "tutorial_started_at": START,
        "last_interaction_at": START + (max(minutes, default=20) + 1) * 60_000,
        "steps": [{"slug": step, "position": 0, "opened_at": START, "tests": tests, "is_testeable": True}],
    }
    Webhook.objects.create(is_streaming=False, event="batch", student=cast.owner, payload=payload)
    drain.drain_webhooks()
    while take_attempts():
        pass


@pytest.mark.django_db
def test_four_tests_then_the_last_two_and_a_new_one_are_five_attempts_and_a_former_step_keeps_them(
    cast: Cast, client: Client
) -> None:
    make_task(cast.owner, "arrays")
    make_graded_asset("arrays", academy=cast.academy)
    send(cast, STEP, 1, 2, 3, 4)
    send(cast, STEP, 3, 4, 5)
    key = f"arrays/{STEP}"
    assert Progress.objects.get(assignment=key).attempts == 5
    send(cast, RENAMED)
    assert Progress.objects.get(assignment=key).attempts == 5
    assert Activity.objects.filter(assignment=key, outcome="error").count() == 5
    client.force_login(cast.colleague)
    # The page of a class's former step is in tests/integration/progress/test_step_renames.py.
    assert client.get(f"/assignment/{key}/learner/{cast.owner.pk}").status_code == 200
