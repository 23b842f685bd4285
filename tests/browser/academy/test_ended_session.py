"""A session that ends in the middle of a form, in a browser without scripts: what was typed is there again."""

import pytest
from playwright.sync_api import Page, expect

from learntrace.accounts.models import Cohort, Membership, User
from tests.browser.pages import Faults, Visit
from tests.browser.scene import PASSWORD, Scene, person


@pytest.fixture
def admin(scene: Scene) -> User:
    Cohort.objects.create(slug="winter", name="Winter", academy=scene.academy)
    Cohort.objects.create(slug="spring", name="Spring", academy=scene.academy)
    return person("adele", "Adele Goldberg", {scene.academy: "admin"})


def fill_and_lose(page: Page) -> None:
    """Fill the form of a new person, and send it after the session has ended."""
    page.get_by_label("First name").fill('Zoë "Z" <b>')
    page.get_by_label("E-mail address").fill("zoe@example.org")
    page.get_by_label("Role").select_option("teacher")
    page.get_by_label("Spring").check()
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()


def give(page: Page, name: str, password: str) -> None:
    page.get_by_label("E-mail address or user name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_filled_form_is_there_again_without_a_script_and_is_sent_by_its_author_only(
    visit: Visit, admin: User, faults: Faults
) -> None:
    faults.allow("status of 400")
    page = visit("/people/add", admin, script=False)
    fill_and_lose(page)
    give(page, admin.username, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
    give(page, admin.username, PASSWORD)
    page.wait_for_url("**/people/add")
    expect(page.get_by_text("It is as you typed it")).to_be_visible()
    expect(page.get_by_label("First name")).to_have_value('Zoë "Z" <b>')
    expect(page.get_by_label("Role")).to_have_value("teacher")
    expect(page.get_by_label("Spring")).to_be_checked()
    expect(page.get_by_label("Winter")).not_to_be_checked()
    assert not User.objects.filter(email="zoe@example.org").exists(), "nothing is sent by itself"
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zoë")
    assert Membership.objects.get(user__email="zoe@example.org").cohorts.get().slug == "spring"
    page.goto("/people/add")
    expect(page.get_by_label("First name")).to_have_value("")


@pytest.mark.parametrize("script", [False, True])
def test_somebody_else_who_signs_in_sees_nothing_of_it(visit: Visit, admin: User, scene: Scene, script: bool) -> None:
    other = person("alan", "Alan Kay", {scene.academy: "admin"})
    page = visit("/people/add", admin, script=script)
    fill_and_lose(page)
    give(page, other.username, PASSWORD)
    page.wait_for_url("**/people/add")
    expect(page.get_by_label("First name")).to_have_value("")
    expect(page.get_by_text("It is as you typed it")).to_have_count(0)


def test_a_form_in_a_disclosure_is_open_and_filled(visit: Visit, admin: User) -> None:
    page = visit("/keys?make", admin, script=False)
    page.get_by_label("Owner: user name").fill("barbara")
    page.get_by_label("What it is for").fill("the lab's computer")
    page.get_by_label("Valid for").select_option("30")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Create a key", exact=True).click()
    give(page, admin.username, PASSWORD)
    expect(page.get_by_label("Owner: user name")).to_have_value("barbara")
    expect(page.get_by_label("Valid for")).to_have_value("30")
    page.get_by_role("button", name="Create a key", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The new key of Barbara Liskov.")
