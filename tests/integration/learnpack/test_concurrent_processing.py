"""Several workers on one inbox: each row is processed once, the newest batch is kept, and nobody waits in a circle."""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connections, transaction

from learntrace.accounts.models import Grant, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.assignments.telemetry_stats import sync_telemetry_stats
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.progress.models import Stale
from learntrace.registry.models import Asset
from tests.support.builders import make_graded_asset, make_task, make_user, translate

pytestmark = pytest.mark.django_db(transaction=True)

OPENED = 1_767_261_600_000
PATIENCE = 60


def at_once(*works: Callable[[], None]) -> None:
    """Do all at the same time, each in a thread with a connection of its own; whatever one of them raises fails us."""
    start = threading.Barrier(len(works))
    raised: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            connections["default"].ensure_connection()
            start.wait(PATIENCE)
            work()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    if raised:
        raise raised[0]


def drain_at_once(workers: int, limit: int) -> None:
    """Let workers empty the inbox together. A deadlock would be raised here, and count as an attempt."""

    def work() -> None:
        while Webhook.objects.filter(status="PENDING").exists():
            drain.process_next(limit)

    at_once(*[work] * workers)
    assert not Webhook.objects.exclude(attempts=0).exists()


def batch(slug: str, n: int, at: int | None = None, *, done: bool = False, **more: Any) -> dict[str, Any]:
    step = {"slug": "s", "opened_at": OPENED, "completed_at": OPENED + 60_000 if done else None}
    return {"slug": slug, "n": n, "steps": [step], "last_interaction_at": at, **more}


def receive(*sent: tuple[User, dict[str, Any]], sender: User | None = None) -> list[Webhook]:
    """Rows as the inbox writes them, in this order."""
    return Webhook.objects.bulk_create(
        Webhook(
            is_streaming="event" in payload,
            event=payload.get("event", "batch"),
            payload=payload,
            student=student,
            sender=sender,
        )
        for student, payload in sent
    )


def learners_with_tasks(count: int, slugs: Sequence[str]) -> list[User]:
    learners = [make_user(f"learner-{number}") for number in range(count)]
    for learner in learners:
        for slug in slugs:
            make_task(learner, slug)
    return learners


def _count_attempts() -> None:
    take_attempts()


def texts() -> list[str]:
    return list(Webhook.objects.order_by("id").values_list("status_text", flat=True))


@pytest.mark.parametrize("limit", [1, 3])
def test_the_same_batch_ten_times_is_one_row(limit: int) -> None:
    make_graded_asset("arrays")
    (ada,) = learners_with_tasks(1, ["arrays"])
    receive(*[(ada, batch("arrays", 1, OPENED, done=True))] * 10)
    drain_at_once(4, limit)
    kept = AssignmentTelemetry.objects.get()
    assert (kept.telemetry["n"], kept.completion_rate) == (1, 100)
    assert set(texts()) <= {"OK", "OK (superseded by a newer batch)"}
    assert set(Webhook.objects.values_list("status", flat=True)) == {"DONE"}
    assert Task.objects.get().task_status == "DONE"


@pytest.mark.parametrize("seed", range(5))
def test_older_batches_after_newer_ones_leave_the_newest(seed: int) -> None:
    make_graded_asset("arrays")
    (ada,) = learners_with_tasks(1, ["arrays"])
    moments = [None, *range(OPENED, OPENED + 30)]
    random.Random(seed).shuffle(moments)
    newest = max(moments, key=lambda moment: moment or 0)
    receive(*[(ada, batch("arrays", moment or 0, moment)) for moment in moments])
    drain_at_once(4, 2)
    assert AssignmentTelemetry.objects.get().telemetry["n"] == newest


