"""All settings, in one list from which `learntrace settings` and docs/reference/settings.md are made."""

import base64
import hashlib
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from learntrace.core.command_arguments import MOST_DAYS
from learntrace.core.rate_limit import Rate

_MIB = 1024 * 1024
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


def _flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("expected true or false")


def _whole(text: str, least: int = 0) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ValueError(f"expected a whole number, {least} or more")
    return number


def _positive(text: str) -> int:
    return _whole(text, least=1)


def _processes(text: str) -> int:
    number = _whole(text)
    if number > MOST_PROCESSES:
        raise ValueError(f"expected a whole number, {MOST_PROCESSES} or less")
    return number


def _rate(text: str) -> Rate:
    """Read 20/600: 20 a second, 600 at once. 0: no limit."""
    per_second, _slash, burst = text.partition("/")
    try:
        rate = Rate(float(per_second), float(burst or per_second))
    except ValueError:
        rate = Rate(-1, -1)
    if not (0 <= rate.per_second < 1e12 and rate.per_second <= rate.burst < 1e15):
        raise ValueError("expected a number a second and a number at once, not less, such as 20/600; 0: no limit")
    return rate


def _days(text: str) -> int:
    number = _positive(text)
    if number > MOST_DAYS:
        raise ValueError(f"expected a whole number, {MOST_DAYS} or less")
    return number


def _audit_days(text: str) -> int:
    _whole(text, least=30)
    return _days(text)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _time_of_day(text: str) -> tuple[int, int]:
    hour, _, minute = text.partition(":")
    if not (hour.isdigit() and int(hour) < 24 and minute.isdigit() and int(minute) < 60):
        raise ValueError("expected a time of day in UTC such as 03:30")
    return int(hour), int(minute)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text.lower()

    return read


def _broker(text: str) -> str:
    if text and not text.startswith(("amqp://", "amqps://", "redis://", "rediss://")):
        raise ValueError("expected an amqp:// (RabbitMQ) or redis:// address")
    return text


def _database(text: str) -> str:
    if text and not text.startswith(("postgres://", "postgresql://")):
        raise ValueError("expected a postgresql:// address; Learntrace runs on PostgreSQL only")
    return text


def _hub_api(text: str) -> str:
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


def _public_url(text: str) -> str:
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


