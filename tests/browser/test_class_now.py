"""The teachers' pages in a browser: they fit, read well, can be used by everybody, and follow what happens."""

import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Locator, expect
from pytest_django.live_server_helper import LiveServer

from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.processing.drain import drain_webhooks
from learntrace.progress.corrections import exclusions
from learntrace.progress.corrections.exclusions import Meant
from learntrace.progress.models import Assignment
from learntrace.registry.models import Asset
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.help_requests.raising import raise_hand
from tests.browser.classroom import Classroom, build_classroom, fail
from tests.browser.pages import LEAST_CONTRAST, PATIENCE, Faults, Visit, complaints
from tests.browser.scene import PASSWORD
from tests.faults.installation import Installation
from tests.support.builders import make_webhook
from tests.support.folders import folder_on_disk
from tests.support.notebooks import make_event
from tests.support.packages import package_document
from tests.support.soak import promised


@pytest.fixture
def room(browser: Browser, live_server: LiveServer) -> Classroom:
    return build_classroom(12, 2, 5)


def pages_of(room: Classroom) -> dict[str, str]:
    """Each page with a heading that it has in English."""
    name = room.keys[0].removeprefix("assignment:")
    learner = room.learners[0]
    return {
        "/class": "Class now",
        "/class?projector=1": "Class now",
        "/assignments": "Assignments",
        f"/assignment/{name}": name,
        f"/assignment/{name}/learner/{learner.pk}": f"{learner.get_full_name()}, {name}",
        "/learners": "Learners",
        f"/learner/{learner.pk}": learner.get_full_name(),
        "/search?q=l": "Results for “l”",
        "/telemetry": "Telemetry health",
    }


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_every_page_fits_reads_well_and_has_nothing_serious_for_axe(
    visit: Visit, room: Classroom, language: str, scheme: str
) -> None:
    page = visit("/class", room.teacher, language=language, scheme=scheme)
    for path, heading in pages_of(room).items():
        page.goto(path)
        if language == "en":
            expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert page.evaluate(BELOW_THE_FOOTER) <= 1, (path, width)
            assert complaints(page) == [], (path, width)
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, (path, text)


# How much of the page is below its last line: what is hidden in a box that scrolls must not lengthen the page.
BELOW_THE_FOOTER = """() => {
  const end = document.querySelector("footer").getBoundingClientRect().bottom + window.scrollY;
  return document.documentElement.scrollHeight - Math.max(end, window.innerHeight);
}"""


# Of each lane's name: its text, its left and right edge within the picture, and how far its middle is above its lane.
_LANE_NAMES = """() => {
  const box = document.querySelector(".timeline").getBoundingClientRect();
  const rules = [...document.querySelectorAll(".timeline .rule")].map((rule) => rule.getBoundingClientRect().top);
  const names = [...document.querySelectorAll(".timeline .lanes text:not(.asset)")];
  return names.map((name, at) => {
    const { left, right, top, bottom, width } = name.getBoundingClientRect();
    return [name.firstChild.textContent, left - box.left, box.right - right, rules[at] - (top + bottom) / 2, width];
  });
}"""


def test_lanes_have_their_names_above_them_where_the_page_is_narrow(visit: Visit, room: Classroom) -> None:
    page = visit(f"/learner/{room.learners[0].pk}", room.teacher, width=390)
    names = page.evaluate(_LANE_NAMES)
    assert names
    for _text, left, right, above, width in names:
        assert width > 0
        assert left >= 0
        assert right >= 0
        assert 5 <= above <= 15
    page.set_viewport_size({"width": 1440, "height": 900})
    assert all(abs(above) < 3 for _text, _left, _right, above, _width in page.evaluate(_LANE_NAMES))


# Of a timeline: where the signals end and the first name begins, where its end is and where its labels and marks end, and
# how far it can be moved to earlier times.
_TIMELINE_ENDS = """() => {
  const timeline = document.querySelector(".timeline");
  const edges = (chosen, edge) => [...timeline.querySelectorAll(chosen)].map((one) => one.getBoundingClientRect()[edge]);
  const { right } = timeline.getBoundingClientRect();
  return [
    Math.max(...edges(".above svg", "bottom")), Math.min(...edges(".lanes text", "top")), right,
    Math.max(...edges(".marks text", "right")), Math.max(...edges(".marks .shape", "right")),
    timeline.scrollWidth - timeline.clientWidth,
  ];
}"""


