"""A page tells all times in one time zone, which the browser names: charts, tables, filters, sentences and CSV headings."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from learntrace.assignments.telemetry_stats import sync_telemetry_stats
from learntrace.core.time_zones import COOKIE, zone_of
from learntrace.dashboard.health.volume import PERIODS, slots_of
from learntrace.dashboard.my_learning.active_days import active_days
from learntrace.learnpack.models import Webhook
from learntrace.progress.models import Activity, Exclusion
from tests.support.builders import Api, Cast, make_asset, make_attempts, make_telemetry
from tests.support.csv_files import read_csv

pytestmark = pytest.mark.django_db

# Late in the evening of the 14th in UTC, early in the morning of the 15th in India.
AT = datetime(2026, 10, 14, 23, 40, tzinfo=UTC)
INDIA = "Asia/Kolkata"


@pytest.fixture
def client(cast: Cast) -> Client:
    signed_in = Client()
    signed_in.force_login(cast.colleague)
    signed_in.cookies[COOKIE] = "Asia%2FKolkata"
    return signed_in


def make_webhook(cast: Cast, at: datetime) -> Webhook:
    row = Webhook.objects.create(is_streaming=False, event="batch", student=cast.owner, payload={}, status="DONE")
    Webhook.objects.filter(pk=row.pk).update(created_at=at)
    return row


def content(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_which_zone_it_is(client: Client, cast: Cast) -> None:
    page = content(client, "/learners")
    assert 'data-time-zone="Asia/Kolkata"' in page
    assert "Times in your time zone (Asia/Kolkata)" in page
    client.cookies[COOKIE] = "UTC"
    assert "Times in UTC" in content(client, "/learners")


@pytest.mark.parametrize("named", ["", "Nowhere/Land", "../../etc/passwd", "%00", "x" * 500])
def test_a_zone_that_does_not_exist_is_utc(client: Client, named: str) -> None:
    client.cookies[COOKIE] = named
    assert 'data-time-zone="UTC"' in content(client, "/learners")


def test_tables_and_csv_files_tell_the_readers_time(client: Client, cast: Cast) -> None:
    make_attempts(cast.owner, cast.academy, "arrays/01", "x", AT)
    assert ">15 Oct, 05:10</time>" in content(client, "/learners")
    (row,) = [row for row in read_csv(client, "/learners") if row["User name"] == "ada"]
    assert row["Last seen (Asia/Kolkata)"] == "2026-10-15T05:10:00+05:30"


def test_a_filter_without_an_offset_is_in_the_readers_time(client: Client, cast: Cast) -> None:
    row = make_webhook(cast, AT)
    links = [f"/telemetry/webhook/{row.pk}", 'value="2026-10-15T05:10:00"']
    inside = content(client, "/telemetry/webhooks?since=2026-10-15T05:10:00&until=2026-10-15T05:11")
    assert all(link in inside for link in links)
    assert links[0] not in content(client, "/telemetry/webhooks?since=2026-10-14T23:40:01Z&until=2026-10-15T05:11")
    assert links[0] in content(client, "/telemetry/webhooks?since=2026-10-14T23:40:00Z&until=2026-10-15 05:11")


def test_the_api_answers_in_utc_whatever_the_cookie_says(teacher: Api, cast: Cast) -> None:
    make_attempts(cast.owner, cast.academy, "arrays/01", "x", AT)
    answer = teacher.get("/v1/progress/academy/learner", HTTP_COOKIE=f"{COOKIE}=Asia%2FKolkata")
    assert {row["last_seen_at"] for row in answer.json()} == {"2026-10-14T23:40:00Z"}


def test_charts_begin_hours_and_days_in_the_readers_zone(cast: Cast) -> None:
    make_webhook(cast, AT)
    make_attempts(cast.owner, cast.academy, "arrays/01", "xx", AT)
    for zone, day, hour in ((UTC, 14, 23), (zone_of(INDIA), 15, 5)):
        with timezone.override(zone):
            for period in PERIODS:
                (slot,) = [slot for slot in slots_of(cast.academy, period, AT + timedelta(hours=2)) if slot.total]
                local = timezone.localtime(slot.start)
                assert (local.day, local.hour, local.minute) == (day, 0 if period.days else hour, 0)
            days = active_days(cast.owner, {cast.academy.pk}, AT + timedelta(hours=2))
            assert [one.day.day for one in days.days if one.seconds] == [day]
    assert Activity.objects.count() == 2


def test_days_on_which_the_clock_changes_are_whole(cast: Cast) -> None:
    """In Madrid the 25th of October 2026 has 25 hours."""
    for hour in (-3, -1, 21, 23):
        make_webhook(cast, datetime(2026, 10, 25, tzinfo=UTC) + timedelta(hours=hour))
    with timezone.override(zone_of("Europe/Madrid")):
        week = slots_of(cast.academy, PERIODS[1], datetime(2026, 10, 28, tzinfo=UTC))
    counts = {timezone.localtime(slot.start, zone_of("Europe/Madrid")).date().day: slot.total for slot in week}
    assert {day: count for day, count in counts.items() if count} == {24: 1, 25: 2, 26: 1}


def test_the_statistics_of_an_asset_are_on_the_readers_days(client: Client, cast: Cast) -> None:
    asset = make_asset("intro", academy=cast.academy)
    make_telemetry(cast.owner, "intro")
    for at in (AT - timedelta(days=1), AT, AT + timedelta(hours=2)):
        assert sync_telemetry_stats(asset.pk, at)
    rows = read_csv(client, "/asset/intro", "days")
    assert [row["Day (Asia/Kolkata)"] for row in rows] == ["2026-10-14", "2026-10-15"]
    # What an earlier version computed has no moment: it stays on its day.
    type(asset).objects.update(stats_times={})
    rows = read_csv(client, "/asset/intro", "days")
    assert [row["Day (Asia/Kolkata)"] for row in rows] == ["2026-10-13", "2026-10-14", "2026-10-15"]


def test_a_span_to_exclude_is_in_the_readers_time(client: Client, cast: Cast) -> None:
    make_attempts(cast.owner, cast.academy, "arrays/01", "xx", AT)
    form = {"what": "span", "reason": "a demonstration", "since": "2026-10-15T05:10:00", "until": "2026-10-15T05:10:01"}
    answer = client.post(f"/assignment/arrays/01/learner/{cast.owner.pk}/exclude", form)
    assert answer.status_code == 302
    (exclusion,) = Exclusion.objects.all()
    assert (exclusion.since, exclusion.until) == (AT, AT + timedelta(seconds=1))
