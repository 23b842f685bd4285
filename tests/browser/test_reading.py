"""A learner's attempts in a browser: stepped through by keys and played, legible in both schemes and widths."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import Academy, User
from learntrace.dashboard.assignments import reading
from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.measures.code_hash import code_hash
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.recording.recording import record
from tests.browser.pages import LEAST_CONTRAST, MARKUP, OUTSIDE, Visit, complaints
from tests.browser.scene import person

TAG = "assignment:lesson-01-exercise-1"
CODES = (
    "def mean(numbers):\n    total = 0\n    for number in numbers:\n        totl += number\n    return total",
    "def mean(numbers):\n    total = 0\n    for number in numbers:\n        total += number\n    return total",
    f"# {MARKUP}\ndef mean(numbers):\n    return sum(numbers) / len(numbers)",
)


@pytest.fixture
def people(live_server: object) -> tuple[User, User]:
    academy = Academy.objects.create(slug="downtown", name="Downtown")
    merge_features(academy, {"collect_source": True}, NOTEBOOK)
    teacher = person("tomas", "Tomás Rivera", {academy: "teacher"})
    ada = person("ada", "Ada Lovelace", {academy: "student"})
    begun = timezone.now() - timedelta(minutes=10)
    rows = [
        Activity(
            id=f"00000000-0000-4000-8000-{place:012}",
            at=begun + timedelta(minutes=place),
            arrival=place,
            assignment=TAG,
            outcome=OK if place == len(CODES) - 1 else ERROR,
            object_id="cell-1",
            code_hash=code_hash(code),
            failures=() if place == len(CODES) - 1 else (Failure("NameError", f"name '{MARKUP}' is not defined"),),
        )
        for place, code in enumerate(CODES)
    ]
    record("test", [LearnerActivity(ada.pk, academy.pk, row, code) for row, code in zip(rows, CODES, strict=True)])
    return teacher, ada


def shown(page: Page) -> int:
    """The number of the attempt that is shown."""
    (number,) = page.locator("[data-step]:visible").evaluate_all("all => all.map(one => Number(one.dataset.number))")
    return int(number)


def test_attempts_are_stepped_through_by_keys_and_played(visit: Visit, people: tuple[User, User]) -> None:
    teacher, ada = people
    address = f"/assignment/lesson-01-exercise-1/learner/{ada.pk}"
    page = visit(address, teacher)
    page.get_by_role("link", name="Read them one by one").click()
    expect(page.locator("[data-place]")).to_have_text("Attempt 1 of 3")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-place]")).to_have_text("Attempt 2 of 3")
    step = page.locator("[data-step]:visible")
    expect(step.locator(".removed mark")).to_have_text("totl")
    expect(step.locator(".added mark")).to_have_text("total")
    expect(step).to_contain_text("as before")
    # The step has its URL.
    page.reload()
    expect(page.locator("[data-place]")).to_have_text("Attempt 2 of 3")
    page.keyboard.press("Home")
    page.get_by_label("One every").select_option("1 s")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator("[data-place]")).to_have_text("Attempt 3 of 3")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    assert shown(page) == 2
    assert AuditEntry.objects.filter(action="source.read", subject_id=ada.pk).count() == 3
    page.emulate_media(reduced_motion="reduce")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('[data-step]:not([hidden])')).animationName") == "none"
    )
    # Without a script all of them are there, one after the other.
    plain = visit(f"{address}/read", teacher, script=False)
    expect(plain.locator("[data-step]:visible")).to_have_count(3)


def test_the_steps_go_on_over_the_pages(
    visit: Visit, people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STEPS_PER_PAGE", 2)
    teacher, ada = people
    page = visit(f"/assignment/lesson-01-exercise-1/learner/{ada.pk}/read", teacher)
    place = page.locator("[data-place]")
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    # One way on, not a second one to the next page.
    expect(page.locator(".paging")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text("Attempt 3 of 3")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.get_by_role("button", name="Previous").click()
    expect(place).to_have_text("Attempt 2 of 3")
    page.keyboard.press("Home")
    page.get_by_label("One every").select_option("1 s")
    page.get_by_role("button", name="Play").click()
    expect(place).to_have_text("Attempt 3 of 3")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.get_by_label("One every")).to_have_value("1")


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_the_page_fits_and_has_nothing_serious_for_axe(
    visit: Visit, people: tuple[User, User], language: str, scheme: str
) -> None:
    teacher, ada = people
    page = visit(f"/assignment/lesson-01-exercise-1/learner/{ada.pk}/read", teacher, language=language, scheme=scheme)
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900})
        for _step in CODES:
            page.keyboard.press("ArrowRight")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
            contrast, text = page.evaluate(LEAST_CONTRAST)
            assert contrast >= 4.5, text
        assert complaints(page) == [], width
    assert page.locator("main img").count() == 0
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.evaluate(OUTSIDE) == []


def test_what_is_wrong_with_a_page_would_be_told(visit: Visit) -> None:
    page = visit("/sign-in")
    assert complaints(page) == []
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    assert [complaint.partition(":")[0] for complaint in complaints(page)] == ["button-name"]


# Twenty lines and one more in another colour; the page's policy allows no style in the text of a page.
_LINES = """colour => {
  for (let line = 0; line < 21; line += 1) {
    const added = document.createElement("p");
    added.textContent = `line ${line}`;
    added.style.color = line === 12 ? colour : "";
    document.querySelector("main").append(added);
  }
}"""
_COLOURED_WHERE_NARROW = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("@media (width < 500px) { main p { color: #ddd; background: #fff } }");
  document.adoptedStyleSheets.push(sheet);
}"""


def test_every_text_that_looks_different_has_its_colours_compared(visit: Visit) -> None:
    """Also one among many that are alike otherwise, and what has other colours at another width."""
    page = visit("/sign-in")

    def rules() -> list[str]:
        return [complaint.partition(":")[0] for complaint in complaints(page)]

    page.evaluate(_LINES, "")
    assert rules() == []
    page.evaluate(_LINES, "#eee")
    assert rules() == ["color-contrast"]
    page.reload()
    page.evaluate(_LINES, "")
    page.evaluate(_COLOURED_WHERE_NARROW)
    assert rules() == []
    page.set_viewport_size({"width": 360, "height": 900})
    assert rules() == ["color-contrast"]
    assert page.locator("[data-axe-colours]").count() == 0