def test_a_timeline_begins_at_its_newest_end_and_covers_no_signal(visit: Visit, room: Classroom) -> None:
    learner = room.learners[0]
    fail(room, learner, room.keys[-1], 8)
    page = visit(f"/learner/{learner.pk}", room.teacher, width=360)
    signals, names, end, labels, marks, earlier = page.evaluate(_TIMELINE_ENDS)
    assert signals <= names
    assert marks <= end
    assert labels <= end
    assert earlier > 0
    legend = page.locator("[data-part=timeline] .legend")
    expect(legend).to_contain_text("Top row: signals")
    expect(legend.locator(".stuck, .struggling, .open")).to_have_count(3)
    page.set_viewport_size({"width": 1440, "height": 900})
    _signals, _names, end, labels, _marks, _earlier = page.evaluate(_TIMELINE_ENDS)
    assert labels <= end


def test_a_learner_prints_within_the_page_and_without_links_for_work(visit: Visit, room: Classroom) -> None:
    page = visit(f"/learner/{room.learners[0].pk}", room.teacher, language="es", width=688)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    expect(page.locator("main a[href*='/diagnosis?']").locator("visible=true")).to_have_count(0)
    # As a browser does before it prints.
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("[data-printed]")).to_contain_text(re.compile(r"20\d\d.* UTC$"))


def test_what_says_that_a_page_is_live_stays_in_line_beside_two_dates(visit: Visit, room: Classroom) -> None:
    page = visit("/learners?range=custom&since=2026-11-29T00:00&until=2026-12-01T23:00", room.teacher, language="es")
    heading, live = page.get_by_role("heading", level=1).bounding_box(), page.locator(".live").bounding_box()
    assert heading is not None
    assert live is not None
    assert heading["y"] < live["y"] + live["height"] / 2 < heading["y"] + heading["height"]


def test_excluded_attempts_count_again_without_leaving_the_page_or_a_message(visit: Visit, room: Classroom) -> None:
    learner, academy = room.learners[0], room.learners[0].memberships.get().academy
    exclusions.exclude(academy, Meant(frozenset({learner.pk})), "a preview", room.teacher, None)
    page = visit(f"/learner/{learner.pk}", room.teacher)
    expect(page.get_by_text("All attempts are excluded")).to_be_visible()
    card = page.get_by_role("region", name="Excluded attempts")
    assert complaints(page) == []
    card.get_by_role("button", name="Count again").click()
    expect(card).to_have_count(0)
    expect(page.get_by_text("All attempts are excluded")).to_have_count(0)
    page.goto("/learners")
    expect(page.get_by_text("These attempts count again.")).to_have_count(0)


def test_a_signal_is_acknowledged_without_leaving_the_page(visit: Visit, room: Classroom) -> None:
    learner = room.learners[0]
    fail(room, learner, room.keys[-1], 4)
    page = visit("/class", room.teacher)
    line = page.locator(".signal").filter(has_text=f"{learner.get_full_name()} ran the same code 4 times")
    expect(line).to_be_visible()
    page.evaluate("window.still = true")
    line.get_by_role("button", name="Acknowledge").click()
    acknowledged = page.locator("#acknowledged")
    folded = acknowledged.locator("> summary")
    expect(folded).to_contain_text("Acknowledged (1)")
    folded.click()
    expect(acknowledged).to_contain_text("Acknowledged by Tomás Rivera")
    assert page.evaluate("window.still") is True
    acknowledged.get_by_role("button", name="Open again").click()
    expect(line.get_by_role("button", name="Acknowledge")).to_be_visible()
    line.get_by_role("link", name="See attempts").click()
    expect(page.locator("tr.evidence")).to_have_count(4)


