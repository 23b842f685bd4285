"""What a click does is told before it does it, with its numbers: archiving, deleting a rule, revoking and rotating a key."""

import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from learntrace.accounts.models import CohortLearner, Membership, Token, User
from learntrace.signals.models import Notification, NotificationRule
from tests.support.builders import (
    Cast,
    make_cohort,
    make_graded_asset,
    make_signal,
    make_stored_event,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)

pytestmark = pytest.mark.django_db


def told(user: User, path: str, language: str = "en") -> str:
    """The words of a page."""
    client = Client()
    client.force_login(user)
    text = client.get(path, headers={"Accept-Language": language}).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_archiving_says_what_ends_and_what_stays(cast: Cast) -> None:
    page = told(cast.colleague, f"/people/{cast.owner.pk}")
    assert "The role here ends: Learner." in page
    assert " stored." not in page, "nothing is stored yet"
    assert "stops working" not in page
    asset = make_graded_asset("intro", academy=cast.academy)
    make_task(cast.owner, asset.slug)
    make_telemetry(cast.owner, asset.slug)
    CohortLearner.objects.create(cohort=make_cohort("fall", cast.academy), user=cast.owner)
    Token.issue(cast.owner)
    Token.issue(cast.owner, expires_at=timezone.now() - timedelta(days=1))
    NotificationRule.objects.create(user=cast.owner, academy=cast.academy, target="x@example.org")
    page = told(cast.colleague, f"/people/{cast.owner.pk}")
    for sentence in (
        "The class of 1 cohort no longer shows this person.",
        "1 key stops working: what is sent with it is refused.",
        "1 notification rule stops sending.",
        "1 task stays stored. 1 telemetry record stays stored.",
    ):
        assert sentence in page
    Token.issue(cast.owner)
    assert "2 keys stop working: what is sent with them is refused." in told(cast.colleague, f"/people/{cast.owner.pk}")


def test_archiving_somebody_who_acts_elsewhere_says_that_it_ends_here_only(cast: Cast) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    foreign = make_graded_asset("foreign", academy=cast.elsewhere)
    make_telemetry(cast.owner, foreign.slug)
    Token.issue(cast.owner)
    page = told(cast.colleague, f"/people/{cast.owner.pk}")
    assert "What this person may do outside this academy stays as it is." in page
    assert "This person's keys no longer give access to this academy." in page
    assert "stays stored" not in page, "what another academy knows isn't told"


def test_who_may_not_archive_is_told_no_numbers(cast: Cast) -> None:
    Token.issue(cast.owner)
    page = told(make_user("tess", "teacher", cast.academy), f"/people/{cast.owner.pk}")
    assert "What this changes" not in page


def notify(rule: NotificationRule, learner: User, delivery: uuid.UUID | None, **fields: object) -> None:
    signal = make_signal(learner, rule.academy)
    about = {"rule": rule, "user": rule.user, "academy": rule.academy, "signal": signal, "delivery": delivery}
    sent = {"state": "sent", "sent_at": timezone.now() - timedelta(days=1), "destination": str(signal.pk)}
    Notification.objects.create(**about, **sent | fields)


def test_deleting_a_rule_says_what_it_has_sent_and_what_waits(cast: Cast, settings: Settings) -> None:
    settings.RETENTION_DAYS = 45
    rule = NotificationRule.objects.create(user=cast.colleague, academy=cast.academy, target="x@example.org")
    other = NotificationRule.objects.create(user=cast.colleague, academy=cast.academy, target="y@example.org")
    bo = make_user("bo", "student", cast.academy)
    digest = uuid.uuid4()
    for learner in (cast.owner, cast.owner, bo):
        notify(rule, learner, digest)
    notify(rule, bo, uuid.uuid4())
    notify(rule, bo, uuid.uuid4(), sent_at=timezone.now() - timedelta(days=31))
    notify(rule, bo, None, state="waiting", sent_at=None)
    page = told(cast.colleague, "/notifications")
    assert "In the last 30 days it sent 4 notifications in 2 messages, about 2 learners." in page
    assert "1 unsent notification is dropped." in page
    assert page.count("It has sent nothing in the last 30 days.") == 1
    notify(other, bo, uuid.uuid4())
    settings.RETENTION_DAYS = 1
    assert "In the last 1 day it sent" not in told(cast.colleague, "/notifications")


def test_revoking_a_key_says_how_it_is_used(cast: Cast) -> None:
    token = Token.issue(cast.owner, scope="telemetry", name="laptop")[0]
    path = f"/keys/{token.pk}"
    page = told(cast.colleague, path)
    assert "Last used never" in page
    assert "In the last 7 days this account sent no telemetry. The account has 1 active key." in page
    Token.objects.update(last_used_at=timezone.now() - timedelta(minutes=12), last_used_from="192.0.2.7")
    now = timezone.now()
    make_webhook(cast.owner, sender=cast.owner)
    make_webhook(cast.owner, sender=cast.colleague)
    make_webhook(cast.strange_learner, sender=cast.strange_learner)
    make_webhook(cast.owner, sender=cast.owner, created_at=now - timedelta(days=8))
    make_stored_event(cast.owner, cast.academy)
    make_stored_event(cast.owner, cast.academy)
    Token.issue(cast.owner)
    page = told(cast.colleague, path)
    assert "192.0.2.7 Valid until" in page
    assert (
        "In the last 7 days this account sent 1 message from LearnPack and 2 notebook events, about 1 learner." in page
    )
    assert "The account has 2 active keys; these figures cover all of them." in page
    # Its owner is told the same.
    assert "this account sent 1 message from LearnPack and 2 notebook events, about 1 learner." in told(
        cast.owner, "/account"
    )
    spanish = told(cast.colleague, path, "es")
    assert "esta cuenta envió 1 mensaje de LearnPack y 2 eventos de cuadernos, de 1 estudiante." in spanish


def test_a_service_tells_for_how_many_learners_it_sends(cast: Cast) -> None:
    service = make_user("relay", "staff", cast.academy)
    token = Token.issue(service)[0]
    bo = make_user("bo", "student", cast.academy)
    make_webhook(cast.owner, sender=service)
    make_stored_event(cast.owner, cast.academy, sender=service)
    make_webhook(bo, sender=service)
    page = told(cast.colleague, f"/keys/{token.pk}")
    assert "this account sent 2 messages from LearnPack and 1 notebook event, about 2 learners." in page


def test_a_keys_page_is_open_to_those_who_manage_it_only(cast: Cast) -> None:
    token = Token.issue(cast.owner, scope="telemetry", name="laptop")[0]
    for user in (make_user("tess", "teacher", cast.academy), cast.owner):
        client = Client()
        client.force_login(user)
        assert client.get(f"/keys/{token.pk}").status_code == 403
    client = Client()
    client.force_login(cast.stranger)
    answer = client.get(f"/keys/{token.pk}")
    assert answer.status_code == 404
    assert "laptop" not in answer.content.decode()
    assert client.get(f"/keys/{2**70}").status_code == 404
