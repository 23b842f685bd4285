import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from learntrace.assignments import telemetry_stats
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.telemetry_stats import assets_to_sync, drain_stats, stats_of, sync_telemetry_stats
from learntrace.measures.telemetry_stats import telemetry_stats_day
from learntrace.registry.models import Asset
from tests.support.builders import (
    NOW,
    make_academy,
    make_asset,
    make_telemetry,
    make_translations,
    make_user,
    translate,
)
from tests.support.recorded_cases import required

COLUMNS = ("frustration_score", "engagement_score", "completion_rate")


def write(rows: Any, slug: str = "intro") -> None:
    AssignmentTelemetry.objects.filter(asset_slug=slug).delete()
    users = [make_user(f"{slug}-{random.randrange(10**12)}") for _ in rows]
    AssignmentTelemetry.objects.bulk_create(
        AssignmentTelemetry(user=user, asset_slug=slug, **dict(zip(COLUMNS, row, strict=True)))
        for user, row in zip(users, rows, strict=True)
    )


@required("asset-stats")
def test_sql_gives_the_recorded_statistics(db: None, case: dict[str, Any]) -> None:
    if not case["rows"]:
        assert stats_of("intro") is None
        return
    write([[row[name] for name in COLUMNS] for row in case["rows"]])
    assert stats_of("intro") == case["expect"]


_SCORE = st.none() | st.floats(0, 100).map(lambda score: round(score, 2)) | st.floats(0, 100)


class TheAggregateIsThatOfMetrics(TestCase):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(_SCORE, _SCORE, _SCORE), min_size=1, max_size=12))
    def test_sql_equals_the_pure_function_to_the_last_bit(self, rows: list[Any]) -> None:
        write(rows)
        assert stats_of("intro") == telemetry_stats_day([dict(zip(COLUMNS, row, strict=True)) for row in rows])


def test_the_first_sync_makes_the_day(db: None) -> None:
    asset = make_asset("intro", sync_status="PENDING")
    write([(10.0, 20.0, 50.0), (None, 21.0, 100.0)])
    assert sync_telemetry_stats(asset.pk, NOW) is True
    updated = asset.updated_at
    asset.refresh_from_db()
    day = {"frustration_avg": 10.0, "engagement_avg": 20.5, "completion_avg": 75.0, "total_sessions": 2}
    assert asset.telemetry_stats == {"last_sync_at": "2026-11-22T10:30:00Z", "days": {"2026-11-22": day}}
    assert (asset.sync_status, asset.last_synch_at, asset.updated_at) == ("OK", NOW, updated)


def test_older_days_stay_and_the_same_day_is_overwritten(db: None) -> None:
    asset = make_asset("intro")
    for moment, score in ((NOW - timedelta(days=1), 1.0), (NOW, 2.0), (NOW + timedelta(minutes=5), 3.0)):
        write([(score, score, score)])
        sync_telemetry_stats(asset.pk, moment)
    asset.refresh_from_db()
    days = asset.telemetry_stats["days"]
    assert {day: figures["frustration_avg"] for day, figures in days.items()} == {"2026-11-21": 1.0, "2026-11-22": 3.0}
    assert asset.telemetry_stats["last_sync_at"] == "2026-11-22T10:35:00Z"


def test_the_day_is_that_of_utc(db: None) -> None:
    asset = make_asset("intro")
    write([(1.0, 1.0, 1.0)])
    sync_telemetry_stats(asset.pk, datetime.fromisoformat("2026-11-22T23:30:00-05:00"))
    asset.refresh_from_db()
    assert list(asset.telemetry_stats["days"]) == ["2026-11-23"]
    assert asset.telemetry_stats["last_sync_at"] == "2026-11-23T04:30:00Z"


def test_without_rows_nothing_changes_but_that_it_no_longer_waits(db: None) -> None:
    asset = make_asset("intro", sync_status="PENDING", telemetry_stats={"days": {}}, last_synch_at=None)
    assert sync_telemetry_stats(asset.pk, NOW) is False
    asset.refresh_from_db()
    assert (asset.sync_status, asset.telemetry_stats, asset.last_synch_at) == ("OK", {"days": {}}, None)


def test_a_translation_answers_with_the_canonical_assets_rows(db: None) -> None:
    _canonical, translation = make_translations(us="intro", es="intro-es")
    write([(4.0, 4.0, 4.0)], "intro")
    write([(9.0, 9.0, 9.0)] * 2, "intro-es")
    sync_telemetry_stats(translation.pk, NOW)
    translation.refresh_from_db()
    assert translation.telemetry_stats["days"]["2026-11-22"]["total_sessions"] == 1


def test_only_what_the_assets_academy_sees_counts(db: None) -> None:
    """Otherwise another academy's staff, who may correct the telemetry of its own learners, would move the numbers."""
    ours, theirs = make_academy(), make_academy()
    asset = make_asset("intro", academy=ours)
    both = make_user("", "student", ours, theirs)
    for learner, score in ((make_user("", "student", ours), 1.0), (make_user("", "student", theirs), 2.0), (both, 4.0)):
        make_telemetry(learner, "intro", frustration_score=score)
    sync_telemetry_stats(asset.pk, NOW)
    asset.refresh_from_db()
    day = asset.telemetry_stats["days"]["2026-11-22"]
    assert (day["frustration_avg"], day["total_sessions"]) == (2.5, 2)
    # On a translation of another academy's asset, what that academy owns doesn't count.
    translation = make_asset("intro-es", academy=theirs, lang="es")
    translate(asset, translation)
    sync_telemetry_stats(translation.pk, NOW)
    translation.refresh_from_db()
    assert translation.telemetry_stats["days"]["2026-11-22"]["total_sessions"] == 1


