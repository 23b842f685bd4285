"""Telemetry health: what it tells, what may be done to failed webhooks, and the editor of the ignore rules."""

import csv
import html
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from learntrace.accounts.academy_settings import merge_features, settings_of
from learntrace.accounts.models import AcademySettings, Membership, User
from learntrace.dashboard.health import webhooks
from learntrace.dashboard.health.volume import PERIODS, own_period, slots_of
from learntrace.intake.models import Refusal
from learntrace.learnpack.ignore.academy_rules import rules_of
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.drain import drain_webhooks
from learntrace.learnpack.webhook_log import bulk, causes, search
from learntrace.notebooks.models import Event, RejectedEvent
from tests.support.builders import (
    Cast,
    Response,
    make_asset,
    make_rejected,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)
from tests.support.notebooks import make_event

HOSTILE = "<script>alert(1)</script>\u202egnp.exe"
IGNORE = "/telemetry/ignore"


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def staff(cast: Cast) -> Client:
    return signed_in(cast.colleague)


def text_of(response: Response) -> str:
    return response.content.decode()


def failed(student: User | None, reason: str = outcomes.NOT_IMPLEMENTED, **fields: Any) -> Webhook:
    """A webhook that failed, with the text that it would have."""
    values = fields.pop("values", {"event": fields.get("event", "open_step")})
    outcome = outcomes.failed(reason, **values)
    defaults = {"event": "open_step", "is_streaming": True, "status": "ERROR", "status_text": outcome.text()}
    return make_webhook(student, **{**defaults, "reason": reason, "reason_values": values, **fields})


def hidden(page: str) -> dict[str, str]:
    """The fields of the page's forms that nobody sees, later ones over earlier ones."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def rows_of(page: str) -> list[int]:
    """The ids of the log's rows, in their order."""
    return [int(found) for found in re.findall(r'role="row" data-row="(\d+)"', page)]


def older_of(page: str) -> str:
    """Where the log goes on; an empty text at its end."""
    found = re.search(r'rel="next" href="([^"]+)"', page)
    return f"/telemetry/webhooks{found[1]}" if found else ""


# Whether it arrives


def test_the_former_address_leads_staff_here_and_keeps_the_academy(cast: Cast, staff: Client) -> None:
    assert staff.get("/status").headers["Location"] == "/telemetry"
    asked = f"?academy={cast.academy.pk}"
    assert staff.get(f"/status{asked}").headers["Location"] == f"/telemetry{asked}"
    assert "/telemetry" not in signed_in(cast.owner).get("/status").headers["Location"]


def test_periods_count_hours_or_days_and_the_address_names_them(cast: Cast, staff: Client) -> None:
    now = timezone.now()
    for days in (0, 0, 3, 20, 45):
        make_webhook(cast.owner, status="DONE", created_at=now - timedelta(days=days))
    for period, total, bars in zip(PERIODS, (2, 3, 4), (24, 7, 30), strict=True):
        slots = slots_of(cast.academy, period, now)
        assert (len(slots), sum(slot.done for slot in slots)) == (bars, total)
        assert slots[-1].done == 2
        page = text_of(staff.get(f"/telemetry?period={period.name}"))
        assert page.count('class="reach"') == bars
    assert text_of(staff.get("/telemetry?period=x")).count('class="reach"') == 24


def test_a_period_of_ones_own_has_exactly_its_ends(cast: Cast, staff: Client) -> None:
    now = timezone.now().replace(microsecond=0)
    words = {1: "lately", 5: "early", 30: "yesterday", 80: "long ago"}
    for hours, word in words.items():
        at = now - timedelta(hours=hours)
        make_webhook(cast.owner, status="ERROR", status_text=f"it failed {word}", created_at=at)
        Refusal.objects.create(path="/x", status_code=401, reason=f"r{hours}", size=1, user=cast.owner, created_at=at)
        Refusal.objects.filter(reason=f"r{hours}").update(created_at=at, last_at=at)

    def told(since: timedelta | None, until: timedelta | None) -> tuple[str, int]:
        ends = {"since": since, "until": until}
        given = {name: f"{now - back:%Y-%m-%dT%H:%M:%SZ}" for name, back in ends.items() if back is not None}
        page = text_of(staff.get("/telemetry", {"range": "custom", **given}))
        # The newest ones stand below, whenever they came.
        return page.partition('aria-labelledby="newest"')[0], page.count('class="reach"')

    page, bars = told(timedelta(hours=31), timedelta(hours=4))
    assert (bars, "yesterday" in page, "early" in page) == (28 if now.minute or now.second else 27, True, True)
    assert ("lately" in page, "long ago" in page) == (False, False)
    assert (">r30<" in page, ">r1<" in page, ">r80<" in page) == (True, False, False)
    page, bars = told(timedelta(hours=81), None)
    assert (bars in (4, 5), "long ago" in page, "lately" in page) == (True, True, True)
    page, _bars = told(None, timedelta(hours=4))
    assert ("long ago" in page, "lately" in page) == (True, False)
    # Times that are none, or end before they begin, are told, and a time in the future is no fault.
    assert "Nothing failed in this period." in told(-timedelta(hours=5), None)[0]
    assert 'role="alert"' in told(timedelta(hours=1), timedelta(hours=2))[0]
    assert told(timedelta(days=4000), None)[1] <= 368


