import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.browser.pages import Faults, Visit
from tests.browser.scene import PASSWORD, Scene


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("E-mail address or user name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("name", ["tomas", "Tomas@Example.org"])
def test_user_name_or_address_opens_the_page_that_was_asked_for(visit: Visit, scene: Scene, name: str) -> None:
    page = visit(f"/telemetry?academy={scene.academy.pk}")
    expect(page).to_have_title("Sign in · Learntrace")
    sign_in(page, name, PASSWORD)
    expect(page.get_by_role("heading", name="Is telemetry arriving?")).to_be_visible()
    assert page.url.endswith(f"/telemetry?academy={scene.academy.pk}")


def test_a_wrong_password_is_told_and_the_name_stays(visit: Visit, scene: Scene, faults: Faults) -> None:
    page = visit("/sign-in?next=/telemetry")
    sign_in(page, "tomas", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password.")
    expect(page.get_by_label("E-mail address or user name")).to_have_value("tomas")
    expect(page.get_by_label("Password")).to_be_focused()
    faults.allow("status of 400")
    sign_in(page, "tomas", PASSWORD)
    expect(page.get_by_role("heading", name="Telemetry health", exact=True)).to_be_visible()


def test_it_works_with_the_keyboard_alone(visit: Visit, scene: Scene) -> None:
    page = visit("/sign-in?next=/telemetry")
    # The browser focuses the first field when it first draws the page, which may be after its load event.
    expect(page.get_by_label("E-mail address or user name")).to_be_focused()
    page.keyboard.type("tomas")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Telemetry health", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_who_signs_out_is_out(visit: Visit, scene: Scene, faults: Faults) -> None:
    # The page that is left may ask for its news once more.
    faults.allow("status of 401")
    page = visit("/telemetry", scene.teacher)
    page.get_by_text("Tomás Rivera").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · Learntrace")
    page.goto("/")
    expect(page).to_have_title("Sign in · Learntrace")
    page.go_back()
    expect(page.get_by_text("Barbara Liskov")).to_have_count(0)


def test_the_language_is_switched_and_remembered(visit: Visit, scene: Scene, faults: Faults) -> None:
    page = visit("/sign-in?next=/%3Facademy=1", language="en")
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", name="Iniciar sesión")).to_be_visible()
    assert page.url.endswith("/sign-in?next=/%3Facademy=1")
    assert page.locator("html").get_attribute("lang") == "es"
    cookies = {cookie.get("name"): cookie.get("value") for cookie in page.context.cookies()}
    assert cookies[settings.LANGUAGE_COOKIE_NAME] == "es"
    page.goto("/nothing-here")
    expect(page.get_by_role("heading", name="No hay nada en esta dirección.")).to_be_visible()
    faults.allow("status of 404")
