"""The hub's own pages, as a learner meets them."""

import re

from playwright.sync_api import Page

from tests.jupyter.front_ends import SLOW


def sign_in(page: Page, hub: str, name: str, password: str) -> None:
    """Sign in at a hub; it leads on to the learner's server, or to the form at the start of one."""
    page.goto(f"{hub}hub/login")
    page.locator("#username_input").fill(name)
    page.locator("#password_input").fill(password)
    page.locator("#login_submit").click()
    page.wait_for_url(re.compile(r"/user/|/hub/spawn"), timeout=SLOW)


def choose(page: Page, front_end: str) -> None:
    """Choose a front end by its name on the form at a server's start, and wait for the server's own page."""
    page.get_by_label(front_end).check()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/user/**", timeout=SLOW)