def test_what_cannot_be_sent_is_told_and_the_page_stays(visit: Visit, room: Classroom, faults: Faults) -> None:
    fail(room, room.learners[0], room.keys[-1], 4)
    page = visit("/class", room.teacher)
    page.evaluate("window.still = true")
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.locator(".signal").first.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("status")).to_contain_text("not sent")
    page.unroute_all()
    expect(page.get_by_role("status")).to_have_text("live")
    assert page.evaluate("window.still") is True
    faults.allow("ERR_CONNECTION_REFUSED")


def test_who_works_by_keyboard_goes_on_at_the_next_signal(visit: Visit, room: Classroom) -> None:
    for learner in room.learners[:2]:
        fail(room, learner, room.keys[-1], 4)
    page = visit("/class", room.teacher)
    first, second = (page.locator(".signal").nth(number).get_attribute("data-row") for number in (0, 1))
    page.locator(f'.signal[data-row="{first}"]').get_by_role("button", name="Acknowledge").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#acknowledged")).to_contain_text("Acknowledged (1)")
    expect(page.locator(f'.signal[data-row="{second}"] :focus')).to_have_count(1)


def check_controls_within(card: Locator) -> None:
    """No control of a card reaches beyond its sides."""
    box, inside = card.bounding_box(), card.locator("button:visible, select:visible, input:visible, a:visible")
    assert box is not None
    for part in inside.all():
        at = part.bounding_box()
        assert at is not None
        assert box["x"] <= at["x"], part
        assert at["x"] + at["width"] <= box["x"] + box["width"], part


@pytest.mark.parametrize("language", ["en", "es"])
def test_columns_have_titles_lessons_fold_and_what_many_meet_stands_above(
    visit: Visit, room: Classroom, language: str
) -> None:
    key = room.keys[-1]
    title = "Count how often each word of a long text occurs, whatever its case"
    Assignment.objects.filter(key=key).update(title=title)
    for learner in room.learners[:6]:
        fail(room, learner, key, 2)
    many = {"en": "Many in the class", "es": "Buena parte de la clase"}[language]
    for width in (360, 1440):
        page = visit("/class", room.teacher, language=language, width=width)
        card = page.locator(".concern.of-class").first
        expect(card).to_be_visible()
        expect(card).to_contain_text(many)
        expect(card).to_contain_text("NameError")
        card.get_by_text({"en": "More", "es": "Más"}[language]).first.click()
        check_controls_within(card)
        assert complaints(page) == []
    # As much of the title as fits, whole for who points at it, tabs to it or hears it.
    heading = page.get_by_role("columnheader", name=title).get_by_role("link")
    assert heading.locator(".title").evaluate("one => one.clientHeight") == 48
    expect(heading.locator(".whole")).to_be_hidden()
    heading.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(heading.locator(".whole")).to_be_visible()
    expect(heading.locator(".whole")).to_contain_text(title)
    # A cell says since when, and which exercise is the current one.
    cell = page.get_by_role("row", name=room.learners[0].get_full_name()).locator(".hand a")
    expect(cell).to_contain_text("<1 min")
    expect(cell).to_have_accessible_name(re.compile({"en": "current assignment", "es": "ejercicio actual"}[language]))
    # Folded, also after the page is opened again, until it is unfolded.
    columns = page.locator(".grid .assignment")
    expect(columns).to_have_count(10)
    fold = page.locator("[data-fold]").first
    fold.focus()
    page.keyboard.press("Enter")
    expect(columns).to_have_count(5)
    expect(page.locator("[data-fold]").first).to_be_focused()
    expect(page.locator(".grid tbody tr").first).to_contain_text(re.compile(r"\d/5"))
    page.reload()
    expect(columns).to_have_count(5)
    assert complaints(page) == []
    page.locator("[data-fold]").first.click()
    expect(columns).to_have_count(10)
    # The class's path, and the table behind it.
    expect(page.locator(".path .reached")).to_contain_text(title)
    page.locator("#path-numbers summary").click()
    expect(page.locator("#path-numbers tbody tr").last).to_contain_text(title)


