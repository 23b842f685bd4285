"""What people read: one language on a page, titles instead of slugs, no JSON, days as people write them, nothing cut."""

import re

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from learntrace.accounts.models import Academy, Cohort, User
from learntrace.config.reference_docs.translations import catalogues
from learntrace.progress.models import Assignment
from tests.browser.classroom import Classroom, build_classroom, fail
from tests.browser.pages import Faults, Visit
from tests.browser.scene import person

STAFF = (
    "/class", "/assignments", "/learners", "/reports", "/reports/cohorts", "/assets", "/telemetry", "/telemetry/webhooks",
    "/telemetry/rejected", "/telemetry/ignore", "/diagnosis", "/search?q=l", "/audit", "/settings", "/settings/stuck",
    "/people", "/people/add", "/people/import", "/people/invitations", "/people/cohorts", "/people/due-dates", "/keys",
    "/connect", "/account", "/notifications",
)  # fmt: skip
# Pages about learners' work: each assignment and asset has a title there.
TITLED = ("/class", "/assignments", "/learners", "/reports", "/search?q=count", "/telemetry", "/telemetry/webhooks")
# Each text on the page that somebody sees, but for code and for what is typed.
TEXTS = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim().replace(/\\s+/g, " ");
    if (text && !element.closest("script, style, code, pre, textarea, [lang=en]")) texts.push(text);
  }
  for (const element of document.querySelectorAll("[aria-label], [placeholder]")) {
    texts.push(...["aria-label", "placeholder"].map((name) => element.getAttribute(name)).filter(Boolean));
  }
  return texts;
}"""
_DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")
_JSON = re.compile(r"""\[\[|\[["{]|\{["']|": ?["\[{]""")


@pytest.fixture
def room(browser: Browser, live_server: LiveServer) -> Classroom:
    room = build_classroom(6, 2, 5)
    for number, key in enumerate(room.keys):
        Assignment.objects.filter(key=key).update(title=f"Count the words, part {number + 1}")
    Cohort.objects.update(starts_on="2026-09-01")
    fail(room, room.learners[0], room.keys[-1], 4)
    return room


@pytest.fixture
def admin(room: Classroom) -> User:
    return person("olga", "Olga Pérez", {room.academy: "admin"})


def english_only() -> set[str]:
    """Return the English texts that Spanish says in other words, and that are in no Spanish text."""
    (path,) = catalogues()
    with path.open("rb") as file:
        messages = [message for message in read_po(file, locale="es") if message.id]
    pairs = [(message.id, message.string) for message in messages if isinstance(message.id, str)]
    spanish = {translation for _english, translation in pairs}
    return {english for english, _translation in pairs if english not in spanish and len(english) > 2}


def test_a_spanish_page_says_nothing_in_english(visit: Visit, room: Classroom, admin: User) -> None:
    english = english_only()
    page = visit("/class", admin, language="es")
    learner = room.learners[0]
    name = room.keys[-1].removeprefix("assignment:")
    of_one = (
        f"/learner/{learner.pk}",
        f"/assignment/{name}",
        f"/assignment/{name}/learner/{learner.pk}",
        f"/people/{learner.pk}",
    )
    for path in (*STAFF, *of_one):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "es", path
        assert english.intersection(page.evaluate(TEXTS)) == set(), path
    page = visit("/me", learner, language="es")
    for path in ("/me", "/me/stored", "/me/erase", "/account"):
        page.goto(path)
        assert english.intersection(page.evaluate(TEXTS)) == set(), path


def test_a_refusal_is_told_in_the_language_that_was_chosen_on_the_page(
    visit: Visit, room: Classroom, faults: Faults
) -> None:
    page = visit("/class", room.teacher)
    page.locator(".account summary").click()
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("La clase ahora")
    foreign = Academy.objects.create(slug="harbour", name="Harbour")
    faults.allow("status of 403")
    page.goto(f"/class?academy={foreign.pk}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"No tienes acceso a la academia {foreign.pk}.")


def test_titles_stand_where_there_are_titles_and_nobody_reads_json_or_dates_of_programs(
    visit: Visit, room: Classroom, admin: User
) -> None:
    slugs = {asset.slug for asset in room.assets} | {key.removeprefix("assignment:") for key in room.keys}
    page = visit("/class", admin)
    for path in STAFF:
        page.goto(path)
        texts = page.evaluate(TEXTS)
        assert [text for text in texts if _JSON.search(text) or _DAY.search(text)] == [], path
    for path in (*TITLED, f"/learner/{room.learners[0].pk}"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('.whole').forEach((one) => one.remove())")
        assert [text for text in page.evaluate(TEXTS) if any(slug in text for slug in slugs)] == [], path
    page.goto("/class")
    page.fill("#search", "count")
    shown = page.locator("[role=option]").first
    expect(shown).to_be_visible()
    assert not any(slug in page.locator("[role=listbox]").inner_text() for slug in slugs)
    page = visit("/me", room.learners[0])
    assert [text for text in page.evaluate(TEXTS) if any(slug in text for slug in slugs)] == []


# The width that the chosen option of each select needs, and the one that it has.
_SELECTS = """() => [...document.querySelectorAll(".class-head select")].map((select) => {
  const style = getComputedStyle(select);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 32;
  return [pen.measureText(select.selectedOptions[0].text).width, room];
})"""
_CUT_NAMES = """() => [...document.querySelectorAll(".grid tbody th .cut")]
  .filter((name) => name.scrollWidth > name.clientWidth + 1).map((name) => name.textContent)"""


@pytest.fixture
def spanish(visit: Visit, room: Classroom) -> Page:
    User.objects.filter(pk=room.learners[0].pk).update(first_name="Maximiliano", last_name="Fernández de la Torre")
    return visit("/class", room.teacher, language="es")


def test_class_now_shows_its_filters_its_last_column_and_names_whole(spanish: Page) -> None:
    page = spanish
    expect(page.locator(".live.on")).to_be_visible()
    for width in (1440, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        assert all(needed <= room for needed, room in page.evaluate(_SELECTS)), width
        assert page.locator(".top").evaluate("one => one.clientHeight") <= 50
        last, box = page.locator("th.seen").bounding_box(), page.locator(".grid-box").bounding_box()
        assert last is not None
        assert box is not None
        assert last["x"] + last["width"] <= box["x"] + box["width"] + 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 360, "height": 900})
    assert page.evaluate(_CUT_NAMES) == []


def test_no_figure_of_the_head_moves_what_stands_beside_it(spanish: Page) -> None:
    page = spanish
    page.set_viewport_size({"width": 1440, "height": 900})
    boxes: dict[tuple[str, str], list[tuple[int, int]]] = {}
    figures = [("rate", "9"), ("rate", "54,5"), ("rate", "123"), ("rate", "1.705"), ("here", "7"), ("here", "295")]
    for name, figure in [*figures, ("share", "9\u00a0%"), ("share", "32\u00a0%"), ("share", "100\u00a0%")]:
        page.locator(f".figures .{name} b").evaluate("(one, text) => { one.textContent = text }", figure)
        # A digit's width is rounded to a 64th of a pixel.
        found = [one.bounding_box() for one in page.locator(".class-head :is(select, .figures)").all()]
        boxes[name, figure] = [(round(box["x"]), round(box["width"])) for box in found if box]
    assert {figure: moved for figure, moved in boxes.items() if moved != boxes["rate", "9"]} == {}


def test_the_academys_name_is_whole_where_there_is_room(visit: Visit, room: Classroom) -> None:
    Academy.objects.filter(pk=room.academy.pk).update(name="Universidad de Sevilla, Ingeniería")
    page = visit("/class", room.teacher)
    name = page.locator(".place")
    assert name.evaluate("one => one.scrollWidth <= one.clientWidth")
    for language, width in (("English", 1440), ("Español", 1440), ("Español", 1600)):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator(".account summary").click()
        # Until its styles are there, the page that follows is of another height.
        with page.expect_navigation():
            page.get_by_role("button", name=language).click()
        assert page.locator(".top").evaluate("one => one.clientHeight") <= 50, (language, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
