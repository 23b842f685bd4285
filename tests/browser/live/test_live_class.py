"""Class now through a whole lesson, with a real server: what moves, what alerts, and what becomes of what is over."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.browser.live.served_class import open_class_now, run, served_class
from tests.faults.installation import Installation
from tests.support.waiting import wait_until

LEARNERS = (
    "Ada Lovelace", "Barbara Liskov", "Radia Perlman", "Grace Hopper", "Katherine Johnson", "Frances Allen", "Annie Easley",
)  # fmt: skip
EXERCISES = ("lesson-01-exercise-1", "lesson-01-exercise-2", "lesson-01-exercise-3")

# What a page would show and sound, and how far anything on it moved that nobody has touched.
_WATCHED = """
window.notes = []; window.tones = 0; window.moved = []; window.woken = 0;
window.Notification = class {
  static permission = Notification.permission;
  static async requestPermission() { window.asked = true; return "granted"; }
  constructor(title, { body }) { window.notes.push([title, body]); }
  close() {}
};
const sound = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.tones += 1; return sound.apply(this, when); };
document.addEventListener("learntrace:woke", () => { window.woken += 1; });
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    const texts = sources.map(({ node }) => (node?.outerHTML ?? node?.textContent ?? "").slice(0, 200));
    if (!hadRecentInput) window.moved.push([value, texts]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""

_HEIGHT = "one => one.getBoundingClientRect().height"


@pytest.fixture(scope="module")
def served() -> Iterator[Installation]:
    """A real installation with a class of seven, a teacher and an assistant."""
    with served_class(LEARNERS) as installation:
        # So that the page has its columns before anybody looks.
        for exercise in EXERCISES:
            run(installation, 0, exercise, failing=False)
        yield installation


def sign_in(browser: Browser, installation: Installation, contexts: list[BrowserContext], name: str) -> Page:
    """Open Class now as somebody, in a browser that notes what it shows, sounds and moves."""
    wide: ViewportSize = {"width": 1440, "height": 900}
    return open_class_now(browser, installation, contexts, name, _WATCHED, viewport=wide)


def card(page: Page, learner: str, assignment: str) -> Locator:
    """A card that is not acknowledged."""
    return page.locator(f'ul.signals > .concern:has-text("{learner}"):has-text("{assignment}"):not(details .concern)')


def test_a_new_concern_alerts_once_in_a_browser_and_only_where_that_is_wanted(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    first = sign_in(browser, served, contexts, "tomas")
    tabs = [first, *(contexts[0].new_page() for _tab in range(2))]
    for tab in tabs[1:]:
        tab.goto("/class")
    other = sign_in(browser, served, contexts, "alan")
    first.get_by_text("Alerts").click()
    notification, sound = (first.get_by_label(name) for name in ("Show a notification", "Play a sound"))
    expect(notification).not_to_be_checked()
    expect(sound).not_to_be_checked()
    assert not first.evaluate("window.asked")
    first.evaluate("Notification.permission = 'denied'")
    notification.click()
    expect(first.get_by_text("This browser blocks notifications")).to_be_visible()
    expect(notification).not_to_be_checked()
    for tab in tabs:
        tab.evaluate("Notification.permission = 'granted'")
    notification.check()
    sound.check()
    expect(first.locator("[data-alerts-on]")).to_be_visible()
    # It sounds once as it is turned on, so that one hears it.
    before = first.evaluate("window.tones")
    assert before > 0
    run(served, 1, EXERCISES[0], 3)
    for tab in (*tabs, other):
        expect(card(tab, "Barbara", EXERCISES[0])).to_be_visible()

    def notes() -> list[list[str]]:
        return [note for tab in tabs for note in tab.evaluate("window.notes")]

    wait_until(notes, "a notification")
    # What goes on is no news, and a tab that is opened has nothing new to tell.
    run(served, 1, EXERCISES[0], 2)
    tabs.append(contexts[0].new_page())
    tabs[-1].goto("/class")
    tabs[-1].evaluate("Notification.permission = 'granted'")
    run(served, 2, EXERCISES[1], 3)
    expect(card(tabs[-1], "Radia", EXERCISES[1])).to_be_visible()
    wait_until(lambda: len(notes()) >= 2, "a second notification")
    assert sorted(notes()) == [["A new concern", EXERCISES[0]], ["A new concern", EXERCISES[1]]]
    assert sum(tab.evaluate("window.tones") for tab in tabs) == 3 * before
    assert other.evaluate("window.notes.length + window.tones") == 0
    # The choice stays with the browser.
    first.reload()
    first.get_by_text("Alerts").click()
    expect(first.get_by_label("Play a sound")).to_be_checked()


def test_nothing_moves_in_a_live_class_and_what_is_over_keeps_its_place(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    teacher, assistant = (sign_in(browser, served, contexts, name) for name in ("tomas", "alan"))
    run(served, 3, EXERCISES[0], 3)
    run(served, 4, EXERCISES[0], 3)
    mine, below = card(teacher, "Grace", EXERCISES[0]), card(teacher, "Katherine", EXERCISES[0])
    expect(below).to_be_visible()
    expect(teacher.locator(".path .reached")).to_contain_text("The median learner")
    teacher.evaluate("window.moved.length = 0")
    place = below.bounding_box()
    # A colleague takes one concern; another one is over as its learner succeeds; the class goes on.
    card(assistant, "Grace", EXERCISES[0]).get_by_role("button", name="Acknowledge").click()
    expect(mine).to_be_hidden()
    expect(teacher.locator(".signal.gone")).to_contain_text("Acknowledged by Alan Turing")
    run(served, 5, EXERCISES[0], 3)
    run(served, 6, EXERCISES[1], failing=False)
    run(served, 0, EXERCISES[1], 2)
    expect(card(teacher, "Frances", EXERCISES[0])).to_have_count(1)
    run(served, 5, EXERCISES[2], 3)
    expect(card(teacher, "Frances", EXERCISES[2])).to_have_count(1)
    run(served, 5, EXERCISES[0], failing=False)
    expect(teacher.locator(".signal.gone", has_text="Frances Allen")).to_contain_text("no longer a concern")
    # What many meet at once concerns the class, and waits below like all that is new.
    for learner in (0, 1, 2):
        run(served, learner, EXERCISES[0], 3)
    expect(teacher.locator(".concern.of-class")).to_have_count(1)
    assert teacher.evaluate("window.moved") == []
    assert below.bounding_box() == place
    expect(teacher.locator("[data-show=concerns]")).to_contain_text(re.compile(r"Show \d+ change"))
    teacher.locator("[data-show=concerns]").click()
    expect(teacher.locator(".signal.gone")).to_have_count(0)
    expect(teacher.locator(".signals").first.locator(".concern").first).to_contain_text("Many in the class")
    expect(teacher.locator("[data-show=concerns]")).to_have_count(0)


def test_another_reason_on_a_card_does_not_move_those_below(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    run(served, 4, EXERCISES[1], 3)
    teacher = sign_in(browser, served, contexts, "tomas")
    grows = card(teacher, "Katherine", EXERCISES[1])
    expect(grows.locator(".reasons")).to_have_count(0)
    run(served, 3, EXERCISES[1], 3)
    below = card(teacher, "Grace", EXERCISES[1])
    expect(below).to_be_visible()
    height, place = grows.evaluate(_HEIGHT), below.bounding_box()
    teacher.evaluate("window.moved.length = 0")
    run(served, 4, EXERCISES[1], 8)
    expect(grows.locator(".reasons summary")).to_have_text("1 more reason")
    assert grows.evaluate(_HEIGHT) == height
    assert below.bounding_box() == place
    assert teacher.evaluate("window.moved") == []


def test_a_page_that_was_cut_off_or_asleep_catches_up_by_itself(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    page = sign_in(browser, served, contexts, "tomas")
    sign = page.locator("[data-live]")
    contexts[0].set_offline(True)
    expect(sign).to_have_text("paused, reconnecting")
    run(served, 2, EXERCISES[2], 3)
    contexts[0].set_offline(False)
    expect(sign).to_have_text("live")
    expect(card(page, "Radia", EXERCISES[2])).to_be_visible()
    assert page.evaluate("window.woken") == 1
    # The lid is closed and opened: timers stood still, and the stream may be dead without knowing it.
    page.clock.install()
    page.reload()
    expect(page.locator("[data-streaming='1']")).to_be_visible()
    page.clock.fast_forward(300_000)
    wait_until(lambda: page.evaluate("window.woken") == 1, "that it notices")
    expect(sign).to_have_text("live")
    expect(page.locator("[data-streaming='1']")).to_be_visible()
    run(served, 2, EXERCISES[1], 2, failing=False)
    run(served, 4, EXERCISES[2], 3)
    expect(card(page, "Katherine", EXERCISES[2])).to_be_visible()


def test_a_learner_who_is_erased_while_the_page_is_open_is_told_and_the_page_goes_on(
    browser: Browser, served: Installation, contexts: list[BrowserContext]
) -> None:
    page = sign_in(browser, served, contexts, "tomas")
    run(served, 6, EXERCISES[2], 3)
    about = card(page, "Annie", EXERCISES[2])
    expect(about).to_be_visible()
    stale = page.context.new_page()
    stale.goto("/class")
    stale.route("**/class*", lambda route: route.abort())
    assert served.command("manage", "erase_personal_data", "annie").wait(60) == 0
    expect(page.locator(".signal.gone")).to_have_text(f"Annie Easley, {EXERCISES[2]}: no longer a concern")
    row = page.get_by_role("row", name="Annie Easley")
    # What is left are links to why a cell is empty.
    expect(row.locator('.mark:not([aria-label*="why is it missing"])')).to_have_count(0)
    # Who leaves the class leaves the page too, and her name with her.
    served.sql("DELETE FROM accounts_membership WHERE user_id = 13")
    expect(page.locator("tr.gone")).to_have_text("No longer in this class")
    expect(row).to_have_count(0)
    # Where the erasure isn't seen yet, what is done says that there is nothing left to do it with.
    card(stale, "Annie", EXERCISES[2]).get_by_role("button", name="Acknowledge").click()
    expect(stale.locator("[data-toast]")).to_be_visible()
    run(served, 1, EXERCISES[2], 3)
    expect(card(page, "Barbara", EXERCISES[2])).to_be_visible()