def test_days_that_are_over_are_counted_once_and_the_running_one_always(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    now, week = timezone.now(), PERIODS[1]
    make_webhook(cast.owner, status="DONE", created_at=now - timedelta(days=2))
    assert sum(slot.done for slot in slots_of(cast.academy, week, now)) == 1
    make_webhook(cast.owner, status="DONE", created_at=now - timedelta(days=2))
    make_webhook(cast.owner, status="DONE", created_at=now)
    with django_assert_max_num_queries(1) as asked:
        slots = slots_of(cast.academy, week, now)
    assert [slot.done for slot in slots] == [0, 0, 0, 0, 1, 0, 1]
    assert f"'{now:%Y-%m-%d} 00:00:00" in asked.captured_queries[0]["sql"]


# Errors by cause


def test_one_cause_is_one_line(cast: Cast) -> None:
    other = make_user("bob", "student", cast.academy)
    for student, slugs in ((cast.owner, ["a"]), (other, ["b", "c"]), (other, ["it's"])):
        failed(student, outcomes.NO_TASKS, event="batch", values={"student": student.pk, "slugs": slugs})
    failed(cast.owner)
    failed(cast.owner, event="compile")
    failed(cast.owner, outcomes.INVALID_SHAPE, event="batch", values={"place": "steps[3].tests", "expected": "a list"})
    make_webhook(cast.owner, status="ERROR", status_text=None)
    make_webhook(cast.owner, status="DONE", status_text="OK")
    found = causes.causes_of(cast.academy, timezone.now() - timedelta(hours=1))
    told = {(one.text, one.event): (one.rows, one.learners) for one in found.found}
    assert told == {
        ("Student with id … has not tasks with associated slug in any of the asset translations: …", "batch"): (3, 2),
        ("Learnpack telemetry event `open_step` is not implemented", "open_step"): (1, 1),
        ("Learnpack telemetry event `compile` is not implemented", "compile"): (1, 1),
        ("The telemetry was saved, but its indicators can't be computed: steps….tests must be a list", "batch"): (1, 1),
        ("", "batch"): (1, 1),
    }
    assert not found.cut


TEXTS = (
    "no task 12 for 'ada' and \"bob\"", "can't, won't: ['a', 'b'] of 3.5", "123e4567-e89b-42d3-a456-426614174000 again",
    "`open_step` 7", "'unclosed", "", "x" * 3000, "9" * 3000, "número 5, 日本 12", "a\nb 3\tc",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_the_database_and_the_page_clean_alike(cast: Cast, text: str) -> None:
    make_webhook(cast.owner, status="ERROR", status_text=text)
    (cause,) = causes.causes_of(cast.academy, timezone.now() - timedelta(hours=1)).found
    assert cause.text == causes.cleaned(text)
    assert causes.with_cause(Webhook.objects.all(), cause.text).count() == 1


def test_causes_lead_to_rows_rules_deletion_and_diagnosis(cast: Cast, staff: Client) -> None:
    failed(cast.owner, package_slug="intro")
    failed(cast.owner, outcomes.NO_TASKS, event="batch", package_slug="intro", values={"student": 1, "slugs": ["x"]})
    page = html.unescape(text_of(staff.get("/telemetry")))
    assert "/telemetry/ignore?events=open_step" in page
    assert "events=batch" not in page, "ignoring all batches would ignore everything"
    assert f"/diagnosis?user=id:{cast.owner.pk}&asset=intro" in page
    rows, delete = (re.findall(rf'href="(/telemetry/webhooks{end}\?[^"]*)"', page) for end in ("", "/delete"))
    assert len(rows) == len(delete) == 2
    for address in rows:
        assert len(rows_of(text_of(staff.get(address)))) == 1
    for address in delete:
        assert "1 failed webhook" in text_of(staff.get(address))
    assert "Learnpack telemetry event `open_step` is not implemented" in page
    spanish = text_of(staff.get("/telemetry", headers={"Accept-Language": "es"}))
    assert "El evento de telemetría de LearnPack `open_step` no está implementado" in spanish


def cause_links(client: Client, query: str = "") -> list[tuple[str, str]]:
    """Where the lines of the causes lead: to their rows, and to their deletion."""
    page = html.unescape(text_of(client.get(f"/telemetry{query}")))
    return re.findall(
        r'href="(/telemetry/webhooks\?[^"]*)".*?href="(/telemetry/webhooks/delete\?[^"]*)"', page, re.DOTALL
    )


def test_a_cause_leads_to_the_rows_of_the_period_that_was_counted(cast: Cast, staff: Client) -> None:
    now = timezone.now()
    rows = [failed(cast.owner, created_at=now - timedelta(days=days)).pk for days in (0, 0, 3, 20, 45)]
    for period, count in (("24h", 2), ("7d", 3), ("30d", 4)):
        ((shown, delete),) = cause_links(staff, f"?period={period}")
        assert sorted(rows_of(text_of(staff.get(shown)))) == sorted(rows[:count])
        page = text_of(staff.get(delete))
        assert f"{count} failed webhooks" in page
    staff.post(delete, hidden(page))
    assert [row.pk for row in Webhook.objects.all()] == rows[4:]


NAMES = ("x,y", " lead", "trail ", 'say "no"', '"whole"', "", "two\nlines", "back\\slash", "\u00a0", HOSTILE)


@pytest.mark.parametrize("name", NAMES)
def test_a_cause_of_any_name_and_text_leads_to_its_rows_alone(cast: Cast, staff: Client, name: str) -> None:
    wanted = make_webhook(cast.owner, event=name, status="ERROR", status_text=name, is_streaming=True)
    make_webhook(cast.owner, event="x", status="ERROR", status_text="x")
    make_webhook(cast.owner, event=name, status="ERROR", status_text="other")
    make_webhook(cast.owner, event="other", status="ERROR", status_text=name)
    cleaned = causes.cleaned(name)
    found = causes.causes_of(cast.academy, timezone.now() - timedelta(hours=1)).found
    place = next(at for at, one in enumerate(found) if (one.event, one.text) == (name, cleaned))
    shown, delete = cause_links(staff)[place]
    page = text_of(staff.get(shown))
    assert rows_of(page) == [wanted.pk]
    assert "1 failed webhook" in text_of(staff.get(delete))
    # Searched once more with the form as it stands there.
    values = {key: html.unescape(text) for key, text in re.findall(r'name="(event|cause)" value="([^"]*)"', page)}
    assert rows_of(text_of(staff.get("/telemetry/webhooks", {**values, "status": "ERROR"}))) == [wanted.pk]


def test_a_cause_keeps_the_names_of_the_fields_that_were_looked_at(cast: Cast) -> None:
    text = "Asset specified by learnpack telemetry was not found using either the payload 'asset_id' or 'slug'"
    failed(cast.owner, status_text=text)
    (cause,) = causes.causes_of(cast.academy, timezone.now() - timedelta(hours=1)).found
    assert cause.text == causes.cleaned(text) == text
    assert causes.cleaned("Asset 'slugs' has not 'slug'") == "Asset … has not 'slug'"


def test_causes_are_told_of_a_bounded_number_of_rows_and_say_so(
    cast: Cast, staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _row in range(4):
        failed(cast.owner)
    assert "there are more" not in text_of(staff.get("/telemetry"))
    monkeypatch.setattr(causes, "MOST_ROWS", 3)
    found = causes.causes_of(cast.academy, timezone.now() - timedelta(hours=1))
    assert (found.found[0].rows, found.cut) == (3, True)
    assert "Counted among the newest 3 failed webhooks" in text_of(staff.get("/telemetry"))


def test_a_table_of_causes_is_harmless_in_a_spreadsheet(cast: Cast, staff: Client) -> None:
    make_webhook(cast.owner, event="=1+1", status="ERROR", status_text='=HYPERLINK("http://x")')
    rows = list(csv.reader(io.StringIO(text_of(staff.get("/telemetry?format=csv")).lstrip("\ufeff"))))
    assert rows[0] == ["Cause", "Event", "Webhooks", "Learners", "Newest (UTC)"]
    assert rows[1][:4] == ["'=HYPERLINK(…)", "'=1+1", "1", "1"]


# The log


def test_filters_find_what_they_name(cast: Cast, staff: Client) -> None:
    bob = make_user("bob", "student", cast.academy, first_name="Bob", last_name="Young", email="bob@example.org")
    asset = make_asset("intro", academy=cast.academy, aliases=("introduction",))
    now = timezone.now()
    of_bob = make_webhook(bob, status="DONE", package_slug="a-package", learnpack_package_id=77)
    on_asset = make_webhook(cast.owner, status="DONE", asset=asset, event="compile")
    old = make_webhook(cast.owner, status="DONE", created_at=now - timedelta(days=3))
    error = failed(cast.owner)
    cases = {
        f"student={bob.pk}": [of_bob], "student=bob": [of_bob], "student=bob%20you": [of_bob],
        "student=BOB@example.org": [of_bob], "student=nobody": [], "student=Lee": [],
        "status=ERROR": [error], "status=ERROR,DONE": [error, on_asset, of_bob, old], "status=IGNORED": [],
        "event=compile": [on_asset], "event=compile,open_step": [error, on_asset], f"asset={asset.pk}": [on_asset],
        "asset=intro": [on_asset], "asset=introduction": [on_asset], "package=a-package": [of_bob], "package=77": [of_bob],
        "cause=" + error.status_text.replace("`", "%60"): [error], "cause=x": [],
        f"until={now - timedelta(days=1):%Y-%m-%dT%H:%M}": [old],
        f"since={now - timedelta(days=1):%Y-%m-%d}": [error, on_asset, of_bob],
        'event="compile", open_step': [error, on_asset], 'package="a-package"': [of_bob], 'package=","': [], 'event=""': [],
        "student=ada&event=open_step&status=ERROR": [error], "event=,": [error, on_asset, of_bob, old],
        "": [error, on_asset, of_bob, old],
    }  # fmt: skip
    for query, expected in cases.items():
        assert rows_of(text_of(staff.get(f"/telemetry/webhooks?{query}"))) == [row.pk for row in expected], query
    for query in ("since=yesterday", "status=BROKEN"):
        answer = staff.get(f"/telemetry/webhooks?{query}")
        assert answer.status_code == 400
        assert "contains a value that can&#x27;t be used" in text_of(answer)
    for value in (r'"\u0000"', r'"\ud800"'):
        for name in ("event", "cause", "student"):
            assert staff.get("/telemetry/webhooks", {name: value}).status_code == 400
            assert staff.get("/telemetry/webhooks/delete", {name: value}).status_code == 400


def test_the_log_goes_on_where_it_stopped(cast: Cast, staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    at = timezone.now()
    # Several of the same moment: the id decides.
    ids = [make_webhook(cast.owner, status="DONE", created_at=at - timedelta(seconds=n // 3)).pk for n in range(11)]
    expected = sorted(ids, key=lambda pk: (-(ids.index(pk) // 3), pk), reverse=True)
    monkeypatch.setattr(webhooks, "PER_PAGE", 4)
    seen, address, pages = [], "/telemetry/webhooks?status=DONE", 0
    while address:
        page = html.unescape(text_of(staff.get(address)))
        seen += rows_of(page)
        address, pages = older_of(page), pages + 1
    assert (seen, pages) == (expected, 3)


def test_a_search_that_finds_little_says_how_far_it_came(
    cast: Cast, staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    wanted = make_webhook(cast.owner, event="rare", status="DONE", created_at=now - timedelta(hours=9))
    for hours in range(8):
        make_webhook(cast.owner, status="DONE", created_at=now - timedelta(hours=hours))
    monkeypatch.setattr(search, "WINDOW", 3)
    monkeypatch.setattr(search, "PATIENCE", 0.0)
    address, steps = "/telemetry/webhooks?event=rare", 0
    while True:
        page = html.unescape(text_of(staff.get(address)))
        if rows_of(page):
            break
        assert "Searched back to" in page
        address = older_of(page)
        steps += 1
    assert (rows_of(page), steps) == ([wanted.pk], 2)


@pytest.mark.parametrize("window", [2, 20_000])
def test_an_academy_finds_its_rows_among_everybodys(cast: Cast, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    mine = [make_webhook(cast.owner, status="DONE") for _row in range(3)]
    for _row in range(5):
        make_webhook(cast.strange_learner, status="DONE")
    make_webhook(cast.owner, status="DONE", asset=make_asset("theirs", academy=cast.elsewhere))
    monkeypatch.setattr(search, "WINDOW", window)
    found = search.find(search.Search(cast.academy), None, 2)
    assert [row.pk for row in found.rows] == [mine[2].pk, mine[1].pk]
    assert [row.pk for row in search.find(search.Search(cast.academy), found.older, 2).rows] == [mine[0].pk]
    assert [row.pk for row in search.newest_of(cast.academy, 2)] == [mine[2].pk, mine[1].pk]
    assert len(search.newest_of(cast.elsewhere, 50)) == 9


def test_a_search_reads_no_payload_and_counts_no_table(
    cast: Cast, staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(60):
        failed(cast.owner, package_slug=f"package-{n}")
    for path, most in (("/telemetry/webhooks", 9), ("/telemetry/webhooks?student=ada&status=ERROR", 10),
                       ("/telemetry", 32), ("/telemetry?period=30d", 32), (IGNORE, 9)):  # fmt: skip
        with django_assert_max_num_queries(most) as asked:
            assert staff.get(path).status_code == 200
        for query in asked.captured_queries:
            assert '"learnpack_webhook"."payload"' not in query["sql"]
            if "COUNT(" in query["sql"] and "learnpack_webhook" in query["sql"]:
                assert "created_at" in query["sql"], "an unbounded count"


def test_the_index_on_failed_rows_serves_a_small_academy(cast: Cast) -> None:
    failed(cast.owner)
    done = {"is_streaming": False, "event": "batch", "student": cast.owner, "payload": {}, "status": "DONE"}
    Webhook.objects.bulk_create(Webhook(**done) for _number in range(1000))
    with connection.cursor() as cursor:
        # Otherwise PostgreSQL plans with the statistics of rows that other tests have deleted.
        cursor.execute("ANALYZE learnpack_webhook")
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Webhook.objects.filter(student=cast.owner, status="ERROR").order_by("-created_at").explain()
    assert "webhook_failed" in plan


def test_the_filtered_log_is_a_csv_without_formulas(cast: Cast, staff: Client) -> None:
    make_webhook(cast.owner, event="@SUM(1)", status="ERROR", status_text="+1", package_slug="-2")
    make_webhook(cast.owner, status="DONE")
    rows = list(
        csv.DictReader(io.StringIO(text_of(staff.get("/telemetry/webhooks?status=ERROR&format=csv")).lstrip("\ufeff")))
    )
    assert [(row["Event"], row["Result"], row["Slug sent"]) for row in rows] == [("'@SUM(1)", "'+1", "'-2")]


# One webhook


@pytest.mark.parametrize(("length", "kept"), [(5000, True), (9000, False)])
def test_a_retry_comes_back_to_the_log_however_long_its_address_is(
    cast: Cast, staff: Client, length: int, kept: bool
) -> None:
    row = failed(cast.owner)
    address = f"/telemetry/webhooks?event=open_step,{'x' * length}"
    page = text_of(staff.get(address))
    assert rows_of(page) == [row.pk]
    asked = f"?academy={cast.academy.pk}"
    answer = staff.post(f"/telemetry/webhook/{row.pk}/retry{asked}", {"next": address}, follow=True)
    assert answer.redirect_chain == [(address if kept else "/telemetry/webhooks", 302)]
    assert f"Webhook {row.pk} will be processed again." in text_of(answer)


def test_a_payload_is_shown_as_text_and_given_out_whole(cast: Cast, staff: Client) -> None:
    payload = {"slug": HOSTILE, "deep": [[{"n": 1.5}]], "text": "x" * (webhooks.MOST_SHOWN + 50_000)}
    row = failed(cast.owner, payload=payload, event=HOSTILE, values={"event": HOSTILE}, package_slug=HOSTILE)
    answer = staff.get(f"/telemetry/webhook/{row.pk}")
    page = text_of(answer)
    assert "<script>alert" not in page
    # What turns the direction of writing would drag the quotes along.
    shown = json.dumps(HOSTILE, ensure_ascii=True)
    assert html.escape(f'"slug": {shown}') in page
    assert "more characters are in the file only" in page
    assert len(page) < webhooks.MOST_SHOWN + 50_000
    whole = staff.get(f"/telemetry/webhook/{row.pk}/payload")
    assert json.loads(whole.content) == payload
    assert whole.headers["Content-Disposition"] == f'attachment; filename="webhook-{row.pk}.json"'
    assert (whole.headers["Content-Type"], whole.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")
    for path in (
        "/telemetry",
        "/telemetry/webhooks",
        f"/telemetry/ignore?events={row.pk}",
        "/telemetry/webhooks/delete",
    ):
        assert "<script>alert" not in text_of(staff.get(path))


def test_a_row_of_another_academy_is_none(cast: Cast, staff: Client) -> None:
    foreign = failed(cast.strange_learner, event="theirs")
    rejected = make_rejected(cast.strange_learner, cast.elsewhere, make_event(verb="danced"))
    for path in ("", "/payload"):
        assert staff.get(f"/telemetry/webhook/{foreign.pk}{path}").status_code == 404
    for path in ("/retry", "/delete"):
        assert staff.post(f"/telemetry/webhook/{foreign.pk}{path}").status_code == 404
    assert staff.post(f"/telemetry/rejected/{rejected.pk}/retry").status_code == 404
    foreign.refresh_from_db()
    assert foreign.status == "ERROR"
    assert f"/{foreign.pk}" not in text_of(staff.get(f"/telemetry/webhooks?student={cast.strange_learner.pk}"))
    assert "0 failed webhooks" in text_of(staff.get("/telemetry/webhooks/delete"))


def test_a_retried_row_is_really_processed(cast: Cast, staff: Client) -> None:
    make_asset("intro", academy=cast.academy)
    row = failed(
        cast.owner,
        outcomes.NO_TASKS,
        event="batch",
        is_streaming=False,
        values={"student": cast.owner.pk, "slugs": ["intro"]},
    )
    make_task(cast.owner, "intro")
    answer = staff.post(f"/telemetry/webhook/{row.pk}/retry", {"next": "/telemetry/webhooks"}, follow=True)
    assert f"Webhook {row.pk} will be processed again." in text_of(answer)
    row.refresh_from_db()
    assert (row.status, row.status_text, row.reason) == ("PENDING", None, "")
    drain_webhooks()
    row.refresh_from_db()
    assert (row.status, row.status_text) == ("DONE", "OK")
    assert staff.post(f"/telemetry/webhook/{row.pk}/retry").status_code == 400


@pytest.mark.parametrize("status", ["PENDING", "DONE", "IGNORED"])
def test_only_a_failed_row_is_deleted_or_retried(cast: Cast, staff: Client, status: str) -> None:
    row, error = make_webhook(cast.owner, status=status), failed(cast.owner)
    assert "Delete…" not in text_of(staff.get(f"/telemetry/webhook/{row.pk}"))
    answer = staff.post(f"/telemetry/webhook/{row.pk}/delete")
    assert answer.status_code == 400
    assert "Only webhook logs with status ERROR can be deleted" in text_of(answer)
    assert staff.post(f"/telemetry/webhook/{row.pk}/retry").status_code == 400
    assert (
        staff.post(f"/telemetry/webhook/{error.pk}/delete", {"next": "/telemetry"}).headers["Location"] == "/telemetry"
    )
    assert list(Webhook.objects.values_list("pk", "status")) == [(row.pk, status)]


# Many at once


def confirmed(client: Client, address: str) -> tuple[str, Callable[[], Response]]:
    """The page that says how many, and what sends its form."""
    page = text_of(client.get(address))
    form = {name: value for name, value in hidden(page).items() if name in ("rows", "newest", "at")}
    return page, lambda: client.post(address, form, follow=True)


def test_what_is_deleted_is_what_was_counted(cast: Cast, staff: Client) -> None:
    waiting = make_webhook(cast.owner, event="open_step", status="PENDING")
    for _row in range(3):
        failed(cast.owner)
    kept = [
        failed(cast.owner, event="compile").pk, make_webhook(cast.owner, event="open_step", status="DONE").pk, waiting.pk,
        failed(cast.strange_learner).pk,
    ]  # fmt: skip
    page, send = confirmed(staff, "/telemetry/webhooks/delete?event=open_step")
    assert "3 failed webhooks" in page
    assert "Delete 3 webhooks for good" in page
    # One comes later, and one that had come before fails later.
    kept.append(failed(cast.owner).pk)
    Webhook.objects.filter(pk=waiting.pk).update(status="ERROR", updated_at=timezone.now() + timedelta(seconds=1))
    assert "3 webhooks have been deleted." in text_of(send())
    assert sorted(Webhook.objects.values_list("pk", flat=True)) == sorted(kept)
    assert "0 webhooks have been deleted." in text_of(send())


def test_more_than_was_counted_is_never_deleted(cast: Cast, staff: Client) -> None:
    for _row in range(2):
        failed(cast.owner)
    rows = search.Search(cast.academy).rows()
    counted = bulk.count_failed(rows)
    # It failed in the moment of the count, in a transaction that had begun before.
    row = failed(cast.owner)
    late = bulk.Counted(counted.rows, row.pk, row.updated_at)
    with pytest.raises(bulk.MoreThanCounted):
        bulk.delete_counted(cast.academy, rows, late)
    with pytest.raises(bulk.MoreThanCounted):
        bulk.retry_counted(cast.academy, rows, late)
    form = {"rows": "2", "newest": str(row.pk), "at": row.updated_at.isoformat()}
    answer = staff.post("/telemetry/webhooks/delete", form)
    assert answer.status_code == 409
    assert "3 failed webhooks" in text_of(answer)
    assert Webhook.objects.filter(status="ERROR").count() == 3


def test_many_are_retried_by_filters(cast: Cast, staff: Client) -> None:
    retried = [failed(cast.owner, event="test").pk for _row in range(2)]
    left = failed(cast.owner, event="compile").pk
    page, send = confirmed(staff, "/telemetry/webhooks/retry?event=test&status=ERROR")
    assert "Retry 2 webhooks" in page
    assert "2 webhooks will be processed again." in text_of(send())
    assert dict(Webhook.objects.values_list("pk", "status")) == {**dict.fromkeys(retried, "PENDING"), left: "ERROR"}


@pytest.mark.parametrize("form", [{}, {"rows": "1"}, {"rows": "x", "newest": "9", "at": "2026-01-01T00:00:00Z"},
                                  {"rows": "9", "newest": "9999999", "at": "now"}])  # fmt: skip
def test_nothing_happens_without_the_count(cast: Cast, staff: Client, form: dict[str, str]) -> None:
    failed(cast.owner)
    assert staff.post("/telemetry/webhooks/delete", form).status_code == 400
    assert Webhook.objects.count() == 1


def test_who_only_reads_sees_no_buttons_and_changes_nothing(cast: Cast) -> None:
    reader = signed_in(make_user("ann", "assistant", cast.academy))
    row = failed(cast.owner)
    rejected = make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    merge_features(cast.academy, {"telemetry_webhook_ignore": {"rules": [{"events": ["x"]}]}})
    for path in ("/telemetry", "/telemetry/webhooks", f"/telemetry/webhook/{row.pk}", "/telemetry/rejected", IGNORE):
        answer = reader.get(path)
        assert answer.status_code == 200
        main = text_of(answer).partition("<main")[2].partition("</main>")[0]
        assert 'method="post"' not in main or path == IGNORE
        assert "/delete" not in main
        assert 'name="do"' not in main
    assert "readonly" in text_of(reader.get(IGNORE))
    for path in (f"/telemetry/webhook/{row.pk}/retry", f"/telemetry/webhook/{row.pk}/delete", "/telemetry/webhooks/delete",
                 "/telemetry/webhooks/retry", f"/telemetry/rejected/{rejected.pk}/retry", IGNORE):  # fmt: skip
        answer = reader.post(
            path, {"do": "save", "seen": "{}", "rows": "1", "newest": str(row.pk), "at": "2030-01-01T00:00Z"}
        )
        assert answer.status_code == 403
    row.refresh_from_db()
    assert (row.status, RejectedEvent.objects.count()) == ("ERROR", 1)
    assert rules_of(cast.academy) == {"rules": [{"events": ["x"]}]}
    assert signed_in(cast.colleague, enforce_csrf_checks=True).post(IGNORE).status_code == 403


# Rejected events


def test_a_rejected_event_is_taken_when_it_is_tried_again(cast: Cast, staff: Client) -> None:
    good = make_rejected(cast.owner, cast.academy, make_event())
    bad = make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    page = text_of(staff.get("/telemetry"))
    assert 'href="/telemetry/rejected?code=unknown-verb"' in html.unescape(page)
    assert page.count("Retry<") == 2
    answer = staff.post(f"/telemetry/rejected/{good.pk}/retry", {"next": "/telemetry/rejected"}, follow=True)
    assert "The event has been accepted." in text_of(answer)
    assert Event.objects.filter(user=cast.owner).count() == 1
    answer = staff.post(f"/telemetry/rejected/{bad.pk}/retry", {"next": "/telemetry/rejected"}, follow=True)
    assert "It can&#x27;t be accepted: Unknown verb danced" in text_of(answer)
    assert list(RejectedEvent.objects.values_list("pk", flat=True)) == [bad.pk]
    rows = list(csv.DictReader(io.StringIO(text_of(staff.get("/telemetry/rejected?format=csv")).lstrip("\ufeff"))))
    assert [(row["Code"], row["User name"]) for row in rows] == [("unknown-verb", "ada")]


# The ignore rules


def store(cast: Cast, rules: Any) -> None:
    merge_features(cast.academy, {"telemetry_webhook_ignore": rules, "streaming_events": True})


def form_of(page: str) -> dict[str, str]:
    """The editor's form as a browser would send it."""
    areas = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    return {**hidden(page), **{name: html.unescape(value) for name, value in areas}}


def press(client: Client, page: str, do: str, **changed: str) -> Response:
    return client.post(IGNORE, {**form_of(page), **changed, "do": do}, follow=True)


ROUND_TRIPS: list[dict[str, Any]] = [
    {},
    {"rules": []},
    {"rules": [{"events": ["open_step", "compile"], "package_slugs": ["a b", "sandbox"]}]},
    {"rules": [{"user_ids": [5044, "5044", " 7 ", 1.5, True, None, {"a": [1, 2]}, -3, "x"]}]},
    {"rules": [{"events": []}, {"events": [], "user_ids": [1]}]},
    {"rules": [{"package_slugs": ["a,b", 'quo"te', "back\\slash", "", " ", "two\nlines", "ü", HOSTILE, '"', "a, b"]}]},
    {"package_slugs": ["legacy"], "events": [5, "5"], "rules": [{"asset_ids": ["0012", 12]}]},
    {"user_ids": [], "learnpack_package_ids": ["9" * 30]},
    {"rules": [{"events": ["same"]}, {"events": ["same"]}]},
]  # fmt: skip


@pytest.mark.parametrize("rules", ROUND_TRIPS)
@pytest.mark.parametrize("through", ["form", "json"])
def test_saving_what_nobody_touched_changes_nothing(
    cast: Cast, staff: Client, rules: dict[str, Any], through: str
) -> None:
    store(cast, rules)
    page = text_of(staff.get(IGNORE if through == "form" else f"{IGNORE}?json=1"))
    assert "<script>alert" not in page
    assert "Not saved yet" not in page
    answer = press(staff, page, "save")
    assert "Nothing has changed." in text_of(answer)
    # As texts, as 1 and true are equal to Python.
    assert json.dumps(rules_of(cast.academy), sort_keys=True) == json.dumps(rules, sort_keys=True)


def test_rules_are_added_and_removed_without_a_script(cast: Cast, staff: Client) -> None:
    store(cast, {"rules": [{"events": ["a"]}, {"events": ["b"]}], "user_ids": [7]})
    page = text_of(press(staff, text_of(staff.get(IGNORE)), "add"))
    page = text_of(press(staff, page, "remove:0", **{"rule-2-events": "c, d\ne", "rule-2-user_ids": "12, x"}))
    assert "Never matches, because it isn't an id: x" in page
    assert rules_of(cast.academy)["rules"] == [{"events": ["a"]}, {"events": ["b"]}], "nothing is saved before Save"
    page = text_of(press(staff, page, "save"))
    expected = {"rules": [{"events": ["b"]}, {"user_ids": [12, "x"], "events": ["c", "d", "e"]}], "user_ids": [7]}
    assert rules_of(cast.academy) == expected
    assert "The rules have been saved." in page
    assert "Rule removed:</" not in page
    assert re.findall(r"Rule (added|removed): <bdi>(.*?)</bdi>", page) == [
        ("removed", "Events: a"),
        ("added", "User ids: 12, x; Events: c, d, e"),
    ]
    # The rules' siblings in the settings stay.
    assert settings_of(cast.academy).learnpack_features["streaming_events"] is True


def test_a_change_of_the_rules_is_undone(cast: Cast, staff: Client) -> None:
    before = {"events": ["legacy"], "rules": []}
    store(cast, before)
    page = text_of(staff.get(IGNORE))
    page = text_of(press(staff, page, "save", **{"top-events": "", "top-user_ids": "9"}))
    assert rules_of(cast.academy) == {"rules": [], "user_ids": [9]}
    assert "Undo" in page
    page = text_of(staff.post(IGNORE, {"do": "undo"}, follow=True))
    assert "The rules are as they were before." in page
    assert rules_of(cast.academy) == before
    assert "Undo" not in page
    # Nor over what somebody else has stored since.
    press(staff, page, "save", **{"top-events": "mine"})
    store(cast, {"events": ["theirs"]})
    assert "Undo" not in text_of(staff.get(IGNORE))
    assert "Somebody has changed the rules meanwhile" in text_of(staff.post(IGNORE, {"do": "undo"}, follow=True))
    assert rules_of(cast.academy) == {"events": ["theirs"]}


@pytest.mark.parametrize("view", ["", "?json=1"])
def test_a_save_over_rules_that_changed_meanwhile_says_so(cast: Cast, staff: Client, view: str) -> None:
    store(cast, {"rules": [{"events": ["a"]}]})
    page = text_of(staff.get(f"{IGNORE}{view}"))
    theirs = {"rules": [{"events": ["a"]}, {"user_ids": [5]}]}
    store(cast, theirs)
    mine = {"document": '{"rules": [{"events": ["mine"]}]}'} if view else {"rule-0-events": "mine"}
    answer = press(staff, page, "save", **mine)
    page = text_of(answer)
    assert answer.status_code == 409
    assert "Somebody has changed the rules meanwhile. Nothing was saved." in page
    assert "Rule added: <bdi>User ids: 5</bdi>" in page
    assert "mine" in page
    assert rules_of(cast.academy) == theirs
    # Who has seen that and saves again means it.
    press(staff, page, "save")
    assert rules_of(cast.academy) == {"rules": [{"events": ["mine"]}]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "Request body must be a JSON object"),
        ("null", "Request body must be a JSON object"),
        ('{"rules": 1}', "`rules` must be a list"),
        ('{"rules": [{}, []]}', "`rules[1]` must be an object"),
        ('{"rules": [{"events": "open_step"}]}', "`events` must be a list"),
        ('{"user_ids": 7}', "`user_ids` must be a list"),
        ('{"rules": [{"user_ids": ["abc"]}]}', "`user_ids` takes ids, which are numbers, not abc"),
        ('{"rules": ', "JSON parse error - "),
        ('{"events": ["\\u0000"]}', "JSON parse error - "),
        ("", "JSON parse error - "),
    ],
)
def test_an_error_is_told_at_its_field_in_the_contracts_words(cast: Cast, staff: Client, text: str, told: str) -> None:
    store(cast, {"events": ["kept"]})
    for do in ("save", "try", "form"):
        answer = press(staff, text_of(staff.get(f"{IGNORE}?json=1")), do, document=text)
        page = html.unescape(text_of(answer))
        assert answer.status_code == 400
        assert page.count(told) == 1
        assert 'aria-invalid="true" aria-describedby="problem-here"' in page
        assert form_of(page)["document"] == text
    assert rules_of(cast.academy) == {"events": ["kept"]}


def test_the_views_change_without_saving(cast: Cast, staff: Client) -> None:
    store(cast, {"rules": [{"events": ["a"]}]})
    page = text_of(press(staff, text_of(staff.get(IGNORE)), "json", **{"rule-0-events": "b"}))
    assert json.loads(form_of(page)["document"]) == {"rules": [{"events": ["b"]}]}
    page = text_of(press(staff, page, "form", document='{"rules": [{"events": ["c"], "user_ids": [1]}]}'))
    assert (form_of(page)["rule-0-events"], form_of(page)["rule-0-user_ids"]) == ("c", "1")
    assert rules_of(cast.academy) == {"rules": [{"events": ["a"]}]}


def test_trying_says_what_rules_would_have_matched(cast: Cast, staff: Client) -> None:
    asset = make_asset("intro", academy=cast.academy)
    for event, status in (("open_step", "ERROR"), ("open_step", "DONE"), ("compile", "DONE"), ("compile", "IGNORED")):
        payload = {"event": event, "user_id": str(cast.owner.pk), "slug": "step-1", "package_id": 9, "big": "x" * 5000}
        make_webhook(cast.owner, event=event, status=status, payload=payload)
    make_webhook(cast.owner, asset=asset, status="DONE", payload={"package_slug": "intro"})
    make_webhook(cast.owner, status="DONE", payload=[1])
    make_webhook(cast.strange_learner, event="open_step", status="DONE", payload={"event": "open_step"})
    rules = {
        "rules": [{"events": ["open_step"]}, {"events": ["compile"], "user_ids": [cast.owner.pk]}, {"events": ["batch"]},
                  {"package_slugs": ["step-1"], "learnpack_package_ids": ["9"]}, {"events": []}],
        "asset_ids": [asset.pk],
    }  # fmt: skip
    page = text_of(press(staff, text_of(staff.get(f"{IGNORE}?json=1")), "form", document=json.dumps(rules)))
    page = text_of(press(staff, page, "try"))
    assert "This would have matched 5 of the last 6 webhooks" in page
    assert "3 of them were processed and would have been ignored." in page
    found = re.findall(r"By itself it would have matched (\d+) webhooks?(?:, (\d+) of them processed)?", page)
    assert found == [("2", "1"), ("2", "1"), ("1", "1"), ("4", "2"), ("0", ""), ("1", "1")]
    assert rules_of(cast.academy) == {}


def test_a_link_prepares_a_rule_and_saves_nothing(cast: Cast, staff: Client) -> None:
    store(cast, {"rules": [{"user_ids": [1]}]})
    page = text_of(staff.get(f"{IGNORE}?events={HOSTILE}"))
    assert "<script>alert" not in page
    assert "Not saved yet" in page
    assert rules_of(cast.academy) == {"rules": [{"user_ids": [1]}]}
    press(staff, page, "save")
    assert rules_of(cast.academy) == {"rules": [{"user_ids": [1]}, {"events": [HOSTILE]}]}
    # A rule that is there already isn't prepared again.
    assert "Not saved yet" not in text_of(staff.get(f"{IGNORE}?events={HOSTILE}"))


def test_changes_are_told_as_json_writes_values(cast: Cast, staff: Client) -> None:
    store(cast, {"rules": []})
    rule = {"events": ["a,b", "c", None, True, "true", {"k": [1.5, "v"]}, "5", "", " x"], "user_ids": [5]}
    page = text_of(press(staff, text_of(staff.get(f"{IGNORE}?json=1")), "form", document=json.dumps({"rules": [rule]})))
    (told,) = re.findall(r'class="added">.*?<bdi>(.*?)</bdi>', page)
    assert html.unescape(told) == (
        'User ids: 5; Events: "a,b", c, null, true, "true", {"k": [1.5, "v"]}, "5", "", " x"'
    )


def test_rules_that_were_written_past_the_api_are_edited_as_json(cast: Cast, staff: Client) -> None:
    malformed = {"telemetry_webhook_ignore": {"rules": "all"}}
    AcademySettings.objects.create(academy=cast.academy, learnpack_features=malformed)
    page = text_of(staff.get(IGNORE))
    assert "`rules` must be a list" in page
    assert json.loads(form_of(page)["document"]) == {"rules": "all"}
    press(staff, page, "save", document="{}")
    assert rules_of(cast.academy) == {}


@pytest.mark.parametrize(
    "document", ['{"rules": [{"event": ["x"]}]}', '{"event": ["x"]}', '{"rules": [{"rules": []}]}']
)
def test_a_list_that_rules_do_not_have_is_refused_on_the_page(cast: Cast, staff: Client, document: str) -> None:
    """It would be dropped, and the rule ignore nothing, or more than was meant."""
    page = text_of(press(staff, text_of(staff.get(f"{IGNORE}?json=1")), "save", document=document))
    name = next(iter(json.loads(document).get("rules", [json.loads(document)])[0]))
    assert f"Rules have no list “{name}”." in html.unescape(page)
    assert html.unescape(page).count("Rules have no list") == 1
    assert form_of(page)["document"] == document
    assert rules_of(cast.academy) == {}


def test_in_the_form_a_list_is_called_by_its_title(cast: Cast, staff: Client) -> None:
    page = text_of(press(staff, text_of(staff.get(IGNORE)), "add"))
    page = html.unescape(text_of(press(staff, page, "save", **{"rule-0-user_ids": "ada"})))
    assert "User ids: ada is not an id. Ids are numbers." in page
    assert "user_ids`" not in page


def test_more_rules_than_a_form_takes_are_edited_as_json(cast: Cast, staff: Client) -> None:
    rules = {"rules": [{"user_ids": [number]} for number in range(150)]}
    store(cast, rules)
    why = "These are 150 rules. The form takes 100 at most, so they are edited as JSON."
    page = text_of(staff.get(IGNORE))
    assert json.loads(form_of(page)["document"]) == rules
    assert why in page
    assert why in text_of(press(staff, page, "form"))
    page = text_of(press(staff, page, "form", document='{"rules": [{"events": ["a"]}]}'))
    assert why not in page
    assert form_of(page)["rule-0-events"] == "a"
    page = text_of(staff.get(IGNORE))
    assert "Nothing has changed." in text_of(press(staff, page, "save"))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"seen": "x"},
        {"seen": "{}", "rules": "1", "rule-0-before": "["},
        {"seen": "{}", "rules": "999999999"},
        {"seen": "{}", "rules": "1", "rule-0-before": "[]"},
    ],
)
def test_a_form_that_is_none_of_ours_is_refused(cast: Cast, staff: Client, form: dict[str, str]) -> None:
    store(cast, {"events": ["kept"]})
    assert staff.post(IGNORE, {**form, "do": "save"}).status_code == 400
    assert rules_of(cast.academy) == {"events": ["kept"]}


def test_what_waits_because_of_a_limit_is_said(cast: Cast, staff: Client) -> None:
    make_webhook(cast.owner, status="PENDING")
    assert "more than its share" not in text_of(staff.get("/telemetry"))
    for _number in range(3):
        make_webhook(
            cast.owner,
            status="PENDING",
            reason="deferred",
            reason_values={"seconds": 60},
            retry_at=timezone.now() + timedelta(seconds=60),
        )
    make_webhook(
        cast.strange_learner, status="PENDING", reason="deferred", retry_at=timezone.now() + timedelta(hours=1)
    )
    page = text_of(staff.get("/telemetry"))
    assert "One account sends more than its share: 3 of its webhooks wait a while." in page
    assert 'href="/telemetry/webhooks?status=PENDING' in page


def test_messages_that_tell_fewer_attempts_than_earlier_ones_are_said(cast: Cast, staff: Client) -> None:
    make_telemetry(cast.owner, "intro", untold_attempts=2)
    make_telemetry(cast.strange_learner, "intro", untold_attempts=2)
    assert "The latest message of one learner reports fewer attempts or completed steps" in text_of(
        staff.get("/telemetry")
    )


def test_times_of_ones_own_leave_the_days_of_others_as_they_are(cast: Cast) -> None:
    now = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    day = now - timedelta(days=4)
    for hour in (1, 10, 23):
        make_webhook(cast.owner, created_at=day.replace(hour=hour))
    own = own_period(day.replace(hour=22), now, now)
    assert sum(slot.total for slot in slots_of(cast.academy, own, now)) == 1
    with timezone.override(UTC):
        weekly = slots_of(cast.academy, PERIODS[1], now)
    assert sum(slot.total for slot in weekly) == 3


@pytest.mark.parametrize("query", ["until=0001-01-05T00:00Z", "since=9999-12-31T00:00Z", "since=0001-01-01T00:00Z"])
def test_times_at_the_ends_of_the_calendar_are_shown(staff: Client, query: str) -> None:
    assert staff.get(f"/telemetry?range=custom&{query}").status_code == 200
