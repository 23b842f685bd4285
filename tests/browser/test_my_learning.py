"""My learning in a browser: it fits, reads well, can be used by everybody, and does what its buttons say."""

import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.models import User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.models import Consent
from learntrace.personal.models import Erasure
from learntrace.progress.models import Activity, Progress
from learntrace.signals.models import Signal
from tests.browser.classroom import Classroom, build_classroom, fail
from tests.browser.pages import LEAST_CONTRAST, MARKUP, OUTSIDE, Faults, Visit, complaints
from tests.browser.scene import person

# A table that is wider than its card scrolls within it.
OUTSIDE = OUTSIDE.replace("svg, tr.new", "svg, tr.new, .wide *")


@pytest.fixture
def room(browser: Browser, live_server: LiveServer) -> Classroom:
    """A class in which the first learner has a hard time, and an academy that lets its learners decide."""
    room = build_classroom(4, 3, 5)
    ada = room.learners[0]
    fail(room, ada, room.keys[-1], 4)
    for days in range(2, 28, 3):
        fail(room, ada, room.keys[days % 5], 3, timezone.now() - timedelta(days=days, minutes=days * 7))
    Webhook.objects.create(
        is_streaming=False, event="batch", payload={"agent": "vscode"}, package_slug="javascript-arrays", student=ada
    )
    Refusal.objects.create(path="/", status_code=401, reason="expired-token", size=1, user=ada)
    merge_features(room.academy, {"opt_out": True}, NOTEBOOK)
    return room


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_it_fits_reads_well_and_has_nothing_serious_for_axe(
    visit: Visit, room: Classroom, language: str, scheme: str
) -> None:
    nobody = person("new", "Nina New", {room.academy: "student"})
    for user in (room.learners[0], nobody):
        page = visit("/me", user, language=language, scheme=scheme)
        for path in ("/me", "/me/erase"):
            page.goto(path)
            for details in page.locator("main details").all():
                details.evaluate("one => { one.open = true; }")
            for width in (1440, 1121, 721, 360):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
                assert page.evaluate(OUTSIDE) == [], (path, width)
                if width in (1440, 360):
                    assert complaints(page) == [], (path, width)
            contrast, text = page.evaluate(LEAST_CONTRAST)
            assert contrast >= 4.5, (path, text)


def test_one_sees_how_one_does_and_it_follows(visit: Visit, room: Classroom) -> None:
    ada = room.learners[0]
    page = visit("/", ada)
    expect(page).to_have_title("My learning · Learntrace")
    expect(page.get_by_role("link", name="My learning")).to_have_attribute("aria-current", "page")
    signals = page.get_by_role("region", name="What your teachers see")
    expect(signals).to_contain_text("You ran the same code 4 times on lesson-03-exercise-5")
    expect(signals).to_contain_text("What helps:")
    expect(page.get_by_text("Refused in the last 24 hours")).to_be_visible()
    expect(page.locator(".live")).to_have_text("live")
    second = page.locator(".own-asset").nth(1)
    second.locator("summary").click()
    expect(second.locator("table")).to_be_visible()
    fail(room, ada, room.keys[-1], 5)
    expect(signals).to_contain_text("You ran the same code 9 times")
    expect(second.locator("table")).to_be_visible()
    page.locator("#research-measures > summary").click()
    question = page.locator("[data-part=research] .why")
    question.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".why-text:popover-open")).to_contain_text("A high value only says")
    for name in ("Barbara", "Tomás"):
        expect(page.locator("main").get_by_text(name)).to_have_count(0)


def test_collection_is_turned_off_and_on_again(visit: Visit, room: Classroom) -> None:
    page = visit("/me", room.learners[0])
    page.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_text("It is off, as you asked")).to_be_visible()
    assert Consent.objects.get().collecting is False
    page.get_by_role("button", name="Turn it on again").click()
    expect(page.get_by_role("button", name="Turn it off")).to_be_visible()
    assert Consent.objects.get().collecting is True


def test_one_downloads_all_and_then_erases_it(visit: Visit, room: Classroom, faults: Faults) -> None:
    ada, others = room.learners[0], Progress.objects.exclude(user=room.learners[0]).count()
    page = visit("/me", ada)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download my data").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        assert archive.read("activities.jsonl").count(b"\n") == Activity.objects.filter(user=ada).count()
        assert b"javascript-arrays" in archive.read("learnpack-messages.jsonl")
    page.get_by_role("link", name="See what would be erased").click()
    expect(page.get_by_role("region", name="What is erased for good")).to_contain_text("Messages of LearnPack")
    expect(page.get_by_role("region", name="What stays")).to_contain_text("Your academy has set them")
    page.get_by_label("To confirm, type your user name").fill("somebody")
    page.get_by_role("button", name="Erase my data").click()
    expect(page.get_by_role("alert")).to_have_text("This is not your user name. Nothing was erased.")
    faults.allow("status of 400")
    assert Activity.objects.filter(user=ada).exists()
    page.get_by_label("To confirm, type your user name").fill(ada.username)
    page.keyboard.press("Enter")
    expect(page.locator("#erased")).to_contain_text("Everything collected about you until")
    expect(page.get_by_text("Nothing at the moment.")).to_be_visible()
    for model in (Activity, Progress, Signal, AssignmentTelemetry):
        assert not model._default_manager.filter(user=ada).exists()
    assert Progress.objects.count() == others
    assert Erasure.objects.get().user == ada


def test_markup_is_shown_as_text(visit: Visit, room: Classroom) -> None:
    ada = room.learners[0]
    User.objects.filter(pk=ada.pk).update(first_name=MARKUP)
    type(room.assets[2]).objects.filter(pk=room.assets[2].pk).update(title=MARKUP)
    Signal.objects.filter(user=ada).update(facts={"error": MARKUP})
    Webhook.objects.filter(student=ada).update(payload={"agent": MARKUP}, package_slug=MARKUP)
    page = visit("/me", ada)
    for _turn in range(2):
        expect(page.locator(".own-asset .title").first).to_have_text(MARKUP)
        expect(page.locator(".signal").first).to_contain_text(MARKUP)
        assert page.locator("main img").count() == 0
        # Once more as the script puts it in.
        page.locator(".signal").first.evaluate("one => one.dataset.before = ''")
        fail(room, ada, room.keys[-1], 1)
        expect(page.locator("[data-before]")).to_have_count(0)


def test_it_works_without_a_script(browser: Browser, live_server: LiveServer, room: Classroom) -> None:
    from django.test import Client

    client = Client()
    client.force_login(room.learners[0])
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/me")
    page.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_text("It is off, as you asked")).to_be_visible()
    page.get_by_role("link", name="See what would be erased").click()
    page.get_by_label("To confirm, type your user name").fill(room.learners[0].username)
    page.get_by_role("button", name="Erase my data").click()
    expect(page.locator("#erased")).to_be_visible()
    context.close()