def test_assets_without_telemetry_of_their_own_members_are_not_synced(db: None) -> None:
    ours, theirs = make_academy(), make_academy()
    for slug, academy in (("ours", ours), ("nobodys", None), ("theirs", theirs)):
        make_asset(slug, academy=academy)
        make_telemetry(make_user("", "student", ours), slug)
    assert set(assets_to_sync().values_list("slug", flat=True)) == {"ours", "nobodys"}


def test_what_json_lacks_counts_as_not_known(db: None) -> None:
    asset = make_asset("intro")
    write([(float("nan"), float("inf"), 50.0), (10.0, None, float("-inf"))])
    assert sync_telemetry_stats(asset.pk, NOW) is True
    asset.refresh_from_db()
    assert asset.telemetry_stats["days"]["2026-11-22"] == {
        "frustration_avg": 10.0, "engagement_avg": 0, "completion_avg": 50.0, "total_sessions": 2
    }  # fmt: skip


def test_something_else_in_the_column_is_replaced(db: None) -> None:
    asset = make_asset("intro", telemetry_stats=[1])
    write([(1.0, 1.0, 1.0)])
    sync_telemetry_stats(asset.pk, NOW)
    asset.refresh_from_db()
    assert list(asset.telemetry_stats["days"]) == ["2026-11-22"]


def test_the_queue_is_drained_up_to_a_limit(db: None) -> None:
    for number in range(5):
        make_asset(f"asset-{number}", sync_status="PENDING")
    make_asset("not-asked-for")
    assert drain_stats(limit=3) == 3
    assert Asset.objects.filter(sync_status="PENDING").count() == 2
    assert [drain_stats(), drain_stats()] == [2, 0]
    assert Asset.objects.get(slug="not-asked-for").sync_status is None


def test_one_that_fails_is_noted_and_the_others_go_on(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for slug in ("one", "bad", "two"):
        make_asset(slug, sync_status="PENDING")
        write([(1.0, 1.0, 1.0)], slug)
    real = telemetry_stats.stats_of

    def fail(slug: str, *academies: int | None) -> Any:
        if slug == "bad":
            with connection.cursor() as cursor:  # a failure within the database, which spoils its transaction
                cursor.execute("SELECT 1/0")
        return real(slug, *academies)

    monkeypatch.setattr(telemetry_stats, "stats_of", fail)
    assert drain_stats() == 3
    found = dict(Asset.objects.values_list("slug", "sync_status"))
    assert found == {"one": "OK", "bad": "ERROR", "two": "OK"}
    assert Asset.objects.get(slug="bad").telemetry_stats is None


def test_that_the_database_is_away_is_no_assets_failure(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = make_asset("intro", sync_status="PENDING")

    def gone(slug: str, *academies: int | None) -> None:
        raise OperationalError

    monkeypatch.setattr(telemetry_stats, "stats_of", gone)
    with pytest.raises(OperationalError):
        drain_stats()
    asset.refresh_from_db()
    assert asset.sync_status == "PENDING"


def test_every_asset_with_telemetry_is_synced_at_night(db: None) -> None:
    make_translations(us="intro", es="intro-es")
    make_asset("alone")
    make_asset("without")
    (lonely_translation, _other) = make_translations(it="primo", de="erst")
    user = make_user("ada")
    for slug in ("intro", "alone", "erst", "no-asset"):
        make_telemetry(user, slug)
    assert [asset.slug for asset in assets_to_sync()] == ["intro", "intro-es", "alone"]
    assert lonely_translation.slug == "primo"


def in_thread(work: Callable[[], object]) -> Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_several_workers_take_each_asset_once() -> None:
    for number in range(20):
        make_asset(f"asset-{number}", sync_status="PENDING")
    taken = []
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        taken.append(drain_stats())

    for thread in [in_thread(work) for _ in range(4)]:
        thread.join()
    assert sum(taken) == 20
    assert not Asset.objects.exclude(sync_status="OK").exists()


@pytest.mark.django_db(transaction=True)
def test_an_asset_that_is_held_is_left_to_who_holds_it() -> None:
    held, free = make_asset("held", sync_status="PENDING"), make_asset("free", sync_status="PENDING")
    with transaction.atomic():
        Asset.objects.select_for_update().get(pk=held.pk)
        taken = []
        in_thread(lambda: taken.append(drain_stats())).join(timeout=60)
        assert taken == [1]
    free.refresh_from_db()
    held.refresh_from_db()
    assert (held.sync_status, free.sync_status) == ("PENDING", "OK")


@pytest.mark.django_db(transaction=True)
def test_simultaneous_syncs_lose_no_day() -> None:
    asset = make_asset("intro")
    write([(1.0, 1.0, 1.0)])
    together = threading.Barrier(6)

    def work(day: int) -> None:
        together.wait()
        sync_telemetry_stats(asset.pk, datetime(2026, 1, day, tzinfo=UTC))

    for thread in [in_thread(partial(work, day)) for day in range(1, 7)]:
        thread.join()
    asset.refresh_from_db()
    assert sorted(asset.telemetry_stats["days"]) == [f"2026-01-0{day}" for day in range(1, 7)]
