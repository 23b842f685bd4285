"""A hand that a learner raises in the notebook stands on Class now, and who helps is told in the notebook."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.jupyter.classroom import PASSWORD, Learntrace
from tests.jupyter.conftest import NewPage, Sit
from tests.jupyter.front_ends import Classic
from tests.jupyter.lesson import WORKS, write_lesson
from tests.jupyter.servers import JupyterServer
from tests.support.soak import promised

# Seconds that a teacher may wait. Without the stream, pages show it when they load themselves anew, after 20 s.
SOON = promised(2, 10)


def class_now(learntrace: Learntrace, page: Page) -> Page:
    """Sign a teacher in, and open Class now until its stream runs."""
    page.goto(f"{learntrace.url}/sign-in")
    page.get_by_label("E-mail address or user name").fill("teacher")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("[data-streaming='1']")).to_be_visible()
    return page


def raised(press: Callable[[], None], card: Locator) -> float:
    """Raise a hand, and return how many seconds it took until it stood on Class now."""
    begun = time.monotonic()
    press()
    expect(card).to_contain_text("Hand raised less than a minute ago")
    took = time.monotonic() - begun
    print(f"stood on Class now after {took:.2f} s")
    return took


@pytest.mark.parametrize("front_end", ["lab", "notebook7", "classic"])
def test_a_hand_raised_in_the_panel_stands_on_class_now(sit: Sit, new_page: NewPage, front_end: str) -> None:
    desk = sit(front_end, "alone")
    learntrace = desk.classroom.learntrace
    teacher = class_now(learntrace, new_page())
    opened = desk.open((WORKS,), f"hand-{front_end}.ipynb")
    opened.run_cell(0)
    learntrace.wait_for_executions(desk.notebook, 1)

    desk.page.locator(".learntrace-Indicator:visible").click()
    panel = desk.page.get_by_role("dialog", name="What is sent to Learntrace")
    question = f"Why is it so in {front_end}?"
    panel.get_by_label("Your question (optional)").fill(question)
    card = teacher.locator(f'.concern:has-text("{question}")')
    assert raised(panel.get_by_role("button", name="Raise hand").click, card) < SOON
    expect(card).to_contain_text((WORKS.tag or "").removeprefix("assignment:"))
    expect(panel).to_contain_text("Your hand is up. You are next.")
    card.get_by_role("button", name="I'm helping").click()
    # The panel asks every ten seconds.
    expect(panel).to_contain_text("teacher is helping you.", timeout=30_000)
    expect(desk.page.locator(".learntrace-Indicator:visible")).to_have_attribute(
        "aria-label", "Learntrace: Sending. teacher is helping you."
    )
    panel.get_by_role("button", name="Lower hand").click()
    expect(card).to_be_hidden()
    expect(panel).to_contain_text("Do you need help?")


def test_an_answer_from_before_the_hand_was_raised_does_not_take_it_down(sit: Sit) -> None:
    """The panel asks as it opens; a learner who is faster than the answer has decided something newer."""
    desk = sit("lab", "alone")
    desk.open((WORKS,), "hand-overtaken.ipynb")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "GET":
            asked.append(route)
        else:
            route.continue_()

    desk.page.route("**/learntrace/help*", hold)
    with desk.page.expect_request("**/learntrace/help*"):
        desk.page.locator(".learntrace-Indicator:visible").click()
    panel = desk.page.get_by_role("dialog", name="What is sent to Learntrace")
    panel.get_by_role("button", name="Raise hand").click()
    expect(panel).to_contain_text("Your hand is up.")
    assert asked
    with desk.page.expect_response("**/learntrace/help*"):
        asked[0].fulfill(json={"allowed": True, "hand": None})
    desk.page.wait_for_function("new Promise(done => setTimeout(() => done(true), 100))")
    expect(panel).to_contain_text("Your hand is up.")
    desk.page.unroute("**/learntrace/help*")
    panel.get_by_role("button", name="Lower hand").click()
    expect(panel).to_contain_text("Do you need help?")


def test_a_hand_raised_by_the_button_of_custom_js_stands_on_class_now(
    new_page: NewPage, custom_alone: JupyterServer, sit: Sit
) -> None:
    """Classic Notebook without the nbextension has no panel, but a button in its menu bar."""
    learntrace = sit("classic", "alone").classroom.learntrace
    teacher = class_now(learntrace, new_page())
    write_lesson(custom_alone.notebooks / "hand-custom.ipynb", (WORKS,))
    classic = Classic(new_page())
    classic.page.goto(f"{custom_alone.url}tree?token={custom_alone.token}")
    classic.open(custom_alone.url, "hand-custom.ipynb")
    assert classic.page.locator(".learntrace-Indicator").count() == 0, "the nbextension is turned off"
    classic.run_cell(0)
    learntrace.wait_for_executions("hand-custom.ipynb", 1)

    button = classic.page.locator(".learntrace-hand")
    expect(button).to_have_text("Raise hand")
    card = teacher.locator('.concern:has-text("cara")')
    assert raised(button.click, card) < SOON
    expect(card).to_contain_text((WORKS.tag or "").removeprefix("assignment:"))
    expect(button).to_contain_text("Your hand is up. You are next.")
    card.get_by_role("button", name="I'm helping").click()
    expect(button).to_contain_text("teacher is helping you.", timeout=30_000)
    button.click()
    expect(card).to_be_hidden()
    expect(button).to_have_text("Raise hand")
