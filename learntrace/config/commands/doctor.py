"""`learntrace doctor`: check the installation, and say what to do about each fault."""

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from learntrace.accounts.jupyterhub.client import Hub, HubAway, HubUnclear
from learntrace.accounts.models import Academy
from learntrace.config.operations import health
from learntrace.config.upgrade import pending_migrations
from learntrace.core.encryption import fields

_LITTLE_SPACE = 1024**3


@dataclass(frozen=True)
class Finding:
    """The result of one check: ok, warn or fail, what was found, and what to do."""

    check: str
    result: str
    seen: str
    advice: str = ""


def main(argv: list[str]) -> int:
    """Print the findings; return exit code 1 if one fails."""
    parser = argparse.ArgumentParser(prog="learntrace doctor", description="Is this installation healthy?")
    parser.add_argument("--json", action="store_true", help="findings as JSON")
    chosen = parser.parse_args(argv)
    findings = list(examine())
    if chosen.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{finding.result:<5} {finding.check}: {finding.seen}")
            if finding.advice:
                print(f"      -> {finding.advice}")
    return 1 if any(finding.result == "fail" for finding in findings) else 0


def examine() -> Iterator[Finding]:
    """Run all checks."""
    looks = (_python, _home, _exposure, _catalogue, _database, _tables, _encryption, _work, _broker, _hub, _hub_academy)
    for look in looks:
        try:
            yield from look()
        except DatabaseError as error:
            yield Finding(look.__name__.strip("_"), "fail", str(error).strip().splitlines()[0])


def _python() -> Iterator[Finding]:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 14)
    yield Finding(
        "python",
        "ok" if supported else "warn",
        platform.python_version(),
        "" if supported else "Learntrace is tested on Python 3.11 to 3.14.",
    )


def _home() -> Iterator[Finding]:
    # The home folder is created by the first write.
    home = next(folder for folder in (settings.HOME, *settings.HOME.parents) if folder.exists())
    if not os.access(home, os.W_OK):
        yield Finding("home", "fail", f"{home} can't be written", "Set LEARNTRACE_HOME to a folder of yours.")
        return
    free = shutil.disk_usage(home).free
    low = free < _LITTLE_SPACE
    yield Finding(
        "home",
        "warn" if low else "ok",
        f"{home}, {free // 1024**2} MiB free",
        "Less than 1 GiB is left: free some, or shorten LEARNTRACE_RETENTION_DAYS." if low else "",
    )


def _exposure() -> Iterator[Finding]:
    if settings.DEBUG:
        advice = "Unset LEARNTRACE_DEBUG: its pages show settings and data to whoever can reach the server."
        yield Finding("debug", "warn", "Django's debug pages are on", advice)
    everything = "*" in settings.ALLOWED_HOSTS
    yield Finding(
        "hosts",
        "warn" if everything else "ok",
        "every host name is answered" if everything else f"answers to {', '.join(settings.ALLOWED_HOSTS)}",
        "Set LEARNTRACE_ALLOWED_HOSTS to the names under which people reach this server." if everything else "",
    )
    behind = settings.USE_X_FORWARDED_HOST
    anybody = any(network.prefixlen == 0 for network in settings.TRUSTED_PROXIES)
    if behind:
        yield Finding(
            "proxy",
            "warn" if anybody or not settings.TRUSTED_PROXIES else "ok",
            "trusted from " + (", ".join(map(str, settings.TRUSTED_PROXIES)) or "nowhere"),
            "Name the proxy's addresses in LEARNTRACE_TRUSTED_PROXIES: only they may say who a visitor is."
            if anybody or not settings.TRUSTED_PROXIES
            else "",
        )


def _encryption() -> Iterator[Finding]:
    if pending_migrations():
        return
    total, unreadable = fields.count()
    yield Finding(
        "encryption",
        "fail" if unreadable else "ok",
        f"{total} secrets, {unreadable} of them can't be read" if unreadable else f"all secrets can be read ({total})",
        "Put the missing key back into LEARNTRACE_ENCRYPTION_KEYS, after the new one, or have their owners enter them anew."
        if unreadable
        else "",
    )


