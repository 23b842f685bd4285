"""A teacher's own notification rules by the API: made, shown without their secrets, tried, and what came of them."""

import re
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.test import Client
from pytest_django import Settings

from learntrace.accounts.models import User
from learntrace.signals.models import Notification, NotificationRule
from learntrace.signals.notifications.channels import CHANNELS
from learntrace.signals.notifications.delivery import deliver_due
from tests.support.builders import Api, Cast, make_cohort, make_user
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

RULES = "/v1/signal/academy/notification-rule"
NOTIFICATIONS = "/v1/signal/academy/notification"
CHAT = f"slack://T1JJ3T3L2/A1BRTD4JD/{'k' * 24}"


@pytest.fixture
def hook(settings: Settings) -> Iterator[WebServer]:
    settings.ALLOW_PRIVATE_WEBHOOKS = (ip_network("127.0.0.0/8"),)
    with web_server() as server:
        yield server


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def refusal(api: Api, body: object, **headers: str) -> dict[str, list[str]]:
    answer = api.post(RULES, body, **headers)
    assert answer.status_code == 400, answer.content
    told: dict[str, list[str]] = answer.json()
    return told


def test_a_mail_rule_is_made_read_changed_and_deleted(cast: Cast, teacher: Api, mail: MailServer) -> None:
    fall = make_cohort("fall", cast.academy)
    body = {
        "name": "Night owls", "channel": "email", "cohort": fall.pk, "kinds": ["stuck", "wheel_spinning", "stuck"],
        "least_severity": 2, "quiet_from": "22:00", "quiet_until": "07:00", "timezone": "Europe/Madrid",
        "digest_minutes": 30,
    }  # fmt: skip
    made = teacher.post(RULES, body)
    assert made.status_code == 201, made.content
    rule = made.json()
    assert rule["secret"] is None
    assert (rule["target"], rule["kinds"], rule["cohort"]) == ("", ["stuck", "wheel_spinning"], fall.pk)
    assert (rule["quiet_from"], rule["timezone"], rule["active"]) == ("22:00:00", "Europe/Madrid", True)
    path = f"{RULES}/{rule['id']}"
    changed = teacher.put(path, {"active": False, "cohort": None})
    assert changed.status_code == 200
    assert (changed.json()["active"], changed.json()["cohort"], changed.json()["digest_minutes"]) == (False, None, 30)
    read = teacher.get(path).json()
    assert "secret" not in read
    assert teacher.get(RULES).json() == [read]
    assert teacher.delete(path).status_code == 204
    assert (teacher.get(path).status_code, teacher.get(RULES).json()) == (404, [])


def test_a_webhooks_secret_is_shown_once_and_its_address_never(teacher: Api, hook: WebServer) -> None:
    made = teacher.post(RULES, {"channel": "webhook", "target": hook.url})
    rule = made.json()
    assert re.fullmatch("[0-9a-f]{64}", rule["secret"])
    assert rule["target"] == f"http://127.0.0.1:{hook.port}/…"
    path = f"{RULES}/{rule['id']}"
    later = "".join(
        answer.content.decode() for answer in (teacher.get(path), teacher.get(RULES), teacher.put(path, {"name": "x"}))
    )
    assert rule["secret"] not in later
    assert "secret-path" not in later + made.content.decode()
    renewed = teacher.put(path, {"renew_secret": True}).json()["secret"]
    assert renewed not in (None, rule["secret"])
    assert NotificationRule.objects.get().secret == renewed


def test_what_is_shown_can_be_sent_back_without_losing_the_target(teacher: Api, hook: WebServer) -> None:
    rule = teacher.post(RULES, {"channel": "webhook", "target": hook.url}).json()
    assert teacher.put(f"{RULES}/{rule['id']}", {**rule, "name": "renamed"}).status_code == 200
    stored = NotificationRule.objects.get()
    assert (stored.target, stored.name, stored.secret) == (hook.url, "renamed", rule["secret"])


