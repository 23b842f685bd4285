from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Route, expect

from learntrace.accounts.models import Academy
from learntrace.core.models import Heartbeat
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from tests.browser.pages import LEAST_CONTRAST, MARKUP, OUTSIDE, Faults, Visit
from tests.browser.scene import Scene, beat, person


def arrive(scene: Scene, slug: str = "just-now", **fields: object) -> Webhook:
    """Have one more webhook."""
    beat()
    return Webhook.objects.create(
        is_streaming=False, event="batch", payload={"slug": slug}, package_slug=slug, student=scene.learner, **fields
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("language", "status", "own", "sign_in"),
    [
        ("en", "Is telemetry arriving?", "What is collected", "Sign in"),
        ("es", "¿Está llegando la telemetría?", "Qué se recopila", "Iniciar sesión"),
    ],
)
def test_it_fits_and_reads_well(
    visit: Visit, scene: Scene, scheme: str, language: str, status: str, own: str, sign_in: str
) -> None:
    for path, user, heading in (
        ("/telemetry", scene.teacher, status),
        ("/status", scene.learner, own),
        ("/", None, sign_in),
    ):
        page = visit(path, user, scheme=scheme, language=language)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, text
        for width in (360, 721, 1024, 1121, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
            assert page.evaluate(OUTSIDE) == [], width


@pytest.mark.parametrize("width", [360, 721, 1024, 1121, 1440])
def test_times_of_another_day_have_room(visit: Visit, scene: Scene, width: int) -> None:
    """They are told with their date, and Spanish headings are long."""
    Refusal.objects.update(created_at=timezone.now() - timedelta(hours=20))
    page = visit("/telemetry", scene.teacher, language="es", width=width)
    expect(page.get_by_text("petición demasiado grande")).to_be_visible()
    assert page.evaluate(OUTSIDE) == []


def test_a_fresh_installation_says_what_to_do(visit: Visit, scene: Scene) -> None:
    academy = Academy.objects.create(slug="new", name="New")
    page = visit("/telemetry", person("nina", "Nina New", {academy: "teacher"}))
    expect(page.get_by_text("Not yet")).to_be_visible()
    steps = page.get_by_role("region", name="Nothing has arrived yet. What to do next")
    expect(steps).not_to_contain_text("learntrace ")
    steps.get_by_role("link", name="Connect LearnPack or notebooks").click()
    expect(page.locator("#copy-learnpack-url")).to_contain_text("/v1/assignment/me/telemetry")
    expect(page.get_by_text("Nothing has arrived yet")).to_have_count(2)


def test_a_webhook_that_arrives_appears_by_itself(visit: Visit, scene: Scene) -> None:
    page = visit("/telemetry", scene.teacher)
    page.get_by_text("The numbers as a table").click()
    expect(page.get_by_role("status")).to_have_text("live")
    heading = page.get_by_role("heading", name="Newest webhooks")
    before = heading.bounding_box()
    arrive(scene)
    first = page.locator(".newest tbody tr").first
    expect(first).to_contain_text("just-now")
    expect(first).to_contain_text("Waiting")
    assert heading.bounding_box() == before
    assert page.locator(".newest tbody tr").count() == 10
    # What the reader opened stays open.
    expect(page.get_by_role("columnheader", name="Hour")).to_be_visible()
    Webhook.objects.filter(package_slug="just-now").update(
        status="ERROR", reason=outcomes.NOT_IMPLEMENTED, reason_values={"event": "open_step"}
    )
    expect(first).to_contain_text("Learnpack telemetry event `open_step` is not implemented")


def test_it_pauses_while_the_server_is_away_and_recovers_by_itself(visit: Visit, scene: Scene, faults: Faults) -> None:
    page = visit("/telemetry", scene.teacher)

    def away(route: Route) -> None:
        route.abort("connectionrefused")

    page.route("**/telemetry*", away)
    expect(page.get_by_role("status")).to_have_text("paused, reconnecting")
    arrive(scene)
    page.unroute("**/telemetry*", away)
    expect(page.get_by_role("status")).to_have_text("live")
    expect(page.locator(".newest tbody tr").first).to_contain_text("just-now")
    faults.allow("ERR_CONNECTION_REFUSED")


def test_a_server_error_is_a_pause_too(visit: Visit, scene: Scene, faults: Faults) -> None:
    page = visit("/telemetry", scene.teacher)
    page.route("**/telemetry*", lambda route: route.fulfill(status=500, body="<p data-part='newest'>broken</p>"))
    expect(page.get_by_role("status")).to_have_text("paused, reconnecting")
    expect(page.locator(".newest tbody tr")).to_have_count(10)
    faults.allow("status of 500")


def test_an_ended_session_leads_to_the_sign_in_and_back(visit: Visit, scene: Scene, faults: Faults) -> None:
    page = visit(f"/telemetry?academy={scene.academy.pk}", scene.teacher)
    Session.objects.all().delete()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    expect(page.locator("[name=next]").last).to_have_value(f"/telemetry?academy={scene.academy.pk}")
    faults.allow("status of 401")


def test_one_who_loses_the_role_sees_nothing_any_longer(visit: Visit, scene: Scene, faults: Faults) -> None:
    page = visit(f"/telemetry?academy={scene.academy.pk}", scene.teacher)
    scene.teacher.memberships.update(status="INACTIVE")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"You don't have access to academy {scene.academy.pk}.")
    expect(page.locator(".newest")).to_have_count(0)
    faults.allow("status of 403")