@pytest.mark.parametrize("seed", range(5))
def test_of_equally_old_batches_the_one_received_last_is_kept(seed: int) -> None:
    """Seconds, milliseconds and text tell the same moment."""
    make_graded_asset("arrays")
    (ada,) = learners_with_tasks(1, ["arrays"])
    same: list[Any] = [OPENED, OPENED // 1000, "2026-01-01T10:00:00Z", "2026-01-01T11:00:00+01:00"] * 5
    random.Random(seed).shuffle(same)
    receive(*[(ada, batch("arrays", n, moment)) for n, moment in enumerate(same)])
    drain_at_once(4, 2)
    assert AssignmentTelemetry.objects.get().telemetry["n"] == len(same) - 1


def test_a_turn_that_counts_attempts_never_waits_for_a_record_that_is_being_stored() -> None:
    """Who stores a record holds its row and comes to the pair's mark, which the turn has claimed: neither would go on."""
    make_graded_asset("arrays")
    (ada,) = learners_with_tasks(1, ["arrays"])
    run = {"started_at": OPENED, "exit_code": 1, "source_code": "print(1)"}
    steps = [{"slug": "s", "opened_at": OPENED, "compilations": [run]}]
    receive((ada, batch("arrays", 1, OPENED + 1000, steps=steps)))
    drain.process_next()
    take_attempts()
    receive((ada, batch("arrays", 2, OPENED + 2000)))
    drain.process_next()
    with transaction.atomic():
        AssignmentTelemetry.objects.select_for_update(no_key=True).get()
        at_once(_count_attempts)
    assert AssignmentTelemetry.objects.get().untold_attempts == 0
    assert Stale.objects.count() == 1
    take_attempts()
    assert AssignmentTelemetry.objects.get().untold_attempts == 1
    assert not Stale.objects.exists()


@pytest.mark.parametrize("seed", range(5))
def test_translations_at_once_are_one_row_with_the_newest(seed: int) -> None:
    translate(
        make_graded_asset("arrays"), make_graded_asset("arreglos", lang="es"), make_graded_asset("tableaux", lang="fr")
    )
    (ada,) = learners_with_tasks(1, ["arreglos"])
    slugs = ["arrays", "arreglos", "tableaux"] * 8
    random.Random(seed).shuffle(slugs)
    receive(*[(ada, batch(slug, n, OPENED + n, done=n == 23)) for n, slug in enumerate(slugs)])
    drain_at_once(4, 2)
    kept = AssignmentTelemetry.objects.get()
    assert (kept.asset_slug, kept.telemetry["n"]) == ("arrays", 23)
    assert Task.objects.get().task_status == "DONE"


def test_many_learners_and_assets_in_opposite_orders_never_wait_in_a_circle() -> None:
    slugs = [f"asset-{number}" for number in range(6)]
    for slug in slugs:
        make_graded_asset(slug)
    learners = learners_with_tasks(8, slugs)
    pairs = [(learner, slug) for learner in learners for slug in slugs]
    sent = 0
    for round_ in range(12):
        rows = []
        # Whoever claims the first half meets the pairs in one order, whoever claims the second in the other.
        for order in (pairs, pairs[::-1]):
            rows += [(one, batch(slug, sent + n, OPENED + sent + n)) for n, (one, slug) in enumerate(order)]
            sent += len(order)
        receive(*rows)
        drain_at_once(2 + round_ % 3, len(pairs))
    kept = AssignmentTelemetry.objects.values_list("user__username", "asset_slug", "telemetry__n")
    newest = {(one.username, slug): sent - 1 - n for n, (one, slug) in enumerate(pairs)}
    assert {(user, slug): n for user, slug, n in kept} == newest
    assert Webhook.objects.filter(status="DONE").count() == sent


def test_batches_and_package_events_that_write_the_same_assets_never_wait_in_a_circle() -> None:
    """A batch teaches an asset its package, package events write assets, each in the order in which it came."""
    slugs = [f"asset-{number}" for number in range(8)]
    packages = {make_graded_asset(slug).slug: 700 + number for number, slug in enumerate(slugs)}
    learners = learners_with_tasks(2, slugs)
    service = make_user("service")
    Grant.objects.create(user=service, permission="upload_any_telemetry")

    def published(slug: str, n: int) -> tuple[User, dict[str, Any]]:
        manifest = {"event": "package_manifest_updated", "payload": {"manifest": {"n": n}}}
        return learners[0], {"slug": slug, **manifest}

    def teaching(learner: User, slug: str, n: int) -> tuple[User, dict[str, Any]]:
        asset = Asset.objects.get(slug=slug).pk
        return learner, batch(slug, n, OPENED + n, asset_id=asset, package_id=packages[slug])

    for n in range(12):
        Asset.objects.update(learnpack_id=None)
        rows = [teaching(learners[0], slugs[0], n), *(published(slug, n) for slug in slugs)]
        rows += [teaching(learners[1], slugs[-1], n), *(published(slug, n) for slug in reversed(slugs))]
        receive(*rows, sender=service)
        drain_at_once(2, len(rows) // 2)
        learned = Asset.objects.exclude(learnpack_id=None).values_list("slug", "learnpack_id")
        assert dict(learned) == {slug: packages[slug] for slug in (slugs[0], slugs[-1])}
        assert set(Asset.objects.values_list("manifest__n", flat=True)) == {n}
    assert set(Webhook.objects.values_list("status_text", flat=True)) <= {"OK", "OK (superseded by a newer batch)"}


def test_the_inbox_does_not_wait_for_a_recomputation_of_its_asset() -> None:
    asset = make_graded_asset("arrays")
    (ada,) = learners_with_tasks(1, ["arrays"])

    def take_in() -> None:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            Webhook.objects.create(is_streaming=False, event="batch", payload={}, student=ada, asset=asset)

    with transaction.atomic():
        sync_telemetry_stats(asset.pk, asset.created_at)
        at_once(take_in)
    assert Webhook.objects.count() == 1