def test_another_channel_needs_its_own_target(teacher: Api, hook: WebServer, mail: MailServer) -> None:
    rule = teacher.post(RULES, {"channel": "webhook", "target": hook.url}).json()
    path = f"{RULES}/{rule['id']}"
    assert "target" in teacher.put(path, {"channel": "chat"}).json()
    assert teacher.put(path, {"channel": "email"}).status_code == 200
    stored = NotificationRule.objects.get()
    assert (stored.channel, stored.target, stored.secret) == ("email", "", "")


def test_an_assistant_tells_nobody_outside_of_the_academy(cast: Cast, teacher: Api, mail: MailServer) -> None:
    helper = make_user("hal", "assistant", cast.academy)
    assistant = Api(helper, cast.academy)
    for outside in (
        {"channel": "email", "target": "friend@example.com"},
        {"channel": "webhook", "target": "https://8.8.8.8/hook"},
        {"channel": "chat", "target": CHAT},
        {"channel": "email", "target": cast.owner.email},
    ):
        assert "only to the academy's staff" in str(assistant.post(RULES, outside).json()["target"])
        assert teacher.post(RULES, outside).status_code == 201
    for inside in ("", "HAL@example.org", cast.colleague.email):
        assert assistant.post(RULES, {"channel": "email", "target": inside}).status_code == 201
    rule = NotificationRule.objects.filter(user=helper).first()
    assert rule is not None
    assert assistant.put(f"{RULES}/{rule.pk}", {"target": "friend@example.com"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "channel"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": "email", "kinds": ["boredom"]}, "kinds"),
        ({"channel": "email", "kinds": "stuck"}, "kinds"),
        ({"channel": "email", "cohort": 999}, "cohort"),
        ({"channel": "email", "cohort": 2**63 - 1}, "cohort"),
        ({"channel": "email", "least_severity": 4}, "least_severity"),
        ({"channel": "email", "timezone": "Nowhere"}, "timezone"),
        ({"channel": "email", "timezone": "../../etc/passwd"}, "timezone"),
        ({"channel": "email", "quiet_from": "22:00"}, "quiet_until"),
        ({"channel": "email", "quiet_until": "07:00"}, "quiet_from"),
        ({"channel": "email", "quiet_from": "07:00", "quiet_until": "07:00"}, "quiet_until"),
        ({"channel": "email", "quiet_from": "25:00", "quiet_until": "07:00"}, "quiet_from"),
        ({"channel": "email", "digest_minutes": -1}, "digest_minutes"),
        ({"channel": "email", "digest_minutes": 10081}, "digest_minutes"),
        ({"channel": "email", "target": "not an address"}, "target"),
        ({"channel": "email", "target": "a@example.org\nBcc: b@example.org"}, "target"),
        ({"channel": "webhook"}, "target"),
        ({"channel": "webhook", "target": "ftp://example.org/"}, "target"),
        ({"channel": "webhook", "target": "https:///path"}, "target"),
        ({"channel": "webhook", "target": "https://user:pass@1.1.1.1/"}, "target"),
        ({"channel": "webhook", "target": "https://1.1.1.1:99999/"}, "target"),
        ({"channel": "webhook", "target": "https://1.1.1.1/ x"}, "target"),
        ({"channel": "webhook", "target": "https://nowhere.invalid/"}, "target"),
        ({"channel": "chat"}, "target"),
    ],
)
def test_what_cannot_be_taken_is_told_by_its_field(teacher: Api, mail: MailServer, body: object, field: str) -> None:
    assert list(refusal(teacher, body)) == [field]
    assert not NotificationRule.objects.exists()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "2130706433", "0x7f000001",
             "localhost", "0"],
)  # fmt: skip
def test_a_private_address_is_refused_when_the_rule_is_made(teacher: Api, host: str) -> None:
    told = refusal(teacher, {"channel": "webhook", "target": f"http://{host}/"})
    assert "private network" in told["target"][0]
    assert list(refusal(teacher, {"channel": "chat", "target": f"mmost://{host}/{'k' * 24}"})) == ["target"]


