"""The audit log and the page of what is stored about oneself in a browser: both languages and schemes, wide and narrow."""

import pytest
from django.db import transaction
from playwright.sync_api import expect

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.audit.actions import ATTEMPTS_EXCLUDED, SOURCE_READ
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Membership
from tests.browser.pages import LEAST_CONTRAST, MARKUP, OUTSIDE, Visit, complaints
from tests.browser.scene import Scene


@pytest.fixture
def recorded(scene: Scene) -> Scene:
    """An academy whose teacher is an admin, and in which some things were done, one with hostile words."""
    Membership.objects.filter(user=scene.teacher).update(role="admin")
    merge_features(scene.academy, {"erasure": False, "opt_out": True}, NOTEBOOK)
    with transaction.atomic():
        told = {"reason": MARKUP, "learners": list(range(200)), "word" * 60: "w" * 400}
        record(ATTEMPTS_EXCLUDED, academy_id=scene.academy.pk, subject_id=scene.learner.pk, after=told)
    for number in range(60):
        record(SOURCE_READ, academy_id=scene.academy.pk, after={"of": f"webhook {number}"})
    AuditEntry.objects.create(action="source.read", door="page", academy_id=scene.academy.pk, digest="0" * 64)
    return scene


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("es", "dark")])
def test_the_pages_fit_and_read_well(visit: Visit, recorded: Scene, language: str, scheme: str) -> None:
    page = visit("/audit", recorded.teacher, language=language, scheme=scheme)
    for path in ("/audit", "/audit?page=2", "/audit?action=attempts.excluded", "/audit?actor=nobody", "/me/stored"):
        page.goto(path)
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert page.locator("main img").count() == 0
        for width in (1440, 721, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert page.evaluate(OUTSIDE) == [], (path, width)
            assert complaints(page) == [], (path, width)
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, (path, text)


def test_from_the_menu_to_who_changed_a_setting(visit: Visit, recorded: Scene) -> None:
    page = visit("/class", recorded.teacher)
    page.locator(".setup summary").click()
    page.get_by_role("link", name="Audit log").click()
    page.get_by_label("Action").select_option("settings.changed")
    page.get_by_role("button", name="Search the log").click()
    expect(page.locator(".found > li")).to_have_count(1)
    page.get_by_text("What changed").click()
    expect(page.locator("main details li").first).to_have_text("Erasing: off")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "settings.changed" in download.value.path().read_text(encoding="utf-8-sig")
