"""The pages of assets in a browser: they fit and read well, and the statistics are computed while one looks."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.telemetry_stats import drain_stats
from learntrace.notebooks.models import Notebook, NotebookAssignment
from learntrace.registry.models import Asset
from tests.browser.classroom import Classroom, build_classroom, build_package
from tests.browser.pages import LEAST_CONTRAST, MARKUP, OUTSIDE, Visit, complaints

SLUG = "python-beginner"


@pytest.fixture
def room(browser: Browser, live_server: LiveServer) -> Classroom:
    """A class, a package on which most of it has worked, with statistics of a few days, and a notebook."""
    room = build_classroom(8, 2, 3)
    build_package(room, SLUG, (MARKUP, "Variables", "Loops", "Functions"), ("cccc", "ccfa", "cfau", "csuu", "fuuu"))
    notebook = Notebook.objects.create(asset=room.assets[0], academy=room.academy, path=f"{MARKUP}.ipynb")
    for place, key in enumerate(room.keys[:3]):
        NotebookAssignment.objects.create(notebook=notebook, academy=room.academy, tag=key, position=place)
    return room


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_every_asset_page_fits_and_has_nothing_serious_for_axe(
    visit: Visit, room: Classroom, language: str, scheme: str
) -> None:
    Asset.objects.create(slug="untouched", title="Untouched", academy=room.academy)
    page = visit("/assets", room.teacher, language=language, scheme=scheme)
    for path in ("/assets", "/assets?q=nothing", f"/asset/{SLUG}", f"/asset/{room.assets[0].slug}", "/asset/untouched"):
        page.goto(path)
        for closed in page.locator("main details.numbers").all():
            closed.locator("summary").click()
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert complaints(page) == [], (path, width)
        assert page.locator("main img").count() == 0
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, (path, text)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/asset/{SLUG}")
    assert page.evaluate(OUTSIDE) == []


def test_statistics_are_computed_while_one_looks(visit: Visit, room: Classroom) -> None:
    page = visit(f"/asset/{SLUG}", room.teacher)
    statistics = page.get_by_role("region", name="Day by day")
    expect(statistics).to_contain_text("Out of date:")
    expect(statistics.locator("circle")).to_have_count(20)
    # Two runs of days: two and one lines in each of four charts.
    expect(statistics.locator("line.trace")).to_have_count(12)
    page.evaluate("window.still = true")
    statistics.get_by_role("button", name="Compute now").click()
    expect(statistics).to_contain_text("Being computed.")
    expect(statistics.get_by_role("button", name="Compute now")).to_be_disabled()
    assert drain_stats() == 1
    expect(statistics).to_contain_text("no telemetry since")
    expect(statistics.locator("circle")).to_have_count(24)
    AssignmentTelemetry.objects.filter(user=room.learners[0]).update(updated_at=timezone.now() + timedelta(minutes=1))
    expect(statistics).to_contain_text("Out of date:")
    assert page.evaluate("window.still") is True


def test_steps_lead_to_their_assignments_and_learners_to_the_diagnosis(visit: Visit, room: Classroom) -> None:
    page = visit("/assets", room.teacher)
    page.get_by_role("combobox", name="Telemetry").select_option("With telemetry")
    expect(page.locator("tbody tr")).to_have_count(3)
    assert "telemetry=with" in page.url
    page.get_by_label("Title or slug").fill("beginner")
    page.get_by_label("Title or slug").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Python").click()
    stopped = page.get_by_role("row", name="Loops")
    expect(stopped).to_contain_text("where most stop: 1")
    expect(page.get_by_role("rowheader", name=MARKUP)).to_be_visible()
    missing = page.get_by_role("region", name="With a task, without telemetry")
    expect(missing.locator(".answer")).to_have_text("2")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^CSV ?: Steps$")).click()
    assert download.value.suggested_filename == f"{SLUG}.csv"
    missing.get_by_role("link", name="why?").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why is it missing?")
    page.get_by_role("link", name="The asset").click()
    stopped.get_by_role("link", name="Loops").click()
    expect(page).to_have_url(re.compile(f"/assignment/{SLUG}/03-step$"))