@pytest.mark.parametrize(
    "target", ["json://example.org", "xmls://example.org", "form://example.org", "file:///etc/passwd", "syslog://",
               "dbus://", "windows://", "macosx://", "gnome://", "exec://ls", "mailto://a:b@example.org", "slack://x",
               "https://example.org/hook", "apprise://example.org/token", f"{CHAT}?template=/etc/passwd",
               f"{CHAT}?verify=no", f"{CHAT}?retry=9&wait=600", f"{CHAT}?redirect=yes", "mmost://[", "", "x" * 500],
)  # fmt: skip
def test_what_is_no_chat_service_is_refused(teacher: Api, target: str) -> None:
    assert list(refusal(teacher, {"channel": "chat", "target": target})) == ["target"]


def test_a_chat_services_address_is_shown_as_its_name_alone(teacher: Api) -> None:
    made = teacher.post(RULES, {"channel": "chat", "target": CHAT})
    assert (made.status_code, made.json()["target"]) == (201, "slack://…")


def test_masks_show_nothing_that_opens() -> None:
    assert CHANNELS["email"].mask("grace@example.org") == "g…@example.org"
    assert CHANNELS["webhook"].mask("https://hooks.example.org:8443/a/b?c=d#e") == "https://hooks.example.org:8443/…"
    assert CHANNELS["chat"].mask("mmosts://user:password@chat.example.org/key") == "mmosts://…"


def test_without_a_mail_server_no_mail_rule_can_be_made(teacher: Api) -> None:
    told = refusal(teacher, {"channel": "email"})
    assert "LEARNTRACE_EMAIL_URL" in told["channel"][0]


def test_who_has_no_address_must_enter_one(cast: Cast, teacher: Api, mail: MailServer) -> None:
    User.objects.filter(pk=cast.colleague.pk).update(email="")
    assert list(refusal(teacher, {"channel": "email"})) == ["target"]
    assert teacher.post(RULES, {"channel": "email", "target": "g@example.org"}).status_code == 201


def test_a_foreign_cohort_does_not_exist(cast: Cast, teacher: Api, mail: MailServer) -> None:
    cohort = make_cohort("spring", cast.elsewhere)
    assert list(refusal(teacher, {"channel": "email", "cohort": cohort.pk})) == ["cohort"]


def test_there_is_an_end_to_the_number_of_rules(cast: Cast, teacher: Api, mail: MailServer) -> None:
    for _ in range(50):
        make_rule(cast.colleague, cast.academy)
    assert list(refusal(teacher, {"channel": "email"})) == ["non_field_errors"]


def test_a_test_message_says_what_happened(teacher: Api, hook: WebServer) -> None:
    rule = teacher.post(RULES, {"channel": "webhook", "target": hook.url, "active": False}).json()
    path = f"{RULES}/{rule['id']}/test"
    assert teacher.post(path).json() == {"sent": True, "reason": "", "error": ""}
    assert (hook.received[0].document["test"], hook.received[0].document["signals"]) == (True, [])
    hook.answer = lambda: (404, "")
    answer = teacher.post(path).json()
    assert (answer["sent"], answer["reason"]) == (False, "refused")
    assert "HTTP 404" in answer["error"]
    assert not Notification.objects.exists()


