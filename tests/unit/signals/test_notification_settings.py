"""The settings of notifications: read, and refused without their secrets."""

from ipaddress import ip_address

import pytest

from learntrace.config.environment import ALLOW_PRIVATE_WEBHOOKS, EMAIL_URL, PUBLIC_URL
from learntrace.config.setting_types import MailServer, SettingError


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("", MailServer()),
        ("smtp://mail.example.org", MailServer("mail.example.org", 25)),
        ("smtp://u%40x:p%2Fq@mail:2525/?tls=true", MailServer("mail", 2525, "u@x", "p/q", tls=True)),
        ("smtp://mail?tls=true", MailServer("mail", 587, tls=True)),
        ("smtps://u:p@mail", MailServer("mail", 465, "u", "p", ssl=True)),
    ],
)
def test_a_mail_server_is_read_from_its_address(monkeypatch: pytest.MonkeyPatch, text: str, server: MailServer) -> None:
    monkeypatch.setenv("LEARNTRACE_EMAIL_URL", text)
    assert EMAIL_URL.value() == server
    assert "p/q" not in repr(server)


@pytest.mark.parametrize(
    "text", ["http://hush@mail", "smtp://", "smtp://u:hu/sh@mail", "smtp://u:h?ush@mail", "smtp://u:hush@mail?tls=maybe",
             "smtp://u:hush@mail?ssl=true", "smtps://u:hush@mail?tls=true", "smtp://u:hush@mail:99999"],
)  # fmt: skip
def test_another_address_is_refused_without_being_quoted(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LEARNTRACE_EMAIL_URL", text)
    with pytest.raises(SettingError) as caught:
        EMAIL_URL.value()
    assert "LEARNTRACE_EMAIL_URL" in str(caught.value)
    assert "hu" not in str(caught.value)


def test_networks_are_listed_or_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS", "10.20.0.0/16, fd00::/8")
    assert [str(network) for network in ALLOW_PRIVATE_WEBHOOKS.value()] == ["10.20.0.0/16", "fd00::/8"]
    monkeypatch.setenv("LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS", "true")
    assert any(ip_address("::1") in network for network in ALLOW_PRIVATE_WEBHOOKS.value())
    monkeypatch.setenv("LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS", "false")
    assert ALLOW_PRIVATE_WEBHOOKS.value() == ()
    monkeypatch.setenv("LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS", "intranet")
    with pytest.raises(SettingError):
        ALLOW_PRIVATE_WEBHOOKS.value()


def test_a_public_address_has_no_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARNTRACE_PUBLIC_URL", "https://learntrace.example.org/sub/")
    assert PUBLIC_URL.value() == "https://learntrace.example.org/sub"
    monkeypatch.setenv("LEARNTRACE_PUBLIC_URL", "learntrace.example.org")
    with pytest.raises(SettingError):
        PUBLIC_URL.value()
