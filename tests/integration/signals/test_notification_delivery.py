"""Notifications on their way to servers that really listen: once each, whatever happens in between."""

import contextlib
import hashlib
import hmac
import io
import logging
import os
import re
import signal as signals
import socket
import subprocess
import sys
import threading
import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import trustme
from django.conf import settings as installed
from django.db import connection
from django.urls import resolve
from django.utils import timezone
from psycopg.conninfo import conninfo_to_dict
from pytest_django import Settings

from learntrace.accounts.models import Membership
from learntrace.config.runtime.schedules import clean_up
from learntrace.signals.models import Notification, NotificationRule, Signal
from learntrace.signals.notifications import claims
from learntrace.signals.notifications.delivery import deliver_due
from learntrace.signals.notifications.failures import pause_after
from tests.support.builders import Cast
from tests.support.notifications import (
    MailServer,
    WebServer,
    mail_server,
    make_rule,
    make_signal,
    make_webhook_rule,
    queue,
    web_server,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db
# Of localhost, signed by itself, with its key; for tests alone.
# Where others, threads or processes, look at the same rows.
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hook(settings: Settings) -> Iterator[WebServer]:
    settings.ALLOW_PRIVATE_WEBHOOKS = (ip_network("127.0.0.0/8"),)
    with web_server() as server:
        yield server


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.DEFAULT_FROM_EMAIL = "Learntrace <learntrace@school.example>"
        yield server


def only() -> Notification:
    return Notification.objects.get()


def deliver_at(now: datetime) -> int:
    return deliver_due(clock=lambda: now)


def test_a_webhook_gets_the_signal_with_a_signature_that_verifies(cast: Cast, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook, name="my tool")
    signal = make_signal(cast.owner, cast.academy)
    queue(signal)
    assert (deliver_due(), deliver_due()) == (1, 0)
    (got,) = hook.received
    notification = only()
    assert got.path == "/hook/secret-path?key=secret-key"
    assert got.headers["Host"] == f"127.0.0.1:{hook.port}"
    assert got.headers["Learntrace-Delivery"] == got.document["id"] == str(notification.delivery)
    assert got.document["academy"] == {"id": cast.academy.pk, "slug": "downtown"}
    assert got.document["rule"] == {"id": rule.pk, "name": "my tool"}
    (told,) = got.document["signals"]
    assert (told["id"], told["kind"], told["learner"]["username"]) == (signal.pk, "consecutive_errors", "ada")
    assert "Ada Lovelace" in told["sentence"]
    moment, digest = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", got.headers["Learntrace-Signature"]).groups()
    expected = hmac.new(rule.secret.encode(), moment.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert digest == expected
    assert abs(int(moment) - clock.time()) < 60
    assert (notification.state, notification.attempts, notification.reason) == ("sent", 1, "")
    assert notification.sent_at is not None


def test_a_mail_tells_it_in_the_teachers_language_as_text_and_as_html(
    cast: Cast, mail: MailServer, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://learntrace.example.org"
    cast.colleague.language = "es"
    cast.colleague.save()
    cast.owner.first_name = "<Ada>\r\nBcc: all@example.org"
    cast.owner.save()
    make_rule(cast.colleague, cast.academy, name="Mis alumnos")
    queue(make_signal(cast.owner, cast.academy))
    assert deliver_due() == 1
    (got,) = mail.mails
    assert mail.recipients == ["grace@example.org"]
    assert got["From"] == "Learntrace <learntrace@school.example>"
    assert got["Message-ID"] == f"<{only().delivery}@school.example>"
    assert got["Bcc"] is None
    text = got.get_body(("plain",)).get_content()
    html = got.get_body(("html",)).get_content()
    assert "1 señal" in text
    assert f"https://learntrace.example.org/class?academy={cast.academy.pk}" in text.splitlines()
    signal = Signal.objects.get()
    name = signal.assignment.removeprefix("assignment:")
    evidence = f"/assignment/{name}/learner/{cast.owner.pk}?academy={cast.academy.pk}"
    assert f"https://learntrace.example.org{evidence}&signal={signal.pk}#evidence" in text
    assert f'href="https://learntrace.example.org{evidence}&amp;signal={signal.pk}#evidence"' in html
    assert resolve(evidence.partition("?")[0]).url_name == "assignments-attempts"
    assert "Mis alumnos" in text
    assert "&lt;Ada&gt;" in html
    assert "<Ada>" not in html
    assert 'lang="es"' in html


def test_without_a_public_address_there_is_no_link(cast: Cast, mail: MailServer) -> None:
    make_rule(cast.colleague, cast.academy)
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert "http" not in mail.mails[0].get_body(("plain",)).get_content()


def test_what_is_due_by_a_rule_at_once_is_one_message(cast: Cast, mail: MailServer) -> None:
    make_rule(cast.colleague, cast.academy)
    queue(*(make_signal(cast.owner, cast.academy) for _ in range(3)))
    assert deliver_due() == 1
    assert mail.mails[0]["Subject"] == "[Learntrace] 3 signals"


def test_a_digest_goes_out_once_with_all_that_wait(cast: Cast, hook: WebServer) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook, digest_minutes=30)
    first = timezone.now()
    waiting = []
    for minutes in (0, 10, 29):
        now = first + timedelta(minutes=minutes)
        waiting.append(make_signal(cast.owner, cast.academy, at=now))
        queue(waiting[-1], now=now)
        assert deliver_at(now) == 0
    # One that another process queued at the same moment, with a later time of its own.
    Notification.objects.filter(signal=waiting[-1]).update(due_at=first + timedelta(minutes=40))
    assert deliver_at(first + timedelta(minutes=31)) == 1
    assert hook.signal_ids() == [signal.pk for signal in waiting]
    assert deliver_at(first + timedelta(minutes=50)) == 0


def test_a_signal_that_is_over_is_not_told(cast: Cast, hook: WebServer) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    rows = {state: make_signal(cast.owner, cast.academy) for state in ("open", "acknowledged", "resolved", "withdrawn")}
    queue(*rows.values())
    for state, row in rows.items():
        Signal.objects.filter(pk=row.pk).update(state=state)
    deliver_due()
    assert hook.signal_ids() == [rows["open"].pk, rows["acknowledged"].pk]
    dropped = Notification.objects.filter(state="dropped", reason="over")
    assert set(dropped.values_list("signal_id", flat=True)) == {rows["resolved"].pk, rows["withdrawn"].pk}


@pytest.mark.parametrize("change", ["off", "deleted", "no right", "academy closed"])
def test_what_waits_by_a_rule_that_no_longer_holds_is_dropped(cast: Cast, hook: WebServer, change: str) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    match change:
        case "off":
            NotificationRule.objects.update(active=False)
        case "deleted":
            rule.delete()
        case "no right":
            Membership.objects.filter(user=cast.colleague).update(role="student")
        case _:
            type(cast.academy).objects.update(status="INACTIVE")
    assert deliver_due() == 0
    assert only().state == "dropped"
    assert hook.received == []


def test_quiet_hours_hold_for_what_was_due_before_they_began(cast: Cast, hook: WebServer) -> None:
    evening = datetime(2026, 11, 25, 21, 59, tzinfo=UTC)
    make_webhook_rule(cast.colleague, cast.academy, hook, quiet_from=time(22), quiet_until=time(7))
    queue(make_signal(cast.owner, cast.academy, at=evening), now=evening)
    assert deliver_at(evening + timedelta(minutes=2)) == 0
    assert only().due_at == datetime(2026, 11, 26, 7, tzinfo=UTC)
    assert deliver_at(datetime(2026, 11, 26, 7, tzinfo=UTC)) == 1


def test_a_server_in_trouble_is_asked_again_later_and_later_under_the_same_id(cast: Cast, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    hook.answer = lambda: (503, "")
    now = timezone.now()
    pauses = []
    for attempt in range(1, 9):
        assert deliver_at(now) == 1
        row = only()
        assert row.attempts == attempt
        if attempt < 8:
            assert (row.state, row.reason, row.detail) == ("waiting", "busy", "HTTP 503")
            pauses.append((row.due_at - now).total_seconds() / 60)
            assert deliver_at(row.due_at - timedelta(seconds=1)) == 0
            now = row.due_at
    assert pauses == [1, 2, 4, 8, 16, 32, 60]
    assert (only().state, only().detail) == ("failed", "HTTP 503")
    assert len({one.headers["Learntrace-Delivery"] for one in hook.received}) == 1
    rule.refresh_from_db()
    assert rule.failures == 8
    assert deliver_at(now + timedelta(days=2)) == 0


def test_after_a_day_it_is_given_up(cast: Cast, hook: WebServer) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    hook.answer = lambda: (500, "")
    now = timezone.now()
    deliver_at(now)
    deliver_at(now + timedelta(hours=24))
    assert (only().state, only().attempts) == ("failed", 2)


def test_it_arrives_when_the_server_is_back(cast: Cast, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    signal = make_signal(cast.owner, cast.academy)
    queue(signal)
    hook.answer = lambda: (429, "")
    now = timezone.now()
    deliver_at(now)
    rule.refresh_from_db()
    assert rule.postponed_until == now + pause_after(1)
    later = make_signal(cast.owner, cast.academy)
    queue(later)
    # The rule's others wait with it.
    assert deliver_at(now + timedelta(seconds=59)) == 0
    hook.answer = lambda: (200, "")
    assert deliver_at(now + timedelta(seconds=61)) == 2
    assert sorted(hook.signal_ids()) == sorted([signal.pk, signal.pk, later.pk])
    rule.refresh_from_db()
    assert (rule.failures, rule.postponed_until) == (0, None)


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_notification_that_was_refused_is_not_sent_again(cast: Cast, hook: WebServer, status: int) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    hook.answer = lambda: (status, "")
    deliver_due()
    assert (only().state, only().reason, only().detail) == ("failed", "refused", f"HTTP {status}")
    assert deliver_at(timezone.now() + timedelta(days=1)) == 0


def test_a_redirect_is_not_followed(cast: Cast, hook: WebServer, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = (ip_network("127.0.0.1/32"),)
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    hook.answer = lambda: (307, f"http://127.0.0.1:{hook.port}/elsewhere")
    deliver_due()
    assert len(hook.received) == 1
    assert (only().state, only().reason) == ("failed", "redirect")


def test_an_address_that_has_become_private_is_not_written_to(cast: Cast, hook: WebServer, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = ()
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    NotificationRule.objects.filter(pk=rule.pk).update(target=f"http://localhost:{hook.port}/x")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert hook.received == []
    assert (only().state, only().reason) == ("failed", "private-address")


def test_the_name_is_looked_up_once_and_what_was_checked_is_what_is_connected_to(
    cast: Cast, hook: WebServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name server that gives a public address to who checks, and then a private one to who connects.
    settings.ALLOW_PRIVATE_WEBHOOKS = (ip_network("127.0.0.1/32"),)
    real, answers = socket.getaddrinfo, ["127.0.0.1", "127.0.0.2"]

    def rebinding(host: str, *arguments: Any, **options: Any) -> Any:
        return real(answers.pop(0) if host == "rebind.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    NotificationRule.objects.filter(pk=rule.pk).update(target=f"http://rebind.example:{hook.port}/x")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert [one.headers["Host"] for one in hook.received] == [f"rebind.example:{hook.port}"]
    assert answers == ["127.0.0.2"]


def test_a_certificate_must_be_trusted_and_of_the_name(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = (ip_network("127.0.0.0/8"),)
    authority, served = trustme.CA(), tmp_path / "localhost.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(served)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with web_server(served) as server:
        told = []
        for host, trusted in (("localhost", False), ("127.0.0.1", True), ("localhost", True)):
            if trusted:
                monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
            make_rule(
                cast.colleague,
                cast.academy,
                channel="webhook",
                secret="s",
                target=f"https://{host}:{server.port}/{trusted}",
            )
            queue(make_signal(cast.owner, cast.academy))
            Notification.objects.exclude(rule=NotificationRule.objects.last()).delete()
            deliver_due()
            told.append((only().state, only().reason, only().detail))
            NotificationRule.objects.all().delete()
            Notification.objects.all().delete()
    assert told[0] == ("waiting", "unreached", "unable to get local issuer certificate")
    assert told[1][:2] == ("waiting", "unreached")
    assert "127.0.0.1" in told[1][2]
    assert told[2] == ("sent", "", "")
    assert [one.path for one in server.received] == ["/True"]


def test_nobody_listening_is_tried_again(cast: Cast, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    NotificationRule.objects.filter(pk=rule.pk).update(target="http://127.0.0.1:9/secret")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert (only().state, only().reason) == ("waiting", "unreached")
    assert "secret" not in only().detail


def test_a_server_that_drips_its_answer_is_waited_for_no_longer_than_the_limit(
    cast: Cast, hook: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("learntrace.signals.notifications.channels.webhook.SECONDS", 1.0)
    released = threading.Event()

    def hang() -> tuple[int, str]:
        released.wait(60)
        return 200, ""

    hook.answer = hang
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    began = clock.monotonic()
    deliver_due()
    released.set()
    assert clock.monotonic() - began < 30
    assert (only().state, only().reason) == ("waiting", "unreached")


def test_a_mailbox_that_does_not_exist_is_final_and_a_busy_mail_server_is_not(cast: Cast, mail: MailServer) -> None:
    nobody = make_rule(cast.colleague, cast.academy, target="nobody@example.org")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert (only().state, only().reason, only().detail) == ("failed", "refused", "SMTP 550")
    make_rule(cast.colleague, cast.academy)
    Notification.objects.all().delete()
    nobody.delete()
    queue(make_signal(cast.owner, cast.academy))
    mail.replies = ["451 come back later"]
    now = timezone.now()
    deliver_at(now)
    assert (only().state, only().detail) == ("waiting", "SMTP 451")
    deliver_at(now + timedelta(minutes=1))
    assert only().state == "sent"
    assert len(mail.mails) == 1


def test_a_mail_server_that_hangs_up_may_have_taken_it_and_gets_it_once(cast: Cast, mail: MailServer) -> None:
    make_rule(cast.colleague, cast.academy)
    queue(make_signal(cast.owner, cast.academy))
    mail.hang_up = True
    now = timezone.now()
    deliver_at(now)
    assert (only().state, only().reason) == ("failed", "unclear")
    assert deliver_at(now + timedelta(hours=2)) == 0
    assert len(mail.mails) == 1


def test_a_mail_server_that_is_away_is_asked_again(cast: Cast, settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    make_rule(cast.colleague, cast.academy)
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert (only().state, only().reason) == ("waiting", "unreached")


def test_without_a_mail_server_or_an_address_it_says_so(cast: Cast, mail: MailServer, settings: Settings) -> None:
    cast.colleague.email = ""
    cast.colleague.save()
    make_rule(cast.colleague, cast.academy)
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert (only().state, only().reason) == ("failed", "no-address")
    settings.EMAIL_HOST = ""
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert Notification.objects.filter(reason="no-email").count() == 1


def test_a_chat_service_gets_it_as_text(cast: Cast, hook: WebServer) -> None:
    rule = make_rule(cast.colleague, cast.academy, channel="chat", target=f"mmost://127.0.0.1:{hook.port}/{'k' * 24}")
    queue(*(make_signal(cast.owner, cast.academy) for _ in range(25)))
    hook.answer = lambda: (200, "")
    assert deliver_due() == 1
    (got,) = hook.received
    assert "Ada Lovelace" in got.document["text"]
    assert "and 5 more" in got.document["text"]
    assert {one.state for one in Notification.objects.filter(rule=rule)} == {"sent"}


@pytest.mark.parametrize(
    ("status", "state", "reason"), [(404, "failed", "refused"), (429, "waiting", "busy"), (503, "waiting", "busy")]
)
def test_a_chat_services_refusals_are_told_apart(
    cast: Cast, hook: WebServer, status: int, state: str, reason: str
) -> None:
    make_rule(cast.colleague, cast.academy, channel="chat", target=f"mmost://127.0.0.1:{hook.port}/{'k' * 24}")
    queue(make_signal(cast.owner, cast.academy))
    hook.answer = lambda: (status, "")
    deliver_due()
    assert (only().state, only().reason, only().detail) == (state, reason, f"HTTP {status}")


def test_a_chat_service_in_a_private_network_gets_nothing(cast: Cast, hook: WebServer, settings: Settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = ()
    make_rule(cast.colleague, cast.academy, channel="chat", target=f"mmost://localhost:{hook.port}/{'k' * 24}")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert hook.received == []
    assert (only().state, only().reason) == ("failed", "private-address")


def test_a_chat_service_that_is_away_is_asked_again(cast: Cast, hook: WebServer) -> None:
    make_rule(cast.colleague, cast.academy, channel="chat", target=f"mmost://127.0.0.1:9/{'k' * 24}")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    assert (only().state, only().reason) == ("waiting", "unreached")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that reaches the log's root, at its most talkative."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def test_no_key_and_no_address_is_in_the_log(cast: Cast, hook: WebServer, log: io.StringIO) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    key = "k" * 24
    make_rule(cast.colleague, cast.academy, channel="chat", target=f"mmost://user:hush@127.0.0.1:{hook.port}/{key}")
    queue(make_signal(cast.owner, cast.academy))
    hook.answer = lambda: (404, "")
    assert deliver_due() == 2
    logged = log.getvalue()
    assert "notification not delivered" in logged
    assert not [secret for secret in ("secret-path", "secret-key", key, "hush", "s" * 64) if secret in logged]
    assert not Notification.objects.filter(detail__contains="secret").exists()


class _Killed(BaseException):
    """As if the process ended here."""


def test_a_worker_that_ends_between_mark_and_sending_sends_never_twice(
    cast: Cast, hook: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))

    def end(*_arguments: object) -> None:
        raise _Killed

    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr("learntrace.signals.notifications.delivery.channels.send", end)
        with pytest.raises(_Killed):
            deliver_at(now)
    assert only().state == "sending"
    assert deliver_at(now + timedelta(minutes=4)) == 0
    assert only().state == "sending"
    assert deliver_at(now + timedelta(minutes=6)) == 0
    assert (only().state, only().reason) == ("failed", "interrupted")
    assert hook.received == []


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Python in a process of its own, on the same database."""
    # As an address, whose host may be the folder of a socket.
    parts = {**conninfo_to_dict(installed.DATABASE_URL), "dbname": connection.settings_dict["NAME"]}
    address = f"postgresql://?{urlencode(parts)}"
    environment = {
        "LEARNTRACE_DATABASE_URL": address,
        "LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS": "127.0.0.0/8",
        "DJANGO_SETTINGS_MODULE": "learntrace.config.settings",
    }
    return subprocess.Popen([sys.executable, *arguments], env={**os.environ, **environment})


@committed
def test_a_real_worker_delivers_beside_a_target_that_hangs_and_stops_when_told(cast: Cast, hook: WebServer) -> None:
    released = threading.Event()

    def hold() -> tuple[int, str]:
        released.wait(60)
        return 200, ""

    with web_server() as slow:
        slow.answer = hold
        make_rule(cast.colleague, cast.academy, channel="webhook", target=slow.url, secret="s")
        queue(make_signal(cast.owner, cast.academy))
        worker = start("-m", "learntrace.config", "worker")
        try:
            wait_until(lambda: slow.received, "the slow server is asked")
            quick = make_webhook_rule(cast.colleague, cast.academy, hook)
            queue(make_signal(cast.owner, cast.academy))
            wait_until(lambda: hook.received, "the quick server is asked")
        finally:
            worker.send_signal(signals.SIGTERM)
            released.set()
            assert worker.wait(60) == 0
    # What was in hand was finished first.
    assert not Notification.objects.filter(state="sending").exists()
    assert len(slow.signal_ids()) == Notification.objects.filter(state="sent").exclude(rule=quick).count()
    assert len(hook.signal_ids()) == Notification.objects.filter(state="sent", rule=quick).count() == 1


@committed
def test_a_worker_killed_while_it_sends_sends_never_twice(cast: Cast, hook: WebServer) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    arrived, released = threading.Event(), threading.Event()

    def hold() -> tuple[int, str]:
        arrived.set()
        released.wait(60)
        return 200, ""

    hook.answer = hold
    worker = start(
        "-c",
        "import django; django.setup(); from learntrace.signals.notifications import delivery as d; d.deliver_due()",
    )
    try:
        assert arrived.wait(60)
    finally:
        worker.send_signal(signals.SIGKILL)
        worker.wait()
        released.set()
    hook.answer = lambda: (200, "")
    now = timezone.now()
    assert deliver_at(now) == 0
    assert deliver_at(now + claims.LOST_AFTER + timedelta(seconds=1)) == 0
    assert (only().state, only().reason) == ("failed", "interrupted")
    assert len(hook.received) == 1


def test_a_worker_that_comes_back_after_it_was_given_up_changes_nothing(cast: Cast, hook: WebServer) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))
    now = timezone.now()
    mine = claims.claim_next(now)
    claims.give_up_lost(now + timedelta(minutes=6))
    claims.mark_sent(mine, now + timedelta(minutes=7))
    assert only().state == "failed"


def test_a_fault_of_ours_is_told_and_not_repeated(cast: Cast, hook: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    queue(make_signal(cast.owner, cast.academy))

    def stumble(*_arguments: object) -> None:
        raise RuntimeError(hook.url)

    monkeypatch.setattr("learntrace.signals.notifications.delivery.channels.send", stumble)
    assert deliver_due() == 1
    assert (only().state, only().reason, only().detail) == ("failed", "fault", "RuntimeError")


@committed
def test_eight_workers_at_once_send_each_signal_once(cast: Cast, hook: WebServer) -> None:
    rules = [
        make_rule(cast.colleague, cast.academy, channel="webhook", target=f"{hook.url}&n={number}", secret="s")
        for number in range(5)
    ]
    signals_queued = [make_signal(cast.owner, cast.academy) for _ in range(40)]
    go = threading.Barrier(9)

    def work() -> None:
        try:
            go.wait()
            until = clock.monotonic() + 20
            while clock.monotonic() < until and Notification.objects.exclude(state="sent").exists():
                deliver_due()
        finally:
            connection.close()

    queue(signals_queued[0])
    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    go.wait()
    for signal in signals_queued:
        queue(signal)
    for worker in workers:
        worker.join()
    assert sorted(hook.signal_ids()) == sorted(len(rules) * [signal.pk for signal in signals_queued])
    assert Notification.objects.filter(state="sent", attempts=1).count() == 200
    assert len({one.headers["Learntrace-Delivery"] for one in hook.received}) == len(hook.received)


@committed
def test_a_slow_target_holds_nobody_else_up(cast: Cast, hook: WebServer) -> None:
    released = threading.Event()

    def hold() -> tuple[int, str]:
        released.wait(60)
        return 200, ""

    def deliver_one_and_disconnect() -> None:
        deliver_due(limit=1)
        connection.close()

    with web_server() as slow:
        slow.answer = hold
        make_rule(cast.colleague, cast.academy, channel="webhook", target=slow.url, secret="s")
        queue(make_signal(cast.owner, cast.academy))
        stuck = threading.Thread(target=deliver_one_and_disconnect)
        stuck.start()
        wait_until(lambda: slow.received, "the slow server is asked")
        make_webhook_rule(cast.colleague, cast.academy, hook)
        queue(make_signal(cast.owner, cast.academy))
        # The slow one's next does not take a second worker either.
        assert deliver_due() == 1
        assert len(hook.received) == 1
        assert len(slow.received) == 1
        released.set()
        stuck.join()
        assert deliver_at(timezone.now() + timedelta(seconds=2)) == 1


@committed
def test_an_academys_slow_targets_leave_a_sender_to_the_others(cast: Cast, hook: WebServer) -> None:
    released = threading.Event()

    def hold() -> tuple[int, str]:
        released.wait(60)
        return 200, ""

    def deliver_one_and_disconnect() -> None:
        deliver_due(limit=1)
        connection.close()

    with contextlib.ExitStack() as servers:
        slow = [servers.enter_context(web_server()) for _ in range(3)]
        for server in slow:
            server.answer = hold
            make_rule(cast.colleague, cast.academy, channel="webhook", target=server.url, secret="s")
        queue(make_signal(cast.owner, cast.academy))

        def asked(count: int) -> bool:
            return sum(bool(server.received) for server in slow) == count

        stuck = [threading.Thread(target=deliver_one_and_disconnect) for _ in range(2)]
        for number, thread in enumerate(stuck, 1):
            thread.start()
            wait_until(partial(asked, number), "a slow one is asked")
        make_webhook_rule(cast.stranger, cast.elsewhere, hook)
        queue(make_signal(cast.strange_learner, cast.elsewhere))
        # The third of the slow ones waits, though it was due first.
        assert deliver_due(limit=1) == 1
        assert len(hook.received) == 1
        assert deliver_due() == 0
        released.set()
        for thread in stuck:
            thread.join()
        assert deliver_due() == 1


def test_old_ones_are_deleted_and_what_waits_is_not(cast: Cast, hook: WebServer) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    rows = [make_signal(cast.owner, cast.academy) for _ in range(3)]
    queue(*rows)
    long_ago = timezone.now() - timedelta(days=40)
    Notification.objects.filter(signal=rows[0]).update(state="sent", created_at=long_ago)
    Notification.objects.filter(signal=rows[1]).update(state="sent")
    Notification.objects.filter(signal=rows[2]).update(created_at=long_ago)
    assert clean_up()["notifications"] == 1
    assert set(Notification.objects.values_list("signal_id", flat=True)) == {rows[1].pk, rows[2].pk}