def test_test_messages_have_a_limit(teacher: Api, cast: Cast, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    statuses = [teacher.post(f"{RULES}/{rule.pk}/test").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_a_test_mail_arrives(cast: Cast, teacher: Api, mail: MailServer) -> None:
    rule = make_rule(cast.colleague, cast.academy)
    assert teacher.post(f"{RULES}/{rule.pk}/test").json()["sent"] is True
    assert mail.recipients == ["grace@example.org"]


def test_what_became_of_notifications_is_listed(cast: Cast, teacher: Api, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook)
    first = make_signal(cast.owner, cast.academy)
    queue(first)
    deliver_due()
    hook.answer = lambda: (404, "")
    second = make_signal(cast.owner, cast.academy)
    queue(second)
    deliver_due()
    failed, sent = teacher.get(NOTIFICATIONS).json()
    assert (sent["state"], sent["error"], sent["signal"]["id"], sent["rule"]) == ("sent", "", first.pk, rule.pk)
    assert sent["signal"]["learner"]["username"] == "ada"
    assert (failed["state"], failed["error"]) == ("failed", "The receiving server refused it (HTTP 404)")
    assert sent["sent_at"]
    assert failed["sent_at"] is None
    assert [row["id"] for row in teacher.get(f"{NOTIFICATIONS}?state=sent").json()] == [sent["id"]]
    assert len(teacher.get(f"{NOTIFICATIONS}?rule={rule.pk}&limit=1").json()["results"]) == 1
    assert teacher.get(f"{NOTIFICATIONS}?rule=x").status_code == 400
    rule.delete()
    assert {row["rule"] for row in teacher.get(NOTIFICATIONS).json()} == {None}


def test_errors_are_told_in_the_readers_language(cast: Cast, teacher: Api, hook: WebServer) -> None:
    make_webhook_rule(cast.colleague, cast.academy, hook)
    hook.answer = lambda: (404, "")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    (row,) = teacher.get(NOTIFICATIONS, Accept_Language="es").json()
    assert row["error"] == "El servidor de destino lo rechazó (HTTP 404)"


def test_rules_are_their_owners_alone(cast: Cast, teacher: Api, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook, name="mine")
    queue(make_signal(cast.owner, cast.academy))
    peer = Api(make_user("alan", "admin", cast.academy), cast.academy)
    stranger = Api(cast.stranger, cast.elsewhere)
    for other in (peer, stranger):
        assert other.get(RULES).json() == other.get(NOTIFICATIONS).json() == []
        for method, path in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/test")]:
            assert other(method, f"{RULES}/{rule.pk}{path}", {}).status_code == 404
    for outsider in (Api(cast.owner, cast.academy), Api(cast.stranger, cast.academy)):
        assert outsider.get(RULES).status_code == outsider.get(NOTIFICATIONS).status_code == 403
        assert outsider.post(RULES, {"channel": "email"}).status_code == 403
    assert Api(None, cast.academy).get(RULES).status_code == 401
    assert NotificationRule.objects.get().name == "mine"
    assert hook.received == []


def test_the_same_teacher_in_another_academy_has_other_rules(cast: Cast, hook: WebServer) -> None:
    both = make_user("barbara", "teacher", cast.academy, cast.elsewhere)
    rule = make_webhook_rule(both, cast.academy, hook)
    assert Api(both, cast.elsewhere).get(f"{RULES}/{rule.pk}").status_code == 404
    assert Api(both, cast.academy).get(f"{RULES}/{rule.pk}").status_code == 200


def test_the_admins_pages_show_no_target_and_no_secret(cast: Cast, hook: WebServer) -> None:
    rule = make_webhook_rule(cast.colleague, cast.academy, hook, name="mine")
    queue(make_signal(cast.owner, cast.academy))
    deliver_due()
    User.objects.filter(pk=cast.colleague.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(User.objects.get(pk=cast.colleague.pk))
    row = Notification.objects.get()
    pages = (
        "notificationrule/",
        f"notificationrule/{rule.pk}/change/",
        "notification/",
        f"notification/{row.pk}/change/",
    )
    for path in pages:
        page = client.get(f"/admin/signals/{path}")
        assert page.status_code == 200
        assert "secret-path" not in page.content.decode()
        assert rule.secret not in page.content.decode()
