"""The worker's set-based processing against the ORM row by row, alone and as Celery tasks; statistics in SQL against means
in Python."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from benchmarks.conventional import running as conventional
from benchmarks.conventional.processing import process
from benchmarks.figures import Benchmark, Group, Row
from learntrace.accounts.models import User
from learntrace.assignments import telemetry_stats
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.config.demo.replay import recorded_batches
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.drain import process_next
from learntrace.measures.indicators import indicators
from learntrace.measures.telemetry_stats import telemetry_stats_day
from learntrace.registry.models import Asset
from tests.faults.brokers import Broker, own_corner, reachable_brokers
from tests.faults.installation import Installation
from tests.faults.processes import frozen

_LEARNERS = 1000
_ROW_BY_ROW = 200
# Tasks by which a Celery worker is warm, and the seconds that it may take for those that are measured.
_WARM_UP, _PATIENCE = 20, 120.0
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
        _verify(_LEARNERS)
    return count / seconds


def _row_by_row(users: list[User]) -> float:
    _fill(users, _ROW_BY_ROW)
    start = time.perf_counter()
    for webhook in Webhook.objects.all():
        process(webhook)
    seconds = time.perf_counter() - start
    _verify(_ROW_BY_ROW)
    return _ROW_BY_ROW / seconds


def _verify(count: int) -> None:
    """Fail unless each webhook is done and has its record."""
    assert Webhook.objects.filter(status="DONE").count() == count
    assert AssignmentTelemetry.objects.count() == count


class _Celery:
    """A Celery worker, begun with the first measurement and ended with `opened`."""

    def __init__(self, broker: Broker, opened: ExitStack) -> None:
        self._broker, self._opened = broker, opened
        self._worker: conventional.Worker | None = None

    def measure(self, users: list[User]) -> float:
        """Return the webhooks a second, each a task; the tasks are in the broker before the worker begins."""
        if self._worker is None:
            url = self._opened.enter_context(own_corner(self._broker)).url
            self._worker = self._opened.enter_context(conventional.worker(url))
            self._process(self._worker, users, _WARM_UP)
        return self._process(self._worker, users, _ROW_BY_ROW)

    @staticmethod
    def _process(worker: conventional.Worker, users: list[User], count: int) -> float:
        _fill(users, count)
        with frozen(worker.processes()):
            for webhook_id in Webhook.objects.values_list("pk", flat=True):
                worker.app.send_task("process_webhook", [webhook_id])
        start = time.perf_counter()
        while Webhook.objects.exclude(status="DONE").exists():
            assert time.perf_counter() < start + _PATIENCE, "the Celery worker is not done"
            time.sleep(0.01)
        seconds = time.perf_counter() - start
        _verify(count)
        return count / seconds


def _celery(users: list[User], opened: ExitStack) -> tuple[Row, Callable[[], float]]:
    """Return the row of the comparison with Celery, and what measures the reference."""
    reference = "one Celery task a webhook, a worker of one process"
    row = Row("processing, one process", "webhooks/s", reference, TARGET)
    try:
        brokers = reachable_brokers()
    except pytest.skip.Exception as reason:
        row.left_out = str(reason)
        return row, lambda: 0.0
    # The faster one, where both answer.
    broker = next((broker for broker in brokers if broker.is_redis), brokers[0])
    row.reference += f", {'Redis' if broker.is_redis else 'RabbitMQ'}"
    return row, partial(_Celery(broker, opened).measure, users)


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


def quick(_installation: Installation) -> Iterator[Group]:
    """The comparison with the ORM alone."""
    _asset, users = _prepare()
    yield [Benchmark(_orm_row(), partial(_set_based, users), partial(_row_by_row, users))]


def _orm_row() -> Row:
    return Row("processing", "webhooks/s", "the ORM, row by row", TARGET)


def benchmarks(_installation: Installation) -> Iterator[Benchmark | Group]:
    _asset, users = _prepare()
    with ExitStack() as opened:
        ours = partial(_set_based, users)
        row, by_celery = _celery(users, opened)
        yield [Benchmark(_orm_row(), ours, partial(_row_by_row, users)), Benchmark(row, ours, by_celery)]
    slug = "bench-stats"
    _stats_rows(Asset.objects.create(slug=slug, lang="us"))
    yield Benchmark(
        Row(f"telemetry_stats of {_STATS_ROWS:,} rows", "ms", "rows loaded, means in Python"),
        lambda: _milliseconds(lambda: telemetry_stats.stats_of(slug)),
        lambda: _milliseconds(lambda: _stats_in_python(slug)),
    )