@pytest.mark.parametrize("wanted", ["another", "none", "text"])
def test_a_foreign_academy_is_refused(visit: Visit, scene: Scene, faults: Faults, wanted: str) -> None:
    another = Academy.objects.create(slug="harbour", name="Harbour")
    sam = person("sam", "Sam Stranger", {another: "admin"})
    number = {"another": str(scene.academy.pk), "none": "999999", "text": "x<b>y"}[wanted]
    page = visit(f"/telemetry?academy={number}", sam)
    expect(page.get_by_role("heading")).to_have_text(f"You don't have access to academy {number}.")
    faults.allow("status of 403")
    for text in ("Downtown", "Lovelace", "python-beginner-exercises"):
        expect(page.get_by_text(text)).to_have_count(0)


def test_who_reads_several_academies_switches_between_them(visit: Visit, scene: Scene) -> None:
    another = Academy.objects.create(slug="harbour", name="Harbour")
    both = person("bo", "Bo Both", {scene.academy: "teacher", another: "assistant"})
    page = visit("/telemetry", both)
    page.get_by_text("Downtown").first.click()
    page.get_by_role("link", name="Harbour").click()
    expect(page.get_by_text("Not yet")).to_be_visible()
    assert page.url.endswith(f"/telemetry?academy={another.pk}")
    expect(page.get_by_text("Lovelace")).to_have_count(0)


def test_markup_is_shown_as_text(visit: Visit, scene: Scene) -> None:
    scene.learner.first_name = MARKUP
    scene.learner.save()
    page = visit("/telemetry", scene.teacher)
    # Both as the page came and as the script put it in.
    arrive(scene, MARKUP, status="ERROR", reason=outcomes.NOT_IMPLEMENTED, reason_values={"event": MARKUP})
    row = page.locator(".newest tbody tr").first
    for _turn in range(2):
        expect(row.locator(".learner")).to_have_text(f"{MARKUP} Lovelace")
        expect(row.locator(".subject")).to_have_text(MARKUP)
        expect(row.locator(".sentence")).to_contain_text(f"`{MARKUP}`")
        assert page.locator("main img, main b:not(.legend b, .sources b)").count() == 0
        page.reload()


def test_times_are_told_in_the_readers_zone(visit: Visit, scene: Scene) -> None:
    page = visit("/telemetry", scene.teacher, zone="Asia/Kolkata")
    expect(page.locator("[data-zone]")).to_contain_text("Asia/")
    newest = Webhook.objects.order_by("-created_at")[0].created_at
    told = (newest + timedelta(hours=5, minutes=30)).strftime("%H:%M:%S")
    expect(page.locator(".newest time").first).to_have_text(told)


def test_a_worker_that_is_away_is_told(visit: Visit, scene: Scene) -> None:
    Heartbeat.objects.update(seen_at=timezone.now() - timedelta(hours=2))
    page = visit("/telemetry", scene.teacher)
    expect(page.get_by_text("Yes, but it isn't being processed")).to_be_visible()
    expect(page.get_by_text("2 h ago")).to_be_visible()
    beat()
    expect(page.get_by_text("Yes", exact=True)).to_be_visible()
