"""What runs by the clock runs once, wherever the workers are."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from learntrace.assignments.models import AssignmentTelemetry
from learntrace.config.runtime import schedules
from learntrace.config.runtime.schedules import Job, run_due_jobs
from learntrace.core.models import Heartbeat, ScheduledRun
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.registry.models import Asset
from tests.support.builders import make_graded_asset, make_user

NIGHT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The runs of a job that is due at 03:30."""
    runs: list[int] = []
    monkeypatch.setattr(schedules, "JOBS", (Job("counting", (3, 30), lambda: runs.append(1)),))
    return runs


@pytest.mark.django_db(transaction=True)
def test_a_new_installation_waits_for_the_next_time(ran: list[Any]) -> None:
    assert run_due_jobs(NIGHT) == []
    assert run_due_jobs(NIGHT + timedelta(hours=23)) == []
    assert run_due_jobs(NIGHT + timedelta(hours=24)) == ["counting"]
    assert run_due_jobs(NIGHT + timedelta(hours=25)) == []
    assert len(ran) == 1


@pytest.mark.django_db(transaction=True)
def test_a_time_that_was_missed_is_made_up_for_once(ran: list[Any]) -> None:
    ScheduledRun.objects.create(name="counting", last_run_at=NIGHT - timedelta(days=9))
    assert run_due_jobs(NIGHT) == ["counting"]
    assert run_due_jobs(NIGHT) == []


@pytest.mark.django_db(transaction=True)
def test_many_workers_run_a_job_once(ran: list[Any]) -> None:
    ScheduledRun.objects.create(name="counting", last_run_at=NIGHT - timedelta(days=1))
    together = Barrier(6)

    def look() -> None:
        together.wait()
        run_due_jobs(NIGHT)
        connections.close_all()

    threads = [Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == 1


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_is_logged_and_runs_at_its_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(schedules, "JOBS", (Job("failing", (3, 30), fail),))
    ScheduledRun.objects.create(name="failing", last_run_at=NIGHT - timedelta(days=1))
    assert run_due_jobs(NIGHT) == ["failing"]
    assert run_due_jobs(NIGHT) == []


@pytest.mark.django_db
def test_the_nightly_sync_queues_every_asset_with_telemetry() -> None:
    with_rows, without = make_graded_asset("arrays"), make_graded_asset("loops")
    AssignmentTelemetry.objects.create(user=make_user(), asset_slug="arrays", telemetry={})
    assert schedules.queue_stats_sync() == 1
    assert Asset.objects.get(pk=with_rows.pk).sync_status == "PENDING"
    assert Asset.objects.get(pk=without.pk).sync_status is None


@pytest.mark.django_db
def test_the_daily_clean_up_keeps_what_is_young_or_pending() -> None:
    old = timezone.now() - timedelta(days=31)
    for status, created in (("DONE", old), ("PENDING", old), ("DONE", timezone.now())):
        Webhook.objects.create(is_streaming=False, event="batch", payload={}, status=status, created_at=created)
    for created in (old, timezone.now()):
        Refusal.objects.create(path="/", status_code=401, reason="x", size=0, created_at=created)
    Heartbeat.objects.create(name="gone", seen_at=old)
    cleaned = schedules.clean_up()
    assert {name: count for name, count in cleaned.items() if count} == {"webhooks": 1, "refusals": 1, "heartbeats": 1}
    assert sorted(Webhook.objects.values_list("status", flat=True)) == ["DONE", "PENDING"]


@pytest.mark.django_db(transaction=True)
def test_what_is_done_often_is_due_every_so_many_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    often = schedules.OftenJob("often", timedelta(minutes=5), lambda: runs.append(1))
    monkeypatch.setattr(schedules, "JOBS", (often,))
    minutes = [minute for minute in range(21) if run_due_jobs(NIGHT + timedelta(minutes=minute, seconds=7))]
    assert minutes == [5, 10, 15, 20]
    assert len(runs) == 4
