"""Targets and secrets of notification rules are unreadable in the database; a lost key loses nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from learntrace.accounts.audit.models import AuditEntry
from learntrace.config import keys
from learntrace.config.commands import doctor, encryption
from learntrace.config.setting_types import SettingError
from learntrace.core.encryption import fields, secrets
from learntrace.core.encryption.secrets import PREFIX, Unreadable
from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications.failures import KEY_LOST
from learntrace.signals.notifications.rules import try_rule
from tests.support.builders import Api, Cast

CHAT = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
RULES = "/v1/signal/academy/notification-rule"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def _keys_are_read_anew() -> Iterator[None]:
    secrets.forget_keys()
    yield
    secrets.forget_keys()


def use(settings: Any, *keys: str) -> None:
    settings.ENCRYPTION_KEYS = lambda: keys
    secrets.forget_keys()


def stored(rule: NotificationRule) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT target, secret FROM signals_notificationrule WHERE id = %s", [rule.pk])
        target, secret = cursor.fetchone()
    return target, secret


def make(teacher: Api, **fields: str) -> NotificationRule:
    answer = teacher.post(RULES, {"channel": "chat", "target": CHAT, **fields})
    assert answer.status_code == 201, answer.content
    return NotificationRule.objects.get(pk=answer.json()["id"])


def test_a_target_and_a_secret_are_nowhere_in_the_table(teacher: Api) -> None:
    chat = make(teacher)
    hook = make(teacher, channel="webhook", target="https://8.8.8.8/hook?key=hush")
    assert hook.secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(r::text, ' ') FROM signals_notificationrule r")
        [(text,)] = cursor.fetchall()
    for secret in ("TIiajkdnlazkcOXrIdevi7FQ", "hush", hook.secret):
        assert secret not in text
    assert chat.target == CHAT
    assert all(value.startswith(PREFIX) for value in stored(hook))


def test_two_rules_with_one_destination_are_known_as_such(teacher: Api, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.org"  # a rule for e-mail is refused where none is sent
    first, second = make(teacher), make(teacher)
    assert stored(first)[0] != stored(second)[0]
    assert first.target_digest == second.target_digest != ""
    mail = [make(teacher, channel="email", target=address) for address in ("Ann@example.org", "ann@example.org", "")]
    assert mail[0].target_digest == mail[1].target_digest
    assert mail[2].target_digest == ""


def test_a_lost_key_says_what_to_do_and_destroys_nothing(
    teacher: Api, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    use(settings, OLD)
    rule = make(teacher, channel="webhook", target="https://8.8.8.8/hook")
    before, signed_with = stored(rule), rule.secret
    use(settings, NEW)
    rule = NotificationRule.objects.get(pk=rule.pk)
    assert isinstance(rule.target, Unreadable)
    assert teacher.get(f"{RULES}/{rule.pk}").json()["target"] == ""
    failure = try_rule(rule)
    assert (failure.reason, failure.again) == (KEY_LOST, True)
    answer = teacher.post(f"{RULES}/{rule.pk}/test").json()
    assert "enter it again" in answer["error"]
    # Neither a change of something else nor a rotation overwrites what can't be read.
    assert teacher.put(f"{RULES}/{rule.pk}", {"name": "renamed"}).json()["secret"] is None
    assert encryption.main(["rotate"]) == 1
    assert "Nothing is lost: put the old key back" in capsys.readouterr().out
    assert [finding.result for finding in doctor.examine() if finding.check == "encryption"] == ["fail"]
    assert stored(rule) == before
    use(settings, NEW, OLD)
    rule = NotificationRule.objects.get(pk=rule.pk)
    assert (rule.name, rule.target, rule.secret) == ("renamed", "https://8.8.8.8/hook", signed_with)


def test_entering_the_target_anew_replaces_what_is_lost(teacher: Api, settings: Any) -> None:
    use(settings, OLD)
    rule = make(teacher, channel="webhook", target="https://8.8.8.8/hook")
    use(settings, NEW)
    answer = teacher.put(f"{RULES}/{rule.pk}", {"target": "https://8.8.8.8/other"}).json()
    assert len(answer["secret"]) == 64
    rule = NotificationRule.objects.get(pk=rule.pk)
    assert (rule.target, rule.secret) == ("https://8.8.8.8/other", answer["secret"])


def test_a_rotation_encrypts_with_the_new_key_and_what_was_plain_too(teacher: Api, settings: Any) -> None:
    use(settings, OLD)
    rule, plain = make(teacher), make(teacher)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE signals_notificationrule SET target = %s WHERE id = %s", [CHAT, plain.pk])
    assert NotificationRule.objects.get(pk=plain.pk).target == CHAT
    use(settings, NEW, OLD)
    assert encryption.main(["rotate"]) == 0
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.values.after) == ("command.run", {"command": "encryption", "do": "rotate"})
    use(settings, NEW)
    for row in (rule, plain):
        assert NotificationRule.objects.get(pk=row.pk).target == CHAT
        assert stored(row)[0].startswith(PREFIX)
    assert fields.count() == (2, 0)


def test_a_key_in_the_home_folder_is_put_before_the_old_one_while_servers_run(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv("LEARNTRACE_HOME", str(tmp_path))
    monkeypatch.delenv("LEARNTRACE_SECRET_KEY", raising=False)
    settings.ENCRYPTION_KEYS = keys.encryption_keys
    secrets.forget_keys()
    text = secrets.encrypt("before")
    keys.add_encryption_key()
    newest, oldest = keys.encryption_keys()
    assert Fernet(oldest).decrypt(text.removeprefix(PREFIX).encode()) == b"before"
    # Another process has the new key already, this one reads it when it needs it.
    theirs = PREFIX + Fernet(newest).encrypt(b"after").decode()
    assert (secrets.decrypt(text), secrets.decrypt(theirs)) == ("before", "after")
    assert (tmp_path / "encryption_keys").stat().st_mode & 0o777 == 0o600


def test_keys_follow_from_the_secret_key_where_machines_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNTRACE_SECRET_KEY", "shared")
    [key] = keys.encryption_keys()
    assert Fernet(key)
    assert "shared" not in key
    monkeypatch.setenv("LEARNTRACE_ENCRYPTION_KEYS", f"{NEW}, {OLD}")
    assert keys.encryption_keys() == (NEW, OLD)
    monkeypatch.setenv("LEARNTRACE_ENCRYPTION_KEYS", "too-short")
    with pytest.raises(SettingError, match="its value can't be used: expected keys of 32 random bytes"):
        keys.encryption_keys()


@pytest.mark.django_db(transaction=True)
def test_rows_of_before_are_encrypted_by_the_migration(transactional_db: None) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("signals", "0005_troubles")])
    apps = executor.loader.project_state([("signals", "0005_troubles"), ("accounts", "0001_initial")]).apps
    user = apps.get_model("accounts", "User").objects.create(username="old")
    academy = apps.get_model("accounts", "Academy").objects.create(slug="old", name="Old")
    rule = apps.get_model("signals", "NotificationRule").objects.create(
        user_id=user.pk, academy_id=academy.pk, channel="chat", target=CHAT, secret=""
    )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    now = NotificationRule.objects.get(pk=rule.pk)
    assert now.target == CHAT
    assert stored(now)[0].startswith(PREFIX)
    assert len(now.target_digest) == 64


def test_a_teacher_sees_the_rule_masked_as_before(cast: Cast, teacher: Api) -> None:
    rule = make(teacher)
    shown = teacher.get(f"{RULES}/{rule.pk}").json()["target"]
    assert shown.startswith("slack://")
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in shown
