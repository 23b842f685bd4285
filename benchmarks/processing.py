"""The worker's set-based processing against the ORM row by row; statistics in SQL against means in Python."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from benchmarks.figures import Benchmark, Row
from learntrace.accounts.models import User
from learntrace.assignments import telemetry_stats
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.config.demo.replay import recorded_batches
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.drain import process_next
from learntrace.measures.indicators import indicators
from learntrace.measures.telemetry_stats import telemetry_stats_day
from learntrace.registry.models import Asset
from tests.faults.installation import Installation

_LEARNERS = 1000
_ROW_BY_ROW = 200
_STATS_ROWS = 10_000
# How many times as fast as the ORM.
TARGET = 10.0


def _prepare() -> tuple[Asset, list[User]]:
    asset = Asset.objects.create(slug=recorded_batches()[0]["slug"], lang="us", graded=True)
    users = User.objects.bulk_create([User(username=f"bench-{number}") for number in range(_LEARNERS)])
    Task.objects.bulk_create(
        [Task(user=user, title="x", associated_slug=asset.slug, task_type="EXERCISE") for user in users]
    )
    return asset, users


def _fill(users: list[User], count: int) -> None:
    """Store webhooks with a status that the running worker does not take."""
    payload = recorded_batches()[0]
    Webhook.objects.all().delete()
    AssignmentTelemetry.objects.all().delete()
    Webhook.objects.bulk_create(
        Webhook(
            is_streaming=False,
            event="batch",
            payload={**payload, "user_id": user.pk},
            student=user,
            status="ERROR",
            turn_learner=user.pk,
        )
        for user in users[:count]
    )


def _set_based(users: list[User]) -> float:
    _fill(users, _LEARNERS)
    with transaction.atomic():
        # Pending in this transaction only, so that the installation's own worker stays out of the measurement.
        Webhook.objects.update(status="PENDING")
        start = time.perf_counter()
        count = 0
        while done := process_next():
            count += done
        seconds = time.perf_counter() - start
    return count / seconds


def _row_by_row(users: list[User]) -> float:
    _fill(users, _ROW_BY_ROW)
    start = time.perf_counter()
    for webhook in Webhook.objects.all():
        asset = Asset.objects.get(slug=webhook.payload["slug"])
        student = User.objects.get(pk=webhook.payload["user_id"])
        tasks = Task.objects.filter(user=student, associated_slug=asset.slug)
        result = indicators(webhook.payload)
        AssignmentTelemetry.objects.update_or_create(
            user=student, asset_slug=asset.slug, defaults={"telemetry": webhook.payload, "metrics": result}
        )
        for task in tasks:
            task.save()
        webhook.status = Webhook.Status.DONE
        webhook.save()
    return _ROW_BY_ROW / (time.perf_counter() - start)


def _stats_rows(asset: Asset) -> None:
    users = User.objects.bulk_create([User(username=f"stats-{number}") for number in range(_STATS_ROWS)])
    result = indicators(recorded_batches()[0])
    rows = (
        AssignmentTelemetry(
            user=user,
            asset_slug=asset.slug,
            telemetry=recorded_batches()[0],
            metrics=result,
            engagement_score=number % 100,
            frustration_score=number % 70,
            completion_rate=50,
        )
        for number, user in enumerate(users)
    )
    AssignmentTelemetry.objects.bulk_create(rows, batch_size=500)


def _milliseconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


def _stats_in_python(slug: str) -> dict[str, float]:
    rows: Iterable[Mapping[str, Any]] = AssignmentTelemetry.objects.filter(asset_slug=slug).values()
    return telemetry_stats_day(rows)


def benchmarks(_installation: Installation) -> Iterator[Benchmark]:
    _asset, users = _prepare()
    row = Row("processing", "webhooks/s", "the ORM, row by row", TARGET)
    yield Benchmark(row, partial(_set_based, users), partial(_row_by_row, users))
    slug = "bench-stats"
    _stats_rows(Asset.objects.create(slug=slug, lang="us"))
    yield Benchmark(
        Row(f"telemetry_stats of {_STATS_ROWS:,} rows", "ms", "rows loaded, means in Python"),
        lambda: _milliseconds(lambda: telemetry_stats.stats_of(slug)),
        lambda: _milliseconds(lambda: _stats_in_python(slug)),
    )
