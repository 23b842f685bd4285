"""Keys, settings, search and the menu in a browser: pages that fit and read well, by mouse, by keyboard and on a phone."""

import pytest
from playwright.sync_api import Page, expect

from learntrace.accounts.models import AcademySettings, Token, User
from learntrace.intake.models import Refusal
from learntrace.registry.models import Asset
from tests.browser.pages import LEAST_CONTRAST, OUTSIDE, Faults, Visit, complaints
from tests.browser.scene import PASSWORD, Scene, person
from tests.browser.test_sign_in import sign_in

PAGES = (
    "/keys?make", "/keys?q=nothing", "/settings", "/settings/stuck", "/settings/source?ask=1&on=yes", "/settings/help-text",
    "/settings/retention?ask=1&number=x", "/notifications", "/telemetry/webhooks?range=custom", "/telemetry/rejected?range=7d",
    "/search?q=java",
)  # fmt: skip


@pytest.fixture
def admin(scene: Scene) -> User:
    Token.issue(scene.learner, scope="telemetry", name="a laptop with quite a long name, as people give them")
    return person("adele", "Adele Goldberg", {scene.academy: "admin"})


def type_into(page: Page, text: str, found: str) -> None:
    """Type, and wait until the first suggestion is this one."""
    page.keyboard.type(text)
    expect(page.locator("div[role=option]:visible").first).to_contain_text(found)


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_the_pages_fit_and_have_nothing_serious_for_axe(
    visit: Visit, admin: User, language: str, scheme: str, faults: Faults
) -> None:
    faults.allow("status of 400")
    page = visit("/keys", admin, language=language, scheme=scheme)
    for path in PAGES:
        page.goto(path)
        for details in page.locator("main details").all():
            details.evaluate("one => { one.open = true; }")
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert complaints(page) == [], (path, width)
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, (path, text)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/settings")
    assert page.evaluate(OUTSIDE) == []


def test_an_admin_makes_rotates_and_revokes_a_key_from_the_diagnosis_on(
    visit: Visit, admin: User, scene: Scene, faults: Faults
) -> None:
    faults.allow("status of 404")
    asset = Asset.objects.create(slug="missing", title="Missing", lang="us", graded=True, academy=scene.academy)
    scene.learner.tasks.create(title="Missing", associated_slug=asset.slug, task_type="EXERCISE")
    Refusal.objects.create(
        path="/v1/assignment/me/telemetry", status_code=401, reason="expired-token", user=scene.learner, size=4096
    )
    page = visit("/diagnosis?user=ada&asset=missing", admin)
    page.get_by_role("link", name="Create a new key…").click()
    expect(page.get_by_label("Owner: user name")).to_have_value("ada")
    page.get_by_label("What it is for").fill("new laptop")
    page.get_by_role("button", name="Create a key", exact=True).click()
    key = page.locator(".key").inner_text()
    row = page.get_by_role("row").filter(has_text="new laptop")
    row.get_by_role("link", name="Rotate or revoke…").click()
    expect(page.get_by_text("this account sent no telemetry")).to_be_visible()
    page.get_by_role("button", name="Create the new key").click()
    expect(page.get_by_role("status")).to_contain_text("The old one ends after a day")
    assert page.locator(".key").inner_text() != key
    # A session that ends in the middle of the form costs nothing that was typed.
    page.get_by_text("Create a key…").click()
    page.get_by_label("Owner: user name").fill("barbara")
    page.get_by_label("What it is for").fill("the lab's computer")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Create a key", exact=True).click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    sign_in(page, "adele", PASSWORD)
    expect(page.get_by_text("It is as you typed it")).to_be_visible()
    expect(page.get_by_label("Owner: user name")).to_have_value("barbara")
    page.get_by_role("button", name="Create a key", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The new key of Barbara Liskov.")
    # Somebody else ends it while this page is open.
    prefix = page.locator(".key").inner_text()[:8]
    other = visit("/keys", person("alan", "Alan Kay", {scene.academy: "admin"}))
    for one in (page, other):
        one.get_by_role("row").filter(has_text=prefix).get_by_role("link", name="Rotate or revoke…").click()
        expect(one.get_by_text("The account has 1 active key.")).to_be_visible()
    other.get_by_role("button", name="Revoke").click()
    expect(other.get_by_role("status")).to_contain_text("no longer works")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("alert")).to_contain_text("Alan Kay revoked this key on")