def test_what_changes_moves_without_a_jump(visit: Visit, room: Classroom) -> None:
    page = visit("/class", room.teacher)
    expect(page.locator(".live")).to_have_text("live")
    box = page.locator(".grid-box")
    before = page.locator(".grid thead").bounding_box(), page.locator(".met").bounding_box()
    learner = room.learners[-1]
    link = page.get_by_role("row", name=learner.get_full_name()).get_by_role("link").first
    link.focus()
    fail(room, room.learners[1], room.keys[-1], 5)
    told = f"{room.learners[1].get_full_name()} ran the same code 5 times"
    expect(page.locator(".signal").filter(has_text=told)).to_be_visible()
    expect(link).to_be_focused()
    assert before == (page.locator(".grid thead").bounding_box(), page.locator(".met").bounding_box())
    assert box.evaluate("one => one.scrollTop") == 0


def test_a_number_says_how_it_is_computed_also_by_keyboard(visit: Visit, room: Classroom) -> None:
    page = visit("/learners", room.teacher)
    question = page.get_by_role("columnheader", name="Active time").get_by_role("button")
    question.focus()
    page.keyboard.press("Enter")
    text = page.locator(".why-text:popover-open")
    expect(text).to_contain_text("The sum of the gaps")
    page.keyboard.press("Escape")
    expect(text).to_have_count(0)


def test_an_assignment_is_told_with_its_asset_where_another_asset_has_one_of_the_same_title(
    visit: Visit, room: Classroom
) -> None:
    first, last = room.keys[0], room.keys[-1]
    Assignment.objects.filter(key__in=(first, last)).update(title="Hello")
    Assignment.objects.filter(key=room.keys[1]).update(title="Sum")
    learner = room.learners[0]
    fail(room, learner, last, 4)
    for one in room.learners[1:]:
        fail(room, one, room.keys[1], 4)
    page = visit("/class", room.teacher)
    card = page.locator("[data-concern]").filter(has_text=learner.get_full_name()).filter(has_text="Hello")
    expect(card.locator(".about")).to_have_text("Strings: Hello")
    expect(card.locator(".sentence").last).to_contain_text("on Strings: Hello")
    expect(page.locator("[data-of-class] .about")).to_have_text("Sum")
    card.get_by_role("link", name="See attempts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{learner.get_full_name()}, Strings: Hello")
    page.goto("/class?projector=1")
    expect(page.locator(".concern .about").get_by_text("Strings: Hello", exact=True)).to_have_count(1)
    page.goto("/learners")
    expect(page.get_by_role("row", name=learner.get_full_name())).to_contain_text("Strings: Hello")
    page.goto(f"/learner/{learner.pk}")
    expect(page.locator("main")).to_contain_text("“Strings: Hello”")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_raised_hand_is_seen_at_once_wherever_its_card_stands(visit: Visit, room: Classroom, width: int) -> None:
    for learner in room.learners[:9]:
        fail(room, learner, room.keys[-1], 8)
    page = visit("/class", room.teacher, width=width)
    expect(page.locator(".hands-up")).to_have_text("0 hands raised")
    expect(page.locator(".hands-up a")).to_have_count(0)
    assert page.locator(".hands-up > span, .hands-up a > span").evaluate("one => one.offsetWidth") > 20
    heights = page.locator(".class-head").bounding_box()
    for minutes, learner in ((4, room.learners[11]), (1, room.learners[10])):
        hand = raise_hand(learner, room.academy, "How do loops end?")
        HelpRequest.objects.filter(pk=hand.pk).update(raised_at=hand.raised_at - timedelta(minutes=minutes))
    page.reload()
    up = page.get_by_role("link", name="2 hands raised")
    expect(up).to_be_in_viewport()
    first, second = room.learners[11].get_full_name(), room.learners[10].get_full_name()
    expect(up).to_have_attribute("title", f"{first}, 4 minutes; {second}, 1 minute")
    assert page.locator(".class-head").bounding_box() == heights
    up.click()
    expect(page.locator("[data-concern]").filter(has_text=first)).to_be_in_viewport()
    page.goto("/class?projector=1")
    expect(page.locator(".hands-up")).to_have_text("2 hands raised")
    expect(page.locator(".hands-up a")).to_have_count(0)


