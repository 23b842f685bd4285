"""Telemetry health in a browser: what staff does there, in both languages and schemes, on wide and narrow screens."""

import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from learntrace.accounts.academy_settings import merge_features
from learntrace.dashboard.health import webhooks
from learntrace.learnpack.ignore.academy_rules import rules_of
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from learntrace.notebooks.models import RejectedEvent
from tests.browser.pages import LEAST_CONTRAST, OUTSIDE, Faults, Visit, complaints
from tests.browser.scene import Scene
from tests.support.builders import make_rejected
from tests.support.notebooks import make_event

HOSTILE = "<img src=x onerror=alert(1)>\u202e=cmd()"
RULES = {
    "rules": [{"events": ["open_step"], "package_slugs": ["sandbox"]}, {"user_ids": [5044, "x"]}],
    "events": ["legacy"],
}


@pytest.fixture
def troubled(scene: Scene) -> Scene:
    """A busy academy, in which some things go wrong in hostile words."""
    for _event in range(2):
        make_rejected(scene.learner, scene.academy, make_event(verb="danced"), times=3)
    make_rejected(
        scene.learner, scene.academy, {"verb": HOSTILE}, detail=HOSTILE, reason_values={}, code="unknown-verb"
    )
    Webhook.objects.create(
        is_streaming=True, event=HOSTILE[:60], package_slug=HOSTILE, student=scene.learner, status="ERROR",
        payload={HOSTILE: [HOSTILE] * 3, "deep": {"n": [1, 2.5, None, True]}}, status_text=HOSTILE,
    )  # fmt: skip
    merge_features(scene.academy, {"telemetry_webhook_ignore": RULES})
    return scene


def pages_of(scene: Scene) -> dict[str, str]:
    """Each page with its heading in English."""
    hostile = Webhook.objects.get(package_slug=HOSTILE).pk
    return {
        "/telemetry": "Telemetry health",
        "/telemetry?period=30d": "Telemetry health",
        "/telemetry/webhooks": "Webhooks",
        "/telemetry/webhooks?student=nobody": "Webhooks",
        f"/telemetry/webhook/{hostile}": f"Webhook {hostile}",
        "/telemetry/webhooks/delete?status=ERROR": "Delete failed webhooks",
        "/telemetry/rejected": "Rejected notebook events",
        "/telemetry/ignore?events=compile": "Ignore rules",
        "/telemetry/ignore?json=1": "Ignore rules",
    }


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_every_page_fits_reads_well_and_shows_hostile_text_as_text(
    visit: Visit, troubled: Scene, language: str, scheme: str
) -> None:
    page = visit("/telemetry", troubled.teacher, language=language, scheme=scheme)
    for path, heading in pages_of(troubled).items():
        page.goto(path)
        if language == "en":
            expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert page.locator("main img").count() == 0
        for width in (1440, 721, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert page.evaluate(OUTSIDE) == [], (path, width)
            assert complaints(page) == [], (path, width)
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, (path, text)


def test_from_a_cause_to_its_rows_a_payload_and_their_deletion(visit: Visit, troubled: Scene) -> None:
    page = visit("/telemetry", troubled.teacher)
    cause = page.get_by_role("row").filter(has_text="`open_step` is not implemented").first
    count = int(cause.locator(".rows").inner_text())
    cause.get_by_role("link", name="Webhooks").click()
    rows = page.locator(".log tbody tr")
    expect(rows).to_have_count(min(count, webhooks.PER_PAGE))
    rows.first.get_by_role("link").first.click()
    expect(page.locator(".payload")).to_contain_text('"slug": ')
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a file").click()
    with open(download.value.path()) as file:
        assert "slug" in json.load(file)
    page.go_back()
    page.get_by_role("link", name="Delete all that failed…").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(f"{count} failed webhooks")
    left = Webhook.objects.count() - count
    page.get_by_role("button", name=f"Delete {count} webhooks for good").click()
    expect(page.get_by_role("status").filter(has_text="deleted")).to_have_text(f"{count} webhooks have been deleted.")
    assert Webhook.objects.count() == left


def test_one_row_is_retried_and_another_deleted(visit: Visit, troubled: Scene, faults: Faults) -> None:
    # The open page of a webhook asks for its news once more while the webhook is being deleted.
    faults.allow("status of 404")
    page = visit("/telemetry/webhooks?status=ERROR", troubled.teacher)
    first, second = [int(page.locator(".log tbody tr").nth(n).get_attribute("data-row") or 0) for n in (1, 2)]
    page.locator(f'[data-row="{first}"]').get_by_role("button", name="Retry").click()
    expect(page.get_by_text(f"Webhook {first} will be processed again.")).to_be_visible()
    assert Webhook.objects.get(pk=first).status == "PENDING"
    page.locator(f'[data-row="{second}"]').get_by_role("link").first.click()
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text(f"Webhook {second} has been deleted.")).to_be_visible()
    assert not Webhook.objects.filter(pk=second).exists()


