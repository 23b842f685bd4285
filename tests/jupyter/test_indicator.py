"""What a learner sees: whether events are sent, what, to whom, as whom; and the switch."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.jupyter.conftest import Desk, Sit
from tests.jupyter.lesson import WORKS
from tests.support.waiting import wait_until


def indicator(desk: Desk) -> Locator:
    return desk.page.locator(".learntrace-Indicator:visible")


@pytest.mark.parametrize(("front_end", "place"), [("classic", "alone"), ("lab", "hub"), ("notebook7", "hub")])
def test_a_learner_sees_what_is_sent_and_turns_it_off_and_on(sit: Sit, front_end: str, place: str) -> None:
    desk = sit(front_end, place)
    learntrace = desk.classroom.learntrace
    opened = desk.open((WORKS,), f"seen-{front_end}.ipynb")
    expect(indicator(desk)).to_have_text("Sending")
    opened.run_cell(0)
    learntrace.wait_for_executions(desk.notebook, 1)

    indicator(desk).click()
    panel = desk.page.get_by_role("dialog", name="What is sent to Learntrace")
    expect(panel).to_contain_text(learntrace.url)
    expect(panel).to_contain_text(f"{desk.actor}, Downtown")
    last = panel.locator("pre")
    expect(last).to_be_hidden()
    panel.locator("summary", has_text="The last event of this page").click()
    expect(last).to_be_visible()
    expect(last).to_contain_text(WORKS.tag or "")
    expect(panel).not_to_contain_text("marker_of_the_source")

    switch = panel.get_by_role("switch")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(indicator(desk)).to_have_text("Off")
    (user,) = learntrace.rows("SELECT id FROM accounts_user WHERE username = %s", desk.actor)
    desk.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    opened.run_cell(0)

    indicator(desk).click()
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(indicator(desk)).to_have_text(re.compile("Sending"))
    desk.page.keyboard.press("Escape")
    opened.run_cell(0)
    rows = learntrace.wait_for_executions(desk.notebook, 2)
    # The one that ran meanwhile was the second of the kernel.
    assert [row["result"]["execution_count"] for row in rows] == [1, 3]
    assert {row["user_id"] for row in rows} == {user["id"]}


def test_a_page_that_nobody_is_at_asks_nothing_until_somebody_is(sit: Sit) -> None:
    """A hub's proxy takes every request for activity, and would never stop the server behind a page that was left open."""
    desk = sit("classic", "alone")
    desk.page.clock.install()
    desk.open((WORKS,), "left-alone.ipynb")
    expect(desk.page.locator(".learntrace-Indicator:visible")).to_have_text("Sending")
    asked: list[str] = []
    # Events are of what happens, here what the notebook does by itself.
    questions = re.compile(r"/learntrace/(state|help)\b")
    desk.page.on("request", lambda request: asked.extend(questions.findall(request.url)))
    for _minute in range(5):
        desk.page.clock.fast_forward("01:00")
    wait_until(lambda: asked, "it asks while somebody may be there")
    desk.page.clock.fast_forward("06:00")
    desk.page.wait_for_load_state("networkidle")
    asked.clear()
    for _minute in range(30):
        desk.page.clock.fast_forward("01:00")
    desk.page.wait_for_load_state("networkidle")
    assert not asked
    desk.page.mouse.move(300, 300)
    desk.page.mouse.move(310, 310)
    wait_until(lambda: set(asked) == {"state", "help"}, "asked as somebody is back")