def test_an_empty_cell_leads_to_an_answer_about_its_own_step(visit: Visit, room: Classroom) -> None:
    learner, steps = room.learners[0], ["01-hello", "02-sum"]
    asset = Asset.objects.create(slug="first", title="First package", lang="us", graded=True, academy=room.academy)
    learner.tasks.create(title="First", associated_slug="first", task_type="EXERCISE")
    make_webhook(learner, payload=package_document("first", "cu", steps), package_slug="first", asset=asset)
    drain_webhooks()
    take_attempts()
    for place, (step, title) in enumerate(zip(steps, ("Hello", "Sum"), strict=True)):
        fields = {"key": f"first/{step}", "title": title, "position": place}
        Assignment.objects.update_or_create(fields, academy=room.academy, asset=asset, key=f"first/{step}")
    page = visit("/class?asset=first", room.teacher)
    row = page.get_by_role("row", name=learner.get_full_name())
    expect(row.get_by_role("link", name="Done")).to_have_count(1)
    row.get_by_role("link", name="Not started").click()
    name = learner.get_full_name()
    expect(page.locator(".verdict .answer")).to_contain_text(
        f"{name} hasn't started Sum. Telemetry on First package arrives"
    )
    expect(page.locator(".verdict code")).to_have_text("assignment-not-started")
    page.goto(f"/assignment/first/01-hello/learner/{learner.pk}")
    page.get_by_role("link", name="Why is it missing?").click()
    expect(page.locator(".check").filter(has_text="Assignment")).to_contain_text("has worked on Hello (attempts: 1")


def test_a_filter_applies_when_it_is_chosen_and_stands_in_the_address(visit: Visit, room: Classroom) -> None:
    page = visit("/class", room.teacher)
    page.get_by_label("Lesson", exact=True).select_option("Strings")
    expect(page.locator(".grid .groups th")).to_have_count(1)
    assert "asset=downtown-lesson-02" in page.url
    page.get_by_role("link", name="Projector").click()
    expect(page.get_by_role("link", name="Leave projector")).to_be_visible()
    assert "asset=downtown-lesson-02" in page.url
    expect(page.get_by_text(room.learners[0].last_name)).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_legends_empty_box_can_be_seen(visit: Visit, room: Classroom, scheme: str) -> None:
    page = visit("/class", room.teacher, scheme=scheme)
    border, ground = page.locator(".legend .blank").evaluate(
        """one => [getComputedStyle(one).borderTopColor, getComputedStyle(one.closest(".card")).backgroundColor]"""
    )
    lights = sorted(_luminance(colour) for colour in (border, ground))
    assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 3


