"""All settings, in one list from which `learntrace settings` and docs/reference/settings.md are made."""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from learntrace.config.setting_types import (
    Setting,
    audit_days,
    broker_url,
    database_url,
    days,
    fernet_keys,
    hub_api_url,
    mail_server,
    networks,
    one_of,
    positive_number,
    process_count,
    public_url,
    rate,
    time_of_day,
    whole_number,
    words,
    yes_or_no,
)

_MIB = 1024 * 1024


HOME = Setting(
    "LEARNTRACE_HOME",
    "./var",
    lambda text: Path(text).expanduser().absolute(),
    "The folder of everything that an embedded installation writes.",
)
DATABASE_URL = Setting(
    "LEARNTRACE_DATABASE_URL",
    "",
    database_url,
    "A PostgreSQL server of one's own (15 or newer); empty: the embedded one.",
    secret=True,
)
DATABASE_POOL = Setting(
    "LEARNTRACE_DATABASE_POOL",
    "0",
    whole_number,
    "Connections that each process keeps open; `learntrace web` takes 10 when it is 0.",
)
BROKER_URL = Setting(
    "LEARNTRACE_BROKER_URL",
    "",
    broker_url,
    "RabbitMQ (amqp://) or Redis (redis://) for several machines; empty: no broker.",
    secret=True,
)
SECRET_KEY = Setting(
    "LEARNTRACE_SECRET_KEY", "", str, "Signs sessions; empty: made once and kept in the home folder.", secret=True
)
ENCRYPTION_KEYS = Setting(
    "LEARNTRACE_ENCRYPTION_KEYS",
    "",
    fernet_keys,
    "Keys that encrypt webhook and chat targets, separated by commas: the first encrypts, all decrypt. Empty: one "
    "that follows from LEARNTRACE_SECRET_KEY where that is set, else one made once and kept in the home folder.",
    secret=True,
)
DEBUG = Setting(
    "LEARNTRACE_DEBUG", "false", yes_or_no, "Django's debug pages; never where others can reach the server."
)
ALLOWED_HOSTS = Setting(
    "LEARNTRACE_ALLOWED_HOSTS",
    "",
    words,
    "Host names that are answered, separated by commas; *: every name. Empty: this machine's names, localhost, and the host of "
    "LEARNTRACE_PUBLIC_URL. The inboxes of telemetry answer under any name.",
)
TRUSTED_ORIGINS = Setting(
    "LEARNTRACE_TRUSTED_ORIGINS",
    "",
    words,
    "Origins (https://host) whose forms are accepted behind a proxy that changes the host.",
)
BEHIND_PROXY = Setting(
    "LEARNTRACE_BEHIND_PROXY",
    "false",
    yes_or_no,
    "Behind an HTTPS proxy of LEARNTRACE_TRUSTED_PROXIES that sets X-Forwarded-Proto, -Host and -For: believe them.",
)
HSTS_SECONDS = Setting(
    "LEARNTRACE_HSTS_SECONDS",
    "31536000",
    whole_number,
    "How long browsers remember that this server is reached over TLS only; told where TLS was used; 0: never.",
)
BODY_LIMIT = Setting(
    "LEARNTRACE_BODY_LIMIT",
    str(5 * _MIB),
    positive_number,
    "The largest request body in bytes, as sent; a larger one is answered 413.",
)
UNPACKED_LIMIT = Setting(
    "LEARNTRACE_UNPACKED_LIMIT",
    str(5 * _MIB),
    positive_number,
    "The largest gzip body in bytes after unpacking; a larger one is answered 413.",
)
BODY_MEMORY = Setting(
    "LEARNTRACE_BODY_MEMORY",
    str(256 * _MIB),
    positive_number,
    "Bytes of request bodies that each web process holds at a time, unpacked and decoded; beyond it, requests are answered "
    "503, LearnPack's last.",
)
BODY_SECONDS = Setting(
    "LEARNTRACE_BODY_SECONDS",
    "30",
    positive_number,
    "Seconds within which a request's headers and each part of its body have to come; a body as a whole gets as many and one "
    "more for every 16 KiB.",
)
TRUSTED_PROXIES = Setting(
    "LEARNTRACE_TRUSTED_PROXIES",
    "127.0.0.0/8,::1",
    networks,
    "Addresses of proxies, separated by commas: with LEARNTRACE_BEHIND_PROXY only their headers are believed, and limits hold "
    "for the address that they name in X-Forwarded-For, not for theirs; false: none.",
)
CONNECTIONS_PER_ADDRESS = Setting(
    "LEARNTRACE_CONNECTIONS_PER_ADDRESS",
    "2000",
    whole_number,
    "The most connections that a network address may hold open in a web process; the youngest beyond them are closed; "
    "0: no limit.",
)
ADDRESS_REQUESTS = Setting(
    "LEARNTRACE_ADDRESS_REQUESTS",
    "2000/40000",
    rate,
    "Requests a second and at once from a network address, which a whole school may share, in each web process; beyond it they "
    "are answered 429; 0: no limit.",
)
ADDRESS_UNKNOWN = Setting(
    "LEARNTRACE_ADDRESS_UNKNOWN",
    "20/200",
    rate,
    "The same for requests with a key that nobody has.",
)
ACCOUNT_REQUESTS = Setting(
    "LEARNTRACE_ACCOUNT_REQUESTS",
    "20/600",
    rate,
    "Requests a second and at once of an account, in each web process: events of notebooks are answered 429 beyond it, "
    "LearnPack's batches are processed later, and answered 429 beyond ten times as many; 0: no limit.",
)
ACCOUNT_BYTES = Setting(
    "LEARNTRACE_ACCOUNT_BYTES",
    f"{_MIB}/{64 * _MIB}",
    rate,
    "Bytes of notebook events a second and at once of an account; 0: no limit.",
)
ACCOUNT_ROWS = Setting(
    "LEARNTRACE_ACCOUNT_ROWS", "100/50000", rate, "Notebook events a second and at once of an account; 0: no limit."
)
ACCOUNT_GUESSES = Setting(
    "LEARNTRACE_ACCOUNT_GUESSES",
    "20",
    whole_number,
    "Wrong passwords or codes of an account within a minute, over all doors and processes, after which none is checked; a full "
    "minute makes the next window twice as long, up to 16 minutes; 0: no limit.",
)
ADDRESS_GUESSES = Setting(
    "LEARNTRACE_ADDRESS_GUESSES",
    "50",
    whole_number,
    "The same for a network address, which a whole school may share, over all accounts.",
)
KEY_GUESSES = Setting(
    "LEARNTRACE_KEY_GUESSES",
    "300",
    whole_number,
    "The same for keys that nobody has: further ones are answered 429. Valid keys of the address go on.",
)
ACADEMY_REQUESTS = Setting(
    "LEARNTRACE_ACADEMY_REQUESTS",
    "2000/40000",
    rate,
    "Requests with notebook events a second and at once of an academy's accounts; 0: no limit.",
)
ELEMENT_LIMIT = Setting(
    "LEARNTRACE_ELEMENT_LIMIT",
    "500000",
    whole_number,
    "The most values of a JSON body, counted before it is decoded; one with more is answered 413; 0: no limit.",
)
WORKERS = Setting(
    "LEARNTRACE_WORKERS",
    "0",
    process_count,
    "Worker processes of `learntrace serve` and `learntrace worker`, unless `--workers` says it; 0: as many as the cores that "
    "they may use, 32 at most.",
)
STOP_SECONDS = Setting(
    "LEARNTRACE_STOP_SECONDS",
    "10",
    lambda text: whole_number(text, least=6),
    "Seconds within which `learntrace serve`, `web` and `worker` end when they are asked to; give less than the service "
    "manager's own time-out.",
)
HUB_API_URL = Setting(
    "LEARNTRACE_HUB_API_URL",
    "",
    hub_api_url,
    "The API of the JupyterHub whose users' tokens are accepted, such as http://hub:8081/hub/api; empty: none.",
)
HUB_ACADEMY = Setting("LEARNTRACE_HUB_ACADEMY", "", str, "The slug of the academy to which that hub's users belong.")
HUB_CREATE_USERS = Setting(
    "LEARNTRACE_HUB_CREATE_USERS",
    "true",
    yes_or_no,
    "Make a hub's user whom Learntrace doesn't know a student of that academy.",
)
RETENTION_DAYS = Setting(
    "LEARNTRACE_RETENTION_DAYS",
    "30",
    days,
    "Days that processed webhooks, refused requests and rejected events are kept by the daily clean-up; 36500 at most.",
)
AUDIT_DAYS = Setting(
    "LEARNTRACE_AUDIT_DAYS",
    "730",
    audit_days,
    "Days that the audit log is kept by the daily clean-up; 30 at least, 36500 at most.",
)
BACKUP_KEYS = Setting(
    "LEARNTRACE_BACKUP_KEYS",
    "",
    words,
    "Public keys for which `learntrace backup` encrypts, separated by commas; `learntrace backup-key` makes one. "
    "Empty: backups aren't encrypted.",
)
PUBLIC_STATISTICS_LEARNERS = Setting(
    "LEARNTRACE_PUBLIC_STATISTICS_LEARNERS",
    "5",
    whole_number,
    "Learners that a day of an asset's statistics needs to be shown to everybody; its own staff sees every day. 0: no limit.",
)
STATS_SYNC_AT = Setting("LEARNTRACE_STATS_SYNC_AT", "02:00", time_of_day, "When the nightly stats sync runs (UTC).")
CLEAN_UP_AT = Setting("LEARNTRACE_CLEAN_UP_AT", "03:30", time_of_day, "When the daily clean-up runs (UTC).")
PUBLIC_URL = Setting(
    "LEARNTRACE_PUBLIC_URL",
    "",
    public_url,
    "The address under which people reach this server, such as https://learntrace.example.org, for links "
    "in notifications; empty: no links.",
)
EMAIL_URL = Setting(
    "LEARNTRACE_EMAIL_URL",
    "",
    mail_server,
    "The mail server for notifications, such as smtp://user:password@host:587/?tls=true, or smtps://; "
    "empty: no e-mail.",
    secret=True,
)
EMAIL_FROM = Setting("LEARNTRACE_EMAIL_FROM", "learntrace@localhost", str, "The sender of that e-mail.")
ALLOW_PRIVATE_WEBHOOKS = Setting(
    "LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS",
    "",
    networks,
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
LOG_LEVEL = Setting("LEARNTRACE_LOG_LEVEL", "info", one_of("debug", "info", "warning", "error"), "What is logged.")
LOG_FORMAT = Setting(
    "LEARNTRACE_LOG_FORMAT",
    "auto",
    one_of("auto", "json", "console"),
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
