"""The first minutes on the pages: from the code to Connect by keys alone, without a script too, and how both pages look."""

import pytest
from playwright.sync_api import expect

from learntrace.accounts.first_setup.code import printed_code
from learntrace.accounts.first_setup.models import SetupCode
from learntrace.accounts.models import User
from learntrace.intake.models import Refusal
from tests.browser.pages import LEAST_CONTRAST, OUTSIDE, Faults, Visit, complaints
from tests.support.builders import make_academy, make_user, make_webhook

PASSWORD = "a staple of correct horses"
TYPED = ("Olga Pérez", "olga@school.example", PASSWORD, "not the same", "Downtown Code School", "Python, autumn 2026")


@pytest.mark.usefixtures("live_server")
def test_a_server_is_set_up_by_keys_alone_and_a_light_turns_green_by_itself(
    visit: Visit, faults: Faults, transactional_db: None
) -> None:
    faults.allow("status of 403", "status of 400")
    page = visit("/")
    assert page.url.endswith("/set-up"), "the first page of a server that nobody has set up"
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type("not the code")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("isn't the code")
    page.get_by_label("Code").fill(printed_code().lower())
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your name")).to_be_focused()
    for place, text in enumerate(TYPED):
        if place:
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    # Nothing that was typed is lost, whatever becomes of the session.
    page.context.clear_cookies()
    expect(page.get_by_label("Password", exact=True)).to_have_value(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    expect(page.get_by_text("Your server is set up")).to_be_visible()
    expect(page.locator(".live.on")).to_be_visible()
    assert not SetupCode.objects.exists()

    user = User.objects.get()
    light = page.locator("[data-part=learnpack] .light")
    expect(light).to_have_text("Nothing has arrived yet")
    page.locator("button[name=source][value=learnpack]").press("Enter")
    key = page.locator("code.key").inner_text()
    expect(page.locator("#copy-header")).to_have_text(f"Authorization: Token {key}")
    # The key stays in sight while the light follows what happens, without a reload.
    Refusal.objects.create(path="/v1/assignment/me/telemetry", status_code=401, reason="invalid-token", size=1)
    expect(light).to_have_text("Something is arriving, but can't be accepted")
    expect(page.get_by_text("Copy the whole key into the client.")).to_be_visible()
    make_webhook(user, status="DONE")
    expect(light).to_contain_text("Connected, last event")
    expect(page.locator("code.key")).to_have_text(key)
    expect(page.get_by_role("link", name="Invite learners")).to_be_visible()
    # Without leave to write to the clipboard the text is selected, and the page says so or has copied it.
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false; }"
    )
    page.locator("[data-copy=copy-learnpack-url]").press("Enter")
    expect(page.get_by_text("Selected: press Ctrl+C")).to_be_visible()
    assert page.evaluate("String(getSelection())") == page.locator("#copy-learnpack-url").inner_text()


@pytest.mark.usefixtures("live_server")
def test_a_server_is_set_up_without_a_script(visit: Visit, transactional_db: None) -> None:
    page = visit("/set-up", script=False, width=360)
    page.get_by_label("Code").fill(printed_code())
    page.get_by_role("button", name="Continue").click()
    labels = (
        "Your name",
        "E-mail address",
        "Password",
        "Password again",
        "Name of your academy",
        "Name of your first class",
    )
    for label, text in zip(labels, TYPED, strict=True):
        page.get_by_label(label, exact=True).fill(PASSWORD if "Password" in label else text)
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    expect(page.locator("[data-copy]").first).to_be_hidden()
    page.locator("button[name=source][value=notebooks]").click()
    expect(page.locator("#copy-variables")).to_contain_text(page.locator("code.key").inner_text())


@pytest.mark.usefixtures("live_server")
def test_both_pages_are_readable_on_every_screen_and_in_both_languages(
    visit: Visit, faults: Faults, transactional_db: None
) -> None:
    faults.allow("status of 403")
    code = printed_code()
    looks = [("light", 1440, "en"), ("dark", 360, "es")]
    for scheme, width, language in looks:
        page = visit("/set-up", scheme=scheme, width=width, language=language)
        page.locator("#code").fill("x")
        page.locator("button.main").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert complaints(page) == []
        page.locator("#code").fill(code)
        page.locator("button.main").click()
        expect(page.locator("#name")).to_be_visible()
        assert complaints(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    academy = make_academy("downtown", name="Downtown")
    user = make_user("olga", "admin", academy, is_superuser=True, is_staff=True)
    Refusal.objects.create(path="/v1/notebook/me/events", status_code=401, reason="expired-token", size=1, user=user)
    make_webhook(user, status="ERROR", status_text="No such asset", package_slug="intro")
    for scheme, width, language in looks:
        page = visit("/connect", user, scheme=scheme, width=width, language=language)
        for summary in page.locator("details:not(.menu) summary").all():
            summary.click()
        page.locator("button[name=source][value=notebooks]").click()
        expect(page.locator("code.key")).to_be_visible()
        assert complaints(page) == []
        assert page.evaluate(LEAST_CONTRAST)[0] >= 4.5
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
