"""Concerns on Class now, with a real server and its live stream: two people at once, keys, undo, and many tabs."""

import re
import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.browser.live.served_class import open_class_now, run, served_class
from tests.browser.pages import complaints
from tests.browser.scene import PASSWORD
from tests.faults.installation import Installation
from tests.support.soak import promised
from tests.support.waiting import wait_until

NARROW: ViewportSize = {"width": 360, "height": 740}
LEARNERS = ("Ada Lovelace", "Barbara Liskov", "Radia Perlman")


@pytest.fixture(scope="module")
def served() -> Iterator[Installation]:
    """A real installation with a class of three, a teacher and an assistant."""
    with served_class(LEARNERS) as installation:
        yield installation


def open_streams(installation: Installation) -> float:
    with urlopen(f"http://127.0.0.1:{installation.port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("learntrace_streams"))


def card(learner: str, assignment: str) -> str:
    """The selector of a card that is not acknowledged."""
    return f'ul.signals > .concern:has-text("{learner}"):has-text("{assignment}"):not(details .concern)'


def test_an_acknowledged_concern_leaves_both_screens_within_a_second_and_undo_brings_it_back(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    teacher, assistant = (open_class_now(browser, served, contexts, name) for name in ("tomas", "alan"))
    run(served, 0, "lesson-01-exercise-1", 3)
    mine, theirs = (page.locator(card("Ada", "lesson-01-exercise-1")) for page in (teacher, assistant))
    expect(mine).to_be_visible()
    expect(theirs).to_be_visible()
    expect(teacher).to_have_title("(1) Class now · Downtown · Learntrace")
    begun = time.monotonic()
    mine.get_by_role("button", name="Acknowledge").click()
    expect(theirs).to_be_hidden()
    expect(mine).to_be_hidden()
    # Without the stream, pages show it when they load themselves anew, after 20 s. What it took is printed.
    print(f"left both screens after {time.monotonic() - begun:.2f} s")
    assert time.monotonic() - begun < promised(1, 10)
    expect(teacher.locator("[data-toast]")).to_contain_text("Concern acknowledged")
    assistant.locator("#acknowledged summary").first.click()
    expect(assistant.locator("#acknowledged")).to_contain_text("Acknowledged by Tomás Rivera")
    teacher.keyboard.press("z")
    expect(mine).to_be_visible()
    expect(theirs).to_be_visible()
    expect(teacher.locator("[data-toast]")).to_contain_text("Undone")
    expect(teacher.locator("[data-undo]")).to_be_hidden()


def test_two_who_assign_at_once_are_told_and_nothing_is_lost(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    teacher, assistant = (open_class_now(browser, served, contexts, name) for name in ("tomas", "alan"))
    run(served, 1, "lesson-01-exercise-2", 3)
    mine, theirs = (page.locator(card("Barbara", "lesson-01-exercise-2")) for page in (teacher, assistant))
    expect(theirs).to_be_visible()
    # What the assistant sees stands still: a note is begun.
    theirs.get_by_text("More").first.click()
    theirs.get_by_label("Note").fill("I will ask her")
    mine.get_by_text("More").first.click()
    mine.get_by_label("Assign to").select_option("Tomás Rivera")
    mine.get_by_role("button", name="Assign").click()
    expect(mine).to_contain_text("Assigned to Tomás Rivera")
    theirs.get_by_label("Assign to").select_option("Alan Turing")
    theirs.get_by_role("button", name="Assign").click()
    expect(assistant.locator("[data-toast]")).to_contain_text("Tomás Rivera changed this concern in the meantime")
    theirs.get_by_role("button", name="Save note").click()
    expect(mine).to_contain_text("I will ask her")
    expect(theirs).to_contain_text("Assigned to Tomás Rivera")


def test_a_raised_hand_stands_on_both_screens_and_who_helps_is_told_to_all(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    teacher, assistant = (open_class_now(browser, served, contexts, name) for name in ("tomas", "alan"))
    # My learning needs no script.
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{served.port}", locale="en", java_script_enabled=False, viewport=NARROW
    )
    contexts.append(context)
    learner = context.new_page()
    learner.goto("/sign-in")
    learner.get_by_label("E-mail address or user name").fill("radia")
    learner.get_by_label("Password").fill(PASSWORD)
    learner.get_by_role("button", name="Sign in").click()
    learner.get_by_label("Your question").fill("Where does total come from?")
    learner.get_by_role("button", name="Raise hand").click()
    begun = time.monotonic()
    mine, theirs = (page.locator('.concern:has-text("Where does total come from?")') for page in (teacher, assistant))
    expect(mine).to_contain_text("Hand raised less than a minute ago")
    print(f"stood on Class now after {time.monotonic() - begun:.2f} s")
    expect(learner.locator(".own-hand")).to_contain_text("Your hand is up. You are next.")
    expect(theirs.get_by_role("button", name="Acknowledge")).to_have_count(0)
    mine.get_by_role("button", name="I'm helping").click()
    expect(theirs).to_contain_text("Tomás Rivera has been helping for")
    expect(teacher.locator("[data-toast]")).to_contain_text("You are helping")
    learner.reload()
    expect(learner.locator(".own-hand")).to_contain_text("Tomás Rivera is helping you")
    teacher.keyboard.press("z")
    expect(theirs).to_contain_text("Hand raised")
    # With keys alone, by the other one.
    theirs.focus()
    assistant.keyboard.press("h")
    expect(mine).to_contain_text("Alan Turing has been helping for")
    assert complaints(teacher) == []
    theirs.focus()
    assistant.keyboard.press("h")
    expect(mine).to_be_hidden()
    expect(theirs).to_be_hidden()
    learner.reload()
    expect(learner.locator(".own-hand")).to_contain_text("Alan Turing helped after less than a minute")
    teacher.goto("/learner/9")
    teacher.locator("#hands summary").click()
    expect(teacher.locator("#hands")).to_contain_text("Alan Turing helped after")


def test_keys_alone_reach_all_of_it(browser: Browser, served: Installation, contexts: list[BrowserContext]) -> None:
    page = open_class_now(browser, served, contexts, "tomas")
    for learner in (0, 1, 2):
        run(served, learner, "lesson-02-exercise-1", 3)
    shown = page.locator('ul.signals > .concern:has-text("lesson-02-exercise-1"):not(details .concern)')
    expect(shown).to_have_count(3)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("acknowledge")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.locator(".concern:focus")
    expect(focused).to_have_count(1)
    number = focused.get_attribute("data-row")
    page.keyboard.press("e")
    expect(page.locator(f'#acknowledged .concern[data-row="{number}"]')).to_have_count(1)
    page.keyboard.press("z")
    expect(page.locator(f'#acknowledged .concern[data-row="{number}"]')).to_have_count(0)
    page.locator("body").click(position={"x": 1, "y": 1})
    for _card in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    page.keyboard.press("e")
    expect(page.locator("[data-toast]")).to_contain_text("2 concerns acknowledged")
    page.keyboard.press("z")
    expect(page.locator('#acknowledged .concern:has-text("lesson-02-exercise-1")')).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_role("search").get_by_role("combobox")).to_be_focused()
    page.keyboard.type("jz?")
    expect(page.get_by_role("search").get_by_role("combobox")).to_have_value("jz?")


def test_twelve_tabs_of_a_browser_share_one_stream_and_all_stay_alive(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    first = open_class_now(browser, served, contexts, "alan")
    (context,) = contexts
    tabs = [first]
    for _tab in range(11):
        tab = context.new_page()
        tab.goto("/class")
        tabs.append(tab)
    for tab in tabs:
        expect(tab.locator("[data-streaming='1']")).to_be_visible()
    run(served, 2, "lesson-03-exercise-1", 3)
    for tab in tabs:
        expect(tab.locator(card("Radia", "lesson-03-exercise-1"))).to_be_visible()
    wait_until(lambda: open_streams(served) == 1, "one stream for all of them")
    # The one that began the stream is closed: the others go on.
    first.close()
    run(served, 2, "lesson-03-exercise-2", 3)
    for tab in tabs[1:]:
        expect(tab.locator(card("Radia", "lesson-03-exercise-2"))).to_be_visible()
    context.close()
    contexts.clear()


def test_cards_and_rows_hold_still_until_the_teacher_asks(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    def order(page: Page, part: str) -> list[str]:
        rows = page.locator(f"[data-part={part}] > ul.signals > [data-row], tbody[data-part={part}] > [data-row]")
        keys: list[str] = rows.evaluate_all("rows => rows.map((row) => row.dataset.row)")
        return keys

    run(served, 1, "lesson-04-exercise-1", 3)
    page = open_class_now(browser, served, contexts, "tomas")
    expect(page.locator(card("Barbara", "lesson-04-exercise-1"))).to_be_visible()
    cards, rows = order(page, "signals"), order(page, "learners")
    # Who was calm is the worst now: five failures in a row make a graver signal than three, and a card above the others.
    for exercise in (2, 3, 4):
        run(served, 2, f"lesson-04-exercise-{exercise}", 6)
    expect(page.locator(card("Radia", "lesson-04-exercise-4"))).to_be_visible()
    assert order(page, "signals")[: len(cards)] == cards
    assert order(page, "learners") == rows
    moved = page.locator("[data-show=learners]")
    expect(moved).to_contain_text(re.compile(r"Show \d+ change"))
    moved.click()
    expect(moved).to_have_count(0)
    assert order(page, "learners") != rows
    assert order(page, "signals")[: len(cards)] == cards