def test_the_log_follows_what_happens(visit: Visit, troubled: Scene) -> None:
    page = visit("/telemetry/webhooks", troubled.teacher)
    expect(page.locator(".live")).to_have_text("live")
    row = Webhook.objects.create(
        is_streaming=False, event="batch", payload={}, package_slug="fresh", student=troubled.learner
    )
    first = page.locator(".log tbody tr").first
    expect(first).to_contain_text("fresh")
    expect(first).to_contain_text("Waiting")
    Webhook.objects.filter(pk=row.pk).update(status="ERROR", reason=outcomes.NO_SLUG)
    expect(first).to_contain_text("Impossible to retrive learnpack exercise slug")
    page.get_by_label("Learner: name or id").fill("ada")
    page.get_by_role("button", name="Search the log").click()
    expect(page).to_have_url(re.compile("student=ada"))
    assert set(page.locator(".log .learner").all_inner_texts()) == {"Ada Lovelace"}


def test_a_rejected_event_says_why_it_still_cannot_be_taken(visit: Visit, troubled: Scene) -> None:
    page = visit("/telemetry/rejected", troubled.teacher)
    event = page.locator(".rejected").filter(has_text="Unknown verb danced").first
    event.get_by_text("As it was sent").click()
    expect(event.locator("pre")).to_contain_text('"verb": "danced"')
    event.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status").filter(has_text="accepted")).to_contain_text(
        "It can't be accepted: Unknown verb danced"
    )
    assert RejectedEvent.objects.count() == 3


@pytest.mark.parametrize("script", [True, False])
def test_rules_are_made_tried_saved_and_taken_back(visit: Visit, troubled: Scene, script: bool) -> None:
    page = visit("/telemetry", troubled.teacher, script=script)
    cause = page.get_by_role("row").filter(has_text="`open_step` is not implemented").first
    cause.get_by_role("link", name="Ignore this event").click()
    expect(page.get_by_label("Events").nth(2)).to_have_value("open_step")
    expect(page.get_by_text("Not saved yet:")).to_be_visible()
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Package slugs").nth(3).fill("html-forms, css-layouts")
    page.get_by_role("button", name=re.compile("Remove.*Rule 1")).click()
    page.get_by_role("button", name="Try on the last webhooks").click()
    trial = page.locator(".trial")
    expect(trial).to_contain_text("would have matched")
    expect(trial).to_contain_text("processed and would have been ignored")
    assert rules_of(troubled.academy) == RULES
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rules have been saved.")).to_be_visible()
    saved = [{"user_ids": [5044, "x"]}, {"events": ["open_step"]}, {"package_slugs": ["html-forms", "css-layouts"]}]
    assert rules_of(troubled.academy) == {"rules": saved, "events": ["legacy"]}
    expect(page.locator(".last .changes li")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The rules are as they were before.")).to_be_visible()
    assert rules_of(troubled.academy) == RULES


def test_periods_are_chosen_and_nothing_has_to_go_wrong(visit: Visit, troubled: Scene) -> None:
    Webhook.objects.filter(status="ERROR").delete()
    Webhook.objects.create(
        is_streaming=False,
        event="batch",
        payload={},
        student=troubled.learner,
        status="ERROR",
        status_text="long ago",
        created_at=timezone.now() - timedelta(days=5),
    )
    page = visit("/telemetry", troubled.teacher)
    expect(page.get_by_text("Nothing failed in this period.")).to_be_visible()
    page.get_by_role("combobox", name="Period").select_option("7d")
    expect(page).to_have_url(re.compile("range=7d"))
    expect(page.get_by_role("cell", name="long ago")).to_be_visible()


def test_times_of_ones_own_are_chosen_in_the_readers_zone(visit: Visit, troubled: Scene) -> None:
    at = (timezone.now() - timedelta(days=9)).replace(hour=12, minute=0)
    Webhook.objects.create(
        is_streaming=False, event="batch", payload={}, student=troubled.learner, status="ERROR",
        status_text="long ago", created_at=at,
    )  # fmt: skip
    page = visit("/telemetry", troubled.teacher, zone="America/New_York")
    there = at.astimezone(ZoneInfo("America/New_York"))
    page.get_by_role("combobox", name="Period").select_option("custom")
    page.get_by_label("Since (America/New_York)").fill(f"{there - timedelta(minutes=5):%Y-%m-%dT%H:%M}")
    page.get_by_label("Until (America/New_York)").fill(f"{there + timedelta(minutes=5):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("cell", name="long ago")).to_be_visible()
    heading = page.get_by_role("heading", name=re.compile("^Webhooks by hour, "))
    expect(heading).to_contain_text(f"{there - timedelta(minutes=5):%H:%M} to")
    expect(page.locator("[data-part=chart] .legend b")).to_have_text(["0", "0", "0", "1"])
    assert complaints(page) == []
    assert page.evaluate(OUTSIDE) == []