def _mail_server(text: str) -> MailServer:
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
    tls = _flag(options.get("tls", ["false"])[-1])
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


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    if text.lower() in {"", "0", "false", "no", "off"}:
        return ()
    if text.lower() in {"1", "true", "yes", "on"}:
        return (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
    return tuple(ip_network(word) for word in _words(text))


def _fernet_keys(text: str) -> tuple[str, ...]:
    keys = tuple(_words(text))
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


HOME = Setting(
    "LEARNTRACE_HOME",
    "./var",
    lambda text: Path(text).expanduser().absolute(),
    "The folder of everything that an embedded installation writes.",
)
DATABASE_URL = Setting(
    "LEARNTRACE_DATABASE_URL",
    "",
    _database,
    "A PostgreSQL server of one's own (15 or newer); empty: the embedded one.",
    secret=True,
)
DATABASE_POOL = Setting(
    "LEARNTRACE_DATABASE_POOL",
    "0",
    _whole,
    "Connections that each process keeps open; `learntrace web` takes 10 when it is 0.",
)
BROKER_URL = Setting(
    "LEARNTRACE_BROKER_URL",
    "",
    _broker,
    "RabbitMQ (amqp://) or Redis (redis://) for several machines; empty: no broker.",
    secret=True,
)
SECRET_KEY = Setting(
    "LEARNTRACE_SECRET_KEY", "", str, "Signs sessions; empty: made once and kept in the home folder.", secret=True
)
ENCRYPTION_KEYS = Setting(
    "LEARNTRACE_ENCRYPTION_KEYS",
    "",
    _fernet_keys,
    "Keys that encrypt webhook and chat targets, separated by commas: the first encrypts, all decrypt. Empty: one "
    "that follows from LEARNTRACE_SECRET_KEY where that is set, else one made once and kept in the home folder.",
    secret=True,
)
DEBUG = Setting("LEARNTRACE_DEBUG", "false", _flag, "Django's debug pages; never where others can reach the server.")
ALLOWED_HOSTS = Setting(
    "LEARNTRACE_ALLOWED_HOSTS",
    "",
    _words,
    "Host names that are answered, separated by commas; *: every name. Empty: this machine's names, localhost, and the host of "
    "LEARNTRACE_PUBLIC_URL. The inboxes of telemetry answer under any name.",
)
TRUSTED_ORIGINS = Setting(
    "LEARNTRACE_TRUSTED_ORIGINS",
    "",
    _words,
    "Origins (https://host) whose forms are accepted behind a proxy that changes the host.",
)
BEHIND_PROXY = Setting(
    "LEARNTRACE_BEHIND_PROXY",
    "false",
    _flag,
    "Behind an HTTPS proxy of LEARNTRACE_TRUSTED_PROXIES that sets X-Forwarded-Proto, -Host and -For: believe them.",
)
HSTS_SECONDS = Setting(
    "LEARNTRACE_HSTS_SECONDS",
    "31536000",
    _whole,
    "How long browsers remember that this server is reached over TLS only; told where TLS was used; 0: never.",
)
BODY_LIMIT = Setting(
    "LEARNTRACE_BODY_LIMIT",
    str(5 * _MIB),
    _positive,
    "The largest request body in bytes, as sent; a larger one is answered 413.",
)
UNPACKED_LIMIT = Setting(
    "LEARNTRACE_UNPACKED_LIMIT",
    str(5 * _MIB),
    _positive,
    "The largest gzip body in bytes after unpacking; a larger one is answered 413.",
)
BODY_MEMORY = Setting(
    "LEARNTRACE_BODY_MEMORY",
    str(256 * _MIB),
    _positive,
    "Bytes of request bodies that each web process holds at a time, unpacked and decoded; beyond it, requests are answered "
    "503, LearnPack's last.",
)
BODY_SECONDS = Setting(
    "LEARNTRACE_BODY_SECONDS",
    "30",
    _positive,
    "Seconds within which a request's headers and each part of its body have to come; a body as a whole gets as many and one "
    "more for every 16 KiB.",
)
TRUSTED_PROXIES = Setting(
    "LEARNTRACE_TRUSTED_PROXIES",
    "127.0.0.0/8,::1",
    _networks,
    "Addresses of proxies, separated by commas: with LEARNTRACE_BEHIND_PROXY only their headers are believed, and limits hold "
    "for the address that they name in X-Forwarded-For, not for theirs; false: none.",
)
CONNECTIONS_PER_ADDRESS = Setting(
    "LEARNTRACE_CONNECTIONS_PER_ADDRESS",
    "2000",
    _whole,
    "The most connections that a network address may hold open in a web process; the youngest beyond them are closed; "
    "0: no limit.",
)
ADDRESS_REQUESTS = Setting(
    "LEARNTRACE_ADDRESS_REQUESTS",
    "2000/40000",
    _rate,
    "Requests a second and at once from a network address, which a whole school may share, in each web process; beyond it they "
    "are answered 429; 0: no limit.",
)
ADDRESS_UNKNOWN = Setting(
    "LEARNTRACE_ADDRESS_UNKNOWN",
    "20/200",
    _rate,
    "The same for requests with a key that nobody has.",
)
ACCOUNT_REQUESTS = Setting(
    "LEARNTRACE_ACCOUNT_REQUESTS",
    "20/600",
    _rate,
    "Requests a second and at once of an account, in each web process: events of notebooks are answered 429 beyond it, "
    "LearnPack's batches are processed later, and answered 429 beyond ten times as many; 0: no limit.",
)
ACCOUNT_BYTES = Setting(
    "LEARNTRACE_ACCOUNT_BYTES",
    f"{_MIB}/{64 * _MIB}",
    _rate,
    "Bytes of notebook events a second and at once of an account; 0: no limit.",
)
ACCOUNT_ROWS = Setting(
    "LEARNTRACE_ACCOUNT_ROWS", "100/50000", _rate, "Notebook events a second and at once of an account; 0: no limit."
)
ACCOUNT_GUESSES = Setting(
    "LEARNTRACE_ACCOUNT_GUESSES",
    "20",
    _whole,
    "Wrong passwords or codes of an account within a minute, over all doors and processes, after which none is checked; a full "
    "minute makes the next window twice as long, up to 16 minutes; 0: no limit.",
)
ADDRESS_GUESSES = Setting(
    "LEARNTRACE_ADDRESS_GUESSES",
    "50",
    _whole,
    "The same for a network address, which a whole school may share, over all accounts.",
)
KEY_GUESSES = Setting(
    "LEARNTRACE_KEY_GUESSES",
    "300",
    _whole,
    "The same for keys that nobody has: further ones are answered 429. Valid keys of the address go on.",
)
ACADEMY_REQUESTS = Setting(
    "LEARNTRACE_ACADEMY_REQUESTS",
    "2000/40000",
    _rate,
    "Requests with notebook events a second and at once of an academy's accounts; 0: no limit.",
)
ELEMENT_LIMIT = Setting(
    "LEARNTRACE_ELEMENT_LIMIT",
    "500000",
    _whole,
    "The most values of a JSON body, counted before it is decoded; one with more is answered 413; 0: no limit.",
)
WORKERS = Setting(
    "LEARNTRACE_WORKERS",
    "0",
    _processes,
    "Worker processes of `learntrace serve` and `learntrace worker`, unless `--workers` says it; 0: as many as the cores that "
    "they may use, 32 at most.",
)
STOP_SECONDS = Setting(
    "LEARNTRACE_STOP_SECONDS",
    "10",
    lambda text: _whole(text, least=6),
    "Seconds within which `learntrace serve`, `web` and `worker` end when they are asked to; give less than the service "
    "manager's own time-out.",
)
HUB_API_URL = Setting(
    "LEARNTRACE_HUB_API_URL",
    "",
    _hub_api,
    "The API of the JupyterHub whose users' tokens are accepted, such as http://hub:8081/hub/api; empty: none.",
)
HUB_ACADEMY = Setting("LEARNTRACE_HUB_ACADEMY", "", str, "The slug of the academy to which that hub's users belong.")
HUB_CREATE_USERS = Setting(
    "LEARNTRACE_HUB_CREATE_USERS",
    "true",
    _flag,
    "Make a hub's user whom Learntrace doesn't know a student of that academy.",
)
RETENTION_DAYS = Setting(
    "LEARNTRACE_RETENTION_DAYS",
    "30",
    _days,
    "Days that processed webhooks, refused requests and rejected events are kept by the daily clean-up; 36500 at most.",
)
AUDIT_DAYS = Setting(
    "LEARNTRACE_AUDIT_DAYS",
    "730",
    _audit_days,
    "Days that the audit log is kept by the daily clean-up; 30 at least, 36500 at most.",
)
BACKUP_KEYS = Setting(
    "LEARNTRACE_BACKUP_KEYS",
    "",
    _words,
    "Public keys for which `learntrace backup` encrypts, separated by commas; `learntrace backup-key` makes one. "
    "Empty: backups aren't encrypted.",
)
PUBLIC_STATISTICS_LEARNERS = Setting(
    "LEARNTRACE_PUBLIC_STATISTICS_LEARNERS",
    "5",
    _whole,
    "Learners that a day of an asset's statistics needs to be shown to everybody; its own staff sees every day. 0: no limit.",
)
STATS_SYNC_AT = Setting("LEARNTRACE_STATS_SYNC_AT", "02:00", _time_of_day, "When the nightly stats sync runs (UTC).")
CLEAN_UP_AT = Setting("LEARNTRACE_CLEAN_UP_AT", "03:30", _time_of_day, "When the daily clean-up runs (UTC).")
PUBLIC_URL = Setting(
    "LEARNTRACE_PUBLIC_URL",
    "",
    _public_url,
    "The address under which people reach this server, such as https://learntrace.example.org, for links "
    "in notifications; empty: no links.",
)
EMAIL_URL = Setting(
    "LEARNTRACE_EMAIL_URL",
    "",
    _mail_server,
    "The mail server for notifications, such as smtp://user:password@host:587/?tls=true, or smtps://; "
    "empty: no e-mail.",
    secret=True,
)
EMAIL_FROM = Setting("LEARNTRACE_EMAIL_FROM", "learntrace@localhost", str, "The sender of that e-mail.")
ALLOW_PRIVATE_WEBHOOKS = Setting(
    "LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS",
    "",
    _networks,
    "Networks that are not public and to which notifications may go all the same, such as "
    "10.20.0.0/16, separated by commas; true: all of them.",
)
METRICS_TOKEN = Setting(
    "LEARNTRACE_METRICS_TOKEN",
    "",
    str,
    "Opens /metrics to others than this machine: Authorization: Bearer <it>.",
    secret=True,
)
LOG_LEVEL = Setting("LEARNTRACE_LOG_LEVEL", "info", _one_of("debug", "info", "warning", "error"), "What is logged.")
LOG_FORMAT = Setting(
    "LEARNTRACE_LOG_FORMAT",
    "auto",
    _one_of("auto", "json", "console"),
    "json: a JSON object a line; console: for people; auto: console on a terminal.",
)

SETTINGS = (
    HOME,
    DATABASE_URL,
    DATABASE_POOL,
    BROKER_URL,
    SECRET_KEY,
    ENCRYPTION_KEYS,
    DEBUG,
    ALLOWED_HOSTS,
    TRUSTED_ORIGINS,
    BEHIND_PROXY,
    HSTS_SECONDS,
    BODY_LIMIT,
    UNPACKED_LIMIT,
    ELEMENT_LIMIT,
    BODY_MEMORY,
    BODY_SECONDS,
    TRUSTED_PROXIES,
    CONNECTIONS_PER_ADDRESS,
    ADDRESS_REQUESTS,
    ADDRESS_UNKNOWN,
    ACCOUNT_REQUESTS,
    ACCOUNT_BYTES,
    ACCOUNT_ROWS,
    ACADEMY_REQUESTS,
    ACCOUNT_GUESSES,
    ADDRESS_GUESSES,
    KEY_GUESSES,
    WORKERS,
    STOP_SECONDS,
    HUB_API_URL,
    HUB_ACADEMY,
    HUB_CREATE_USERS,
    RETENTION_DAYS,
    PUBLIC_STATISTICS_LEARNERS,
    BACKUP_KEYS,
    AUDIT_DAYS,
    STATS_SYNC_AT,
    CLEAN_UP_AT,
    PUBLIC_URL,
    EMAIL_URL,
    EMAIL_FROM,
    ALLOW_PRIVATE_WEBHOOKS,
    METRICS_TOKEN,
    LOG_LEVEL,
    LOG_FORMAT,
)


def secret_key() -> str:
    """Return the signing key: the setting, or the one in the home folder, which is created (mode 0600) if missing."""
    if given := SECRET_KEY.value():
        return str(given)
    return _kept("secret_key", lambda: secrets.token_urlsafe(50))


def _kept(name: str, make: Callable[[], str]) -> str:
    """Return what a file of the home folder holds; it is created with what `make` returns if it is missing."""
    path: Path = HOME.value() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
    except FileExistsError:
        pass
    if text := path.read_text().strip():
        return text
    # A process was killed between creating and writing it.
    path.write_text(made := make())
    return made


def allowed_hosts() -> list[str]:
    """Return the host names that are answered: the setting, or those that can only mean this server."""
    if given := ALLOWED_HOSTS.value():
        return list(given)
    public = urlsplit(PUBLIC_URL.value()).hostname
    served = os.environ.get(SERVED_HOST, "")
    names = ["localhost", ".localhost", "127.0.0.1", "[::1]", socket.gethostname().lower(), served, public or ""]
    return list(dict.fromkeys(name for name in names if name))


SERVED_HOST = "LEARNTRACE_SERVED_HOST"
"""Set by `learntrace serve` and `web` for their processes: the address on which they listen, unless it is every one."""

_KEYS_FILE = "encryption_keys"


def encryption_keys() -> tuple[str, ...]:
    """Return the keys that encrypt secrets, the one that encrypts first; never none."""
    if given := ENCRYPTION_KEYS.value():
        return tuple(given)
    if secret := SECRET_KEY.value():
        # Machines that share a database share this setting too, and no home folder.
        digest = hashlib.sha256(f"learntrace encryption {secret}".encode()).digest()
        return (base64.urlsafe_b64encode(digest).decode(),)
    return _fernet_keys(_kept(_KEYS_FILE, _new_key).replace("\n", ","))


def encryption_keys_source() -> str:
    """Return from where the keys are, for people."""
    if ENCRYPTION_KEYS.value():
        return ENCRYPTION_KEYS.name
    return SECRET_KEY.name if SECRET_KEY.value() else str(HOME.value() / _KEYS_FILE)


def encryption_keys_are_ours() -> bool:
    """Whether the keys are in the home folder, and not in a setting that only the operator changes."""
    return not (ENCRYPTION_KEYS.value() or SECRET_KEY.value())


def add_encryption_key() -> None:
    """Put a new key before those in the home folder, in one step."""
    path = HOME.value() / _KEYS_FILE
    keys = [_new_key(), *encryption_keys()]
    beside = path.with_name(f"{_KEYS_FILE}.new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(keys))
    beside.replace(path)


def _new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