def _luminance(colour: str) -> float:
    """The relative luminance of a colour as CSS tells it (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_language_names_itself(visit: Visit, room: Classroom, language: str) -> None:
    page = visit("/class", room.teacher, language=language)
    for code, name in (("en", "English"), ("es", "Español")):
        button = page.locator(f"button[name=language][value={code}]")
        expect(button).to_have_attribute("aria-label", name)
        expect(button).to_have_attribute("title", name)


def test_a_further_reason_tells_when_it_opened_and_a_refused_note_offers_no_undo(visit: Visit, room: Classroom) -> None:
    learner = room.learners[0]
    fail(room, learner, room.keys[-1], 12)
    page = visit("/class", room.teacher)
    card = page.locator("[data-concern]").filter(has_text=learner.get_full_name()).first
    reasons = card.locator(".reasons li")
    assert reasons.count() > 0
    expect(reasons.locator("time")).to_have_count(reasons.count())
    card.locator(".more > summary").click()
    card.get_by_role("button", name="Save note").click()
    expect(page.locator("[data-toast]")).to_contain_text("2000")
    expect(page.locator("[data-undo]")).to_be_hidden()


def test_light_or_dark_is_chosen_and_remembered(visit: Visit, room: Classroom) -> None:
    page = visit("/class", room.teacher, scheme="light")
    page.get_by_role("banner").get_by_text("Tomás Rivera").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/learners")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(18, 21, 24)"


def test_one_search_leads_from_everywhere_to_a_learner(visit: Visit, room: Classroom) -> None:
    page = visit("/assignments", room.teacher)
    search = page.get_by_role("search").get_by_role("combobox")
    search.fill("lisk")
    search.press("Enter")
    page.get_by_role("link", name="Barbara Liskov").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Barbara Liskov")


def test_raw_telemetry_comes_when_it_is_wanted(visit: Visit, room: Classroom) -> None:
    page = visit(f"/learner/{room.learners[0].pk}", room.teacher)
    raw = page.locator("details[data-fetch]").first
    expect(page.get_by_text('"steps"')).to_have_count(0)
    page.locator("#research-measures > summary").click()
    raw.locator("summary").click()
    expect(page.get_by_text('"slug": "downtown-lesson-02"')).to_be_visible()


def test_it_prints_on_light_paper_without_what_only_a_screen_needs(visit: Visit, room: Classroom) -> None:
    for learner in room.learners[:6]:
        fail(room, learner, room.keys[-1], 4)
    page = visit("/class", room.teacher, scheme="dark")
    page.get_by_role("banner").get_by_text("Tomás Rivera").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/class")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.querySelector('.shape.done')).color") == "rgb(34, 120, 74)"
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    expect(page.locator(".places")).to_be_hidden()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    rows = page.locator(".grid tbody tr")
    assert rows.count() == 12
    assert page.locator(".grid-box").evaluate("one => one.scrollHeight <= one.clientHeight + 1")
    for width in (1060, 718):
        page.set_viewport_size({"width": width, "height": 900})
        # What a card holds may be taller than the card is.
        spans = page.locator(".card").evaluate_all(
            """cards => cards.map(card => {
                const boxes = [card, ...card.querySelectorAll("*")].filter(one => !one.closest(".hidden, .why-text"))
                    .filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect())
                    .filter(box => box.width && box.height);
                return [Math.min(...boxes.map(box => box.top)), Math.max(...boxes.map(box => box.bottom))];
            })"""
        )
        assert len(spans) == 4
        assert all(above[1] <= below[0] + 1 for above, below in pairwise(spans)), (width, spans)


@pytest.fixture
def served() -> Iterator[tuple[Installation, str]]:
    """A real installation with a class of one; and the learner's key."""
    key = "c0ffee" * 6 + "abcd"
    with folder_on_disk() as folder:
        installation = Installation(folder / "home")
        roster = folder / "roster.json"
        roster.write_text(json.dumps({
            "academies": [{"id": 1, "slug": "downtown", "name": "Downtown"}],
            "users": [{"id": 7, "username": "ada", "email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace"},
                      {"id": 8, "username": "tomas", "email": "tomas@example.org", "password": PASSWORD}],
            "memberships": [{"user": 7, "academy": 1, "role": "student"}, {"user": 8, "academy": 1, "role": "teacher"}],
            "tokens": [{"user": 7, "key": key, "kind": "permanent"}],
        }))  # fmt: skip
        try:
            installation.prepare()
            installation.start()
            assert installation.command("roster", "import", str(roster)).wait(60) == 0
            yield installation, key
        finally:
            installation.clear()


def test_a_signal_appears_within_two_seconds_of_the_failed_execution(
    browser: Browser, served: tuple[Installation, str]
) -> None:
    installation, key = served
    context = browser.new_context(base_url=f"http://127.0.0.1:{installation.port}")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail address or user name").fill("tomas")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Class now")
    expect(page.locator("[data-streaming='1']")).to_be_visible()
    for _attempt in range(2):
        assert installation.request("POST", "/v1/notebook/me/events", key, json.dumps([make_event()]))[0] == 200
    expect(page.get_by_role("row", name="Ada Lovelace")).to_be_visible()
    begun = time.monotonic()
    assert installation.request("POST", "/v1/notebook/me/events", key, json.dumps([make_event()]))[0] == 200
    signal = page.locator(".signal").filter(has_text="Ada Lovelace ran the same code 3 times")
    expect(signal).to_be_visible()
    taken = time.monotonic() - begun
    context.close()
    # Without the stream, the page shows it when it loads itself anew, after 20 s.
    assert taken < promised(2, 10), f"it took {taken:.1f} s"
