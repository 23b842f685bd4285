"""Sign-in and keys in a browser: pages that fit and read well, signing in with a code and with a passkey."""

import time

import pytest
from playwright.sync_api import Page, expect

from learntrace.accounts.models import Token, User
from learntrace.accounts.second_factor import totp
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey
from tests.browser.pages import Faults, Visit, complaints
from tests.browser.scene import PASSWORD, Scene
from tests.browser.test_sign_in import sign_in


def code_of(user: User, offset: int = 1) -> str:
    """The code of a step that no other code of the test uses: the clock of an app may be a step ahead."""
    return totp.code_at(AuthenticatorApp.objects.get(user=user).secret, totp.step_at(time.time()) + offset)


def virtual_authenticator(page: Page) -> None:
    """Give the browser a device that holds passkeys and confirms by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_the_pages_fit_and_have_nothing_serious_for_axe(
    visit: Visit, scene: Scene, language: str, scheme: str, faults: Faults
) -> None:
    Token.issue(scene.teacher, name="a laptop with quite a long name, as people give them")
    Passkey.objects.create(user=scene.teacher, name="phone", credential_id="abc", public_key=b"")
    for user, paths in (
        (scene.teacher, ("/account", "/account/password", "/account/app")),
        (None, ("/sign-in", "/password/forgotten", "/password/choose")),
    ):
        page = visit("/sign-in", user, language=language, scheme=scheme)
        for path in paths:
            page.goto(path)
            for details in page.locator("main details").all():
                details.evaluate("one => { one.open = true; }")
            for width in (1440, 360):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
                assert complaints(page) == [], (path, width)
    faults.allow("status of 400")


def test_one_sets_up_an_app_and_signs_in_with_its_code(visit: Visit, scene: Scene, faults: Faults) -> None:
    faults.allow("status of 400", "status of 401")
    page = visit("/account", scene.teacher)
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.get_by_label("The code that the app shows").fill(code_of(scene.teacher, 0))
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Use this app").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have saved them").click()
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, "tomas", PASSWORD)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_label("The code of your authenticator app, or a recovery code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    page.get_by_label("The code of your authenticator app, or a recovery code").fill(code_of(scene.teacher))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Tomás Rivera")).to_be_visible()


def test_one_adds_a_passkey_and_signs_in_with_it(visit: Visit, scene: Scene, faults: Faults) -> None:
    faults.allow("status of 401")
    page = visit("/account", scene.teacher)
    # A passkey belongs to a name, not to an address of numbers.
    page.goto(page.url.replace("127.0.0.1", "localhost"))
    if "sign-in" in page.url:
        sign_in(page, "tomas", PASSWORD)
    virtual_authenticator(page)
    page.get_by_text("Add a passkey…").click()
    page.get_by_label("Name, such as the device's").fill("my laptop")
    expect(page.locator("[data-fault]")).to_be_hidden()
    page.locator("#passkey-password").fill(PASSWORD)
    page.get_by_role("button", name="Add a passkey", exact=True).click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have saved them").click()
    expect(page.get_by_text("my laptop").first).to_be_visible()
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, "tomas", PASSWORD)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("Tomás Rivera")).to_be_visible()
    (passkey,) = Passkey.objects.filter(user=scene.teacher)
    assert passkey.last_used_at is not None


def test_a_form_that_makes_a_key_counts_once_without_scripts_too(visit: Visit, scene: Scene) -> None:
    page = visit("/account", scene.teacher, script=False)
    page.get_by_text("Create a key…").click()
    page.get_by_role("button", name="Create a key", exact=True).click()
    key = page.locator(".key").inner_text()
    page.reload()
    expect(page.get_by_text("This form was already sent. Nothing was created twice.")).to_be_visible()
    expect(page.get_by_text(key)).to_have_count(0)
    assert Token.objects.filter(user=scene.teacher).count() == 1
    # The form that is shown now is another one.
    page.get_by_text("Create a key…").click()
    page.get_by_role("button", name="Create a key", exact=True).click()
    expect(page.locator(".key")).to_be_visible()
    assert Token.objects.filter(user=scene.teacher).count() == 2


def test_staff_changes_its_own_name_and_a_learner_does_not(visit: Visit, scene: Scene, faults: Faults) -> None:
    faults.allow("status of 400")
    page = visit("/account", scene.teacher)
    page.get_by_label("First name").fill("")
    page.get_by_label("Last name").fill("")
    page.get_by_role("button", name="Change name").click()
    expect(page.get_by_role("alert")).to_have_text("Enter a first or a last name.")
    page.get_by_label("First name").fill("Rosalind")
    page.get_by_label("Last name").fill("Franklin")
    page.get_by_role("button", name="Change name").click()
    expect(page.get_by_text("Your name was changed.")).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text("Rosalind Franklin")
    page = visit("/account", scene.learner)
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    expect(page.get_by_role("heading", name="Your name")).to_have_count(0)


def test_a_key_is_made_and_ended_and_the_password_changed(visit: Visit, scene: Scene) -> None:
    page = visit("/account", scene.teacher)
    page.get_by_text("Create a key…").click()
    page.get_by_label("What it is for").fill("my notebook")
    page.get_by_role("button", name="Create a key", exact=True).click()
    key = page.locator(".key").inner_text()
    assert len(key) == 40
    # A browser would ask whether to send the form again, and make another key.
    page.reload()
    expect(page.get_by_text(key)).to_have_count(0)
    page.get_by_role("button", name=key[:8]).click()
    expect(page.get_by_text("You have no keys.")).to_be_visible()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Your current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("a much better horse")
    page.get_by_label("New password again").fill("a much better horse")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password was changed.")).to_be_visible()
