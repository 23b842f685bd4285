"""Buttons that end something say first what they end: by clicks, in both languages."""

import uuid
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from learntrace.accounts.models import Membership, Token
from learntrace.signals.models import Notification, NotificationRule
from tests.browser.pages import LEAST_CONTRAST, OUTSIDE, Visit, complaints
from tests.browser.scene import Scene, person
from tests.support.builders import make_signal


def test_an_admin_reads_what_a_click_ends_and_clicks(visit: Visit, scene: Scene) -> None:
    admin = person("adele", "Adele Goldberg", {scene.academy: "admin"})
    token = Token.issue(scene.learner, scope="telemetry", name="laptop")[0]
    rule = NotificationRule.objects.create(user=admin, academy=scene.academy, name="Mine", target="x@example.org")
    signal = make_signal(scene.learner, scene.academy)
    Notification.objects.create(
        rule=rule, user=admin, academy=scene.academy, signal=signal, destination="d", state="sent",
        delivery=uuid.uuid4(), sent_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip
    page = visit("/notifications", admin, width=360)
    page.get_by_text("Delete…").click()
    expect(
        page.get_by_text("In the last 30 days it sent 1 notification in 1 message, about 1 learner.")
    ).to_be_visible()
    assert complaints(page) == []
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(LEAST_CONTRAST)[0] >= 4.5
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The rule was deleted")).to_be_visible()

    page.goto(f"/people/{scene.learner.pk}")
    page.get_by_text("Archive…").click()
    expect(page.get_by_text("1 key stops working: what is sent with it is refused.")).to_be_visible()
    assert page.evaluate(OUTSIDE) == []
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_text("The person was archived.")).to_be_visible()
    assert Membership.objects.get(user=scene.learner).status == "INACTIVE"
    assert not NotificationRule.objects.exists()

    page = visit("/keys", admin, language="es", script=False)
    page.get_by_role("link", name=f"Renovar o revocar… {token.prefix}").click()
    expect(page.get_by_text("esta cuenta no envió telemetría")).to_be_visible()
    page.get_by_role("button", name="Revocar").click()
    expect(page.get_by_role("status")).to_contain_text(token.prefix)
    assert not Token.objects.exists()
