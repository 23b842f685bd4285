"""How settings are read: a setting, and the functions that parse the texts of environment variables.

Each function raises ValueError with what it expected.
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from learntrace.core.command_arguments import MOST_DAYS
from learntrace.core.rate_limit import Rate

MOST_PROCESSES = 256


class SettingError(ValueError):
    """A setting's value can't be used; the message names the variable and what it takes."""


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, its default as text, the function that parses it, and its purpose."""

    name: str
    default: str
    read: Callable[[str], Any]
    purpose: str
    secret: bool = False

    def value(self) -> Any:
        """Read the variable.

        Raises SettingError when it can't be read.
        """
        text = os.environ.get(self.name, "").strip() or self.default
        try:
            return self.read(text)
        except ValueError as error:
            shown = "its value" if self.secret else repr(text)
            raise SettingError(f"{self.name}: {shown} can't be used: {error}") from error


def yes_or_no(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("expected true or false")


def whole_number(text: str, least: int = 0) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ValueError(f"expected a whole number, {least} or more")
    return number


def positive_number(text: str) -> int:
    return whole_number(text, least=1)


def process_count(text: str) -> int:
    number = whole_number(text)
    if number > MOST_PROCESSES:
        raise ValueError(f"expected a whole number, {MOST_PROCESSES} or less")
    return number


def rate(text: str) -> Rate:
    """Read 20/600: 20 a second, 600 at once. 0: no limit."""
    per_second, _slash, burst = text.partition("/")
    try:
        rate = Rate(float(per_second), float(burst or per_second))
    except ValueError:
        rate = Rate(-1, -1)
    if not (0 <= rate.per_second < 1e12 and rate.per_second <= rate.burst < 1e15):
        raise ValueError("expected a number a second and a number at once, not less, such as 20/600; 0: no limit")
    return rate


def days(text: str) -> int:
    number = positive_number(text)
    if number > MOST_DAYS:
        raise ValueError(f"expected a whole number, {MOST_DAYS} or less")
    return number


def audit_days(text: str) -> int:
    whole_number(text, least=30)
    return days(text)


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def time_of_day(text: str) -> tuple[int, int]:
    hour, _, minute = text.partition(":")
    if not (hour.isdigit() and int(hour) < 24 and minute.isdigit() and int(minute) < 60):
        raise ValueError("expected a time of day in UTC such as 03:30")
    return int(hour), int(minute)


def one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text.lower()

    return read


def broker_url(text: str) -> str:
    if text and not text.startswith(("amqp://", "amqps://", "redis://", "rediss://")):
        raise ValueError("expected an amqp:// (RabbitMQ) or redis:// address")
    return text


def database_url(text: str) -> str:
    if text and not text.startswith(("postgres://", "postgresql://")):
        raise ValueError("expected a postgresql:// address; Learntrace runs on PostgreSQL only")
    return text


def hub_api_url(text: str) -> str:
    """The address without its last slash, or an empty text."""
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError(
            "expected an http:// or https:// address without user and password, such as http://hub:8081/hub/api"
        )
    if parts.query or parts.fragment:
        raise ValueError("expected an address without ? and #")
    return text.rstrip("/")


def public_url(text: str) -> str:
    """The address without its last slash, or an empty text."""
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("expected an address such as https://learntrace.example.org")
    return text.rstrip("/")


@dataclass(frozen=True)
class MailServer:
    """Where e-mail is handed over; without a host there is none. `tls`: STARTTLS, `ssl`: TLS from the first byte."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ssl: bool = False


def mail_server(text: str) -> MailServer:
    if not text:
        return MailServer()
    parts = urlsplit(text)
    options = parse_qs(parts.query)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or set(options) - {"tls"}:
        raise ValueError("expected an address such as smtp://user:password@host:587/?tls=true, or smtps://")
    try:
        port = parts.port
    except ValueError:
        # The error's own text may quote a password that contains an unescaped character.
        raise ValueError(
            "expected a number as port; write / ? # @ : % in a password as %2F %3F %23 %40 %3A %25"
        ) from None
    ssl = parts.scheme == "smtps"
    tls = yes_or_no(options.get("tls", ["false"])[-1])
    if ssl and tls:
        raise ValueError("smtps:// is encrypted from the start, ?tls=true begins in the clear: expected one of them")
    return MailServer(
        parts.hostname,
        port or (465 if ssl else 587 if tls else 25),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        tls,
        ssl,
    )


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    if text.lower() in {"", "0", "false", "no", "off"}:
        return ()
    if text.lower() in {"1", "true", "yes", "on"}:
        return (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
    return tuple(ip_network(word) for word in words(text))


def fernet_keys(text: str) -> tuple[str, ...]:
    keys = tuple(words(text))
    for key in keys:
        try:
            whole = len(base64.urlsafe_b64decode(key)) == 32
        except ValueError:
            whole = False
        if not whole:
            raise ValueError(
                "expected keys of 32 random bytes in base64, such as `learntrace encryption status` names, separated by commas"
            )
    return keys