def test_a_setting_is_shown_changed_and_taken_back_without_a_script(visit: Visit, admin: User, scene: Scene) -> None:
    page = visit("/settings", admin, script=False, width=360)
    page.locator(".pages summary").click()
    page.get_by_role("link", name="Settings").first.click()
    page.get_by_role("link", name="Source code").click()
    page.get_by_label("State").select_option("on")
    page.get_by_role("button", name="Show what this changes").click()
    expect(page.get_by_text("is stored for 12 learners")).to_be_visible()
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("heading", name="Set to: on")).to_be_visible()
    page.get_by_role("link", name="Undo…").click()
    expect(page.get_by_text("no source code is collected for 12 learners")).to_be_visible()
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("heading", name="Set to: off")).to_be_visible()
    assert AcademySettings.objects.get().notebook_features == {"collect_source": False}


def test_a_server_without_mail_offers_it_last_and_not_to_choose(visit: Visit, admin: User) -> None:
    page = visit("/notifications?new", admin)
    channel = page.get_by_label("Sent by").last
    expect(channel).to_have_value("webhook")
    expect(channel.get_by_role("option")).to_have_text(["Webhook", "Chat service", "E-mail (this server sends none)"])
    expect(channel.get_by_role("option").last).to_be_disabled()
    expect(page.get_by_text("Empty: your own e-mail address.")).to_have_count(0)


def test_no_language_twice_in_the_menu_of_languages(visit: Visit, admin: User) -> None:
    page = visit("/settings/language", admin)
    options = page.get_by_label("Language", exact=True).get_by_role("option")
    expect(options).to_have_text(["not set (messages are in English)", "English", "Español"])


def test_what_takes_seconds_says_so_until_its_page_comes(visit: Visit, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_superuser=True)
    page = visit("/connect", admin)
    # As while the answer is awaited: after the page's own listener.
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())")
    page.get_by_role("button", name="Add sample data").click()
    working = page.locator("form [role=status]")
    expect(working).to_have_text("The sample data is being added. This takes a few seconds.")
    expect(working.get_by_role("progressbar")).to_be_visible()


def test_search_and_pickers_are_used_by_keyboard(visit: Visit, admin: User, scene: Scene) -> None:
    page = visit("/learners", admin)
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Find a learner")
    expect(search).to_be_focused()
    type_into(page, "lovel", "Ada Lovelace")
    expect(search).to_have_attribute("aria-expanded", "true")
    assert complaints(page) == []
    page.keyboard.press("ArrowDown")
    active = search.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_text("Ada Lovelace ada, ada@example.org")
    page.keyboard.press("Escape")
    expect(search).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(page.locator("div[role=option]:visible")).to_have_count(1)
    expect(search).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/learner/{scene.learner.pk}")

    page.goto("/diagnosis")
    page.get_by_label("Learner: user name").focus()
    type_into(page, "lovel", "Ada Lovelace")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Learner: user name")).to_have_value("ada")
    page.keyboard.press("Tab")
    type_into(page, "hooks", "React hooks")
    page.locator("div[role=option]:visible").first.click()
    expect(page.get_by_label("Asset, or a task")).to_have_value("react-hooks")
    page.keyboard.press("Enter")
    page.wait_for_url("**/diagnosis?user=ada&asset=react-hooks")
    # Without a choice, the field is sent as it was typed.
    page.keyboard.press("/")
    type_into(page, "java", "JavaScript")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=java")


def test_a_log_is_read_for_a_period_in_the_readers_zone(visit: Visit, admin: User) -> None:
    page = visit("/telemetry/webhooks", admin, zone="America/New_York")
    expect(page.get_by_label("Since")).to_be_hidden()
    page.get_by_label("Period").select_option("1h")
    page.get_by_role("button", name="Search the log").click()
    page.wait_for_url("**range=1h**")
    expect(page.locator("tbody tr")).not_to_have_count(0)
    page.get_by_label("Period").select_option("custom")
    expect(page.get_by_label("Since (America/New_York)")).to_be_visible()
    page.get_by_label("Since (America/New_York)").fill("2001-01-01T10:00")
    page.get_by_label("Until (America/New_York)").fill("2001-01-02T10:00")
    page.get_by_role("button", name="Search the log").click()
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    expect(page.get_by_label("Since (America/New_York)")).to_have_value("2001-01-01T10:00")
