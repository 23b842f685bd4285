"""The worker's set-based processing against the same work done row by row with the ORM; statistics against Python."""

import time
from collections.abc import Callable, Iterator

from django.db import transaction

from benchmarks.figures import Row
from learntrace.accounts.models import User
from learntrace.assignments import stats
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.config.demo.replay import recorded_batches
from learntrace.learnpack.drain import process_next
from learntrace.learnpack.models import Webhook
from learntrace.metrics.indicators import indicators
from learntrace.metrics.stats import telemetry_stats_day
from learntrace.registry.models import Asset
from tests.faults.installation import Installation

_LEARNERS = 1000
_ROW_BY_ROW = 200
_STATS_ROWS = 10_000


def _prepare() -> tuple[Asset, list[User]]:
    asset = Asset.objects.create(slug=recorded_batches()[0]["slug"], lang="us", graded=True)
    users = User.objects.bulk_create([User(username=f"bench-{number}") for number in range(_LEARNERS)])
    Task.objects.bulk_create(
        [Task(user=user, title="x", associated_slug=asset.slug, task_type="EXERCISE") for user in users]
    )
    return asset, users


def _fill(users: list[User], count: int) -> None:
    """Rows that the running worker doesn't take: their time has not come."""
    payload = recorded_batches()[0]
    Webhook.objects.all().delete()
    AssignmentTelemetry.objects.all().delete()
    Webhook.objects.bulk_create(
        Webhook(
            is_streaming=False, event="batch", payload={**payload, "user_id": user.pk}, student=user, status="ERROR"
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
    AssignmentTelemetry.objects.bulk_create(
        (
            AssignmentTelemetry(user=user, asset_slug=asset.slug, telemetry=recorded_batches()[0], metrics=result,
                                engagement_score=number % 100, frustration_score=number % 70, completion_rate=50)
            for number, user in enumerate(users)
        ),
        batch_size=500,
    )  # fmt: skip


def _milliseconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


def benchmarks(installation: Installation) -> Iterator[tuple[Row, Callable[[], float], Callable[[], float]]]:
    _asset, users = _prepare()
    yield (Row("processing", "webhooks/s", "the ORM, row by row"), lambda: _set_based(users),
           lambda: _row_by_row(users))  # fmt: skip
    other = Asset.objects.create(slug="bench-stats", lang="us")
    _stats_rows(other)
    yield (
        Row(f"telemetry_stats of {_STATS_ROWS:,} rows", "ms", "rows loaded, means in Python"),
        lambda: _milliseconds(lambda: stats.stats_of(other.slug)),
        lambda: _milliseconds(lambda: telemetry_stats_day(
            AssignmentTelemetry.objects.filter(asset_slug=other.slug).values())),
    )  # fmt: skip