def _catalogue() -> Iterator[Finding]:
    built = (settings.LOCALE_PATHS[0] / "es" / "LC_MESSAGES" / "django.mo").exists()
    yield Finding(
        "Spanish",
        "ok" if built else "fail",
        "compiled" if built else "messages not compiled",
        "" if built else "Run `make setup`, or install the package again.",
    )


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')"
        )
        version, fsync, synchronous = cursor.fetchone()
    yield Finding("database", "ok", f"PostgreSQL {version}")
    durable = fsync == "on" and synchronous not in {"off"}
    yield Finding(
        "durability",
        "ok" if durable else "fail",
        f"fsync {fsync}, synchronous_commit {synchronous}",
        "" if durable else "Turn both on: an `ok` must mean that the row survives a power cut.",
    )


def _tables() -> Iterator[Finding]:
    pending = pending_migrations()
    yield Finding(
        "tables",
        "fail" if pending else "ok",
        f"{len(pending)} updates missing" if pending else "up to date",
        "Run `learntrace migrate`." if pending else "",
    )


def _work() -> Iterator[Finding]:
    state = health.look()
    if not state.migrations:
        return
    seen = state.worker_seen_seconds
    last = f"seen {seen:.0f} s ago" if seen is not None else "never seen"
    yield Finding(
        "worker",
        "ok" if state.workers else "warn",
        f"{state.workers} at work, the last {last}" if state.workers > 1 else last,
        "" if state.workers else "Start `learntrace serve` or `learntrace worker`.",
    )
    age = state.oldest_pending_seconds or 0
    late = age > health.QUEUE_AGE_SECONDS
    yield Finding(
        "queue",
        "warn" if late else "ok",
        f"the oldest waits {age:.0f} s" if age else "nothing waits",
        "Start more workers, or look at their log." if late else "",
    )


def _broker() -> Iterator[Finding]:
    if not settings.BROKER_URL:
        yield Finding("broker", "ok", "none set: everything runs without one")
        return
    from kombu import Connection

    try:
        with Connection(settings.BROKER_URL, connect_timeout=3) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        yield Finding(
            "broker",
            "warn",
            f"away ({type(error).__name__})",
            "Rows are still processed, up to 3 s later. Check LEARNTRACE_BROKER_URL and the broker.",
        )
    else:
        yield Finding("broker", "ok", settings.BROKER_URL.partition(":")[0])


def _hub() -> Iterator[Finding]:
    if not settings.HUB_API_URL:
        yield Finding("JupyterHub", "ok", "none set: only tokens of this server are accepted")
        return
    asked = Hub(settings.HUB_API_URL)
    try:
        yield Finding("JupyterHub", "ok", f"{asked.version()} at {settings.HUB_API_URL}")
    except HubUnclear as problem:
        yield Finding(
            "JupyterHub",
            "fail",
            f"{settings.HUB_API_URL}/ answers HTTP {problem.values['status']}, not as a hub",
            "Set LEARNTRACE_HUB_API_URL to what its users' servers have as JUPYTERHUB_API_URL.",
        )
    except HubAway:
        yield Finding(
            "JupyterHub",
            "warn",
            f"{settings.HUB_API_URL} does not answer",
            "Its users' events wait with them meanwhile. Check LEARNTRACE_HUB_API_URL and the hub.",
        )
    finally:
        asked.close()


def _hub_academy() -> Iterator[Finding]:
    slug = settings.HUB_ACADEMY
    if not (slug or settings.HUB_API_URL):
        return
    advice = "Set LEARNTRACE_HUB_ACADEMY to the slug of an active academy; until then its users can't send."
    academy = Academy.objects.filter(slug=slug).first()
    if not slug:
        yield Finding("hub's academy", "fail", "not set", advice)
    elif academy is None:
        yield Finding("hub's academy", "fail", f"no academy has the slug {slug}", advice)
    elif academy.status != Academy.Status.ACTIVE:
        yield Finding("hub's academy", "fail", f"{slug} is {academy.status}", advice)
    elif not settings.HUB_API_URL:
        yield Finding("hub's academy", "warn", f"{slug}, but no hub is set", "Set LEARNTRACE_HUB_API_URL, or neither.")
    else:
        new = "unknown users are made its students" if settings.HUB_CREATE_USERS else "unknown users are refused"
        yield Finding("hub's academy", "ok", f"{slug}; {new}")
