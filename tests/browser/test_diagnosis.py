"""The page that says why telemetry is missing, in a browser: asked by keyboard, answered with evidence, shared by address."""

import pytest
from playwright.sync_api import expect

from learntrace.intake.models import Refusal
from learntrace.registry.models import Asset
from tests.browser.pages import LEAST_CONTRAST, MARKUP, Faults, Visit, complaints
from tests.browser.scene import Scene


@pytest.fixture
def refused(scene: Scene) -> Scene:
    """A learner of whom nothing has come on an asset, as her token has expired."""
    asset = Asset.objects.create(slug="missing", title=MARKUP, lang="us", graded=True, academy=scene.academy)
    scene.learner.tasks.create(title=MARKUP, associated_slug=asset.slug, task_type="EXERCISE")
    for _ in range(3):
        Refusal.objects.create(
            path="/v1/assignment/me/telemetry", status_code=401, reason="expired-token", user=scene.learner, size=4096
        )
    return scene


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_it_fits_reads_well_and_has_nothing_serious_for_axe(
    visit: Visit, refused: Scene, language: str, scheme: str, faults: Faults
) -> None:
    page = visit("/diagnosis", refused.teacher, language=language, scheme=scheme)
    for path in ("/diagnosis", "/diagnosis?user=nobody&asset=nothing", "/diagnosis?user=ada&asset=missing"):
        page.goto(path)
        for closed in page.locator("main details").all():
            closed.locator("summary").click()
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert complaints(page) == [], (path, width)
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, (path, text)
        assert page.locator("main img").count() == 0
    expect(page.locator(".verdict")).to_contain_text(
        "Verdict in the reference:" if language == "en" else "Veredicto en la referencia:"
    )
    faults.allow("status of 404")


def test_a_question_is_asked_by_keyboard_and_its_answer_can_be_shared(visit: Visit, refused: Scene) -> None:
    page = visit("/diagnosis", refused.teacher)
    page.get_by_label("Learner: user name").focus()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("missing")
    page.keyboard.press("Enter")
    page.wait_for_url("**/diagnosis?user=ada&asset=missing")
    expect(page.locator(".verdict code").first).to_have_text("refused-expired-token")
    checks = page.locator(".checks > li")
    expect(checks.filter(has_text="3")).not_to_have_count(0)
    evidence = page.locator("details.evidence").first
    evidence.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(evidence).to_have_attribute("open", "")
    shared = visit(page.url, refused.teacher)
    expect(shared.locator(".verdict code").first).to_have_text("refused-expired-token")
    shared.get_by_role("link", name="The asset").click()
    shared.wait_for_url("**/asset/missing")
