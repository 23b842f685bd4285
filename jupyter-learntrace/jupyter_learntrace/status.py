"""`jupyter learntrace status`: which events wait, which were sent, to which account, and what needs attention."""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path
from traitlets import TraitError
from traitlets.config import Application
from traitlets.config.loader import ConfigFileNotFound

from jupyter_learntrace import spool_report
from jupyter_learntrace.configuration import Learntrace, Settings, Unusable, settings_of, spool_path
from jupyter_learntrace.delivery import Delivery, Failure
from jupyter_learntrace.identity import Account, owner_of
from jupyter_learntrace.messages import Sentence, _, language_of_environment
from jupyter_learntrace.spool_report import Report, WaitingEvents
from jupyter_learntrace.storage_errors import reason_of

# The configuration files that may set c.Learntrace, in rising precedence: those of either server, and of both.
CONFIG_FILES = ("jupyter_config", "jupyter_notebook_config", "jupyter_server_config", "jupyter_learntrace_config")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Findings:
    """What the command found. `problem`: why nothing is collected; `answer`: the account, if Learntrace was asked."""

    settings: Settings | None
    problem: Unusable | None
    spool: Path
    report: Report
    unreadable: Sentence | None = None
    asked: bool = False
    answer: Account | None = None
    failure: str = ""


def main(argv: list[str] | None = None) -> int:
    """Run the command. Return its exit code: 0 where all is well, 1 where something needs attention."""
    language = language_of_environment()
    options = _options(language).parse_args(argv)
    findings = look(options.check)
    attention = [sentence.language(language) for sentence in needs_attention(findings)]
    if options.json:
        print(json.dumps({**document(findings), "attention": attention}, indent=2, ensure_ascii=False))
    else:
        for sentence in sentences(findings):
            print(sentence.language(language))
        for line in attention:
            print(f"! {line}")
    return int(bool(attention))


def _options(language: str) -> argparse.ArgumentParser:
    def say(sentence: Sentence) -> str:
        return sentence.language(language)

    parser = argparse.ArgumentParser(
        prog="jupyter learntrace", description=say(_("Learning telemetry from this computer's notebooks."))
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="status")
    about = say(_("Show what is waiting, what was sent and to whom; exit with 1 if something needs attention."))
    status = commands.add_parser("status", help=about, description=about)
    status.add_argument("--json", action="store_true", help=say(_("as JSON")))
    status.add_argument("--check", action="store_true", help=say(_("also check the account with Learntrace now")))
    return parser


def configured() -> Learntrace:
    """Read c.Learntrace as the Jupyter servers of this user do. Raises TraitError."""
    files = Application()
    for name in CONFIG_FILES:
        with suppress(ConfigFileNotFound):
            files.load_config_file(name, path=jupyter_config_path())
    return Learntrace(config=files.config)


def look(check: bool = False) -> Findings:
    """Gather the findings. Asks Learntrace only with `check`."""
    settings, problem = None, None
    given = Learntrace()
    try:
        given = configured()
        settings = settings_of(given)
    except Unusable as unusable:
        problem = unusable
    except TraitError:
        problem = Unusable(_("A value of c.Learntrace has the wrong type."))
    path = spool_path(given)
    owner = owner_of(settings.url, settings.credential) if settings else None
    report = Report()
    unreadable: Sentence | None = None
    try:
        report = spool_report.report(path, owner)
        if settings and report.actor:
            report = spool_report.report(path, owner_of(settings.url, settings.credential, report.actor))
    except (sqlite3.Error, OSError) as trouble:
        unreadable = reason_of(trouble)
    answer, failure = asyncio.run(_ask(settings)) if settings and check else (None, "")
    return Findings(settings, problem, path, report, unreadable, bool(settings) and check, answer, failure)


async def _ask(settings: Settings) -> tuple[Account | None, str]:
    delivery = Delivery(settings)
    try:
        return await delivery.account(), ""
    except Failure as failure:
        return None, str(failure)
    finally:
        delivery.close()


def needs_attention(findings: Findings) -> Iterator[Sentence]:
    """Yield a sentence for each condition that somebody should act on."""
    report = findings.report
    if findings.problem is not None:
        yield _("Nothing is collected. %(why)s", why=findings.problem.sentence)
    if findings.unreadable:
        yield _("The file of waiting events can't be read: %(why)s", why=findings.unreadable)
    if findings.failure:
        yield _("Learntrace doesn't answer as it should: %(why)s", why=Sentence(findings.failure))
    elif report.last_error and not findings.answer:
        yield _("The last attempt failed (%(at)s): %(why)s", at=report.last_error_at, why=Sentence(report.last_error))
    if report.others:
        yield _(
            "Events that wait for another account, and are not sent with this one's token: %(events)s",
            events=sum(other.events for other in report.others),
        )
    if report.rejected:
        yield _("Events that Learntrace did not accept, for the reasons above: %(events)s", events=len(report.rejected))
    for path in report.damaged:
        yield _("A damaged file of events was kept: %(path)s", path=path)


def sentences(findings: Findings) -> Iterator[Sentence]:
    """Yield the report as sentences."""
    report, settings = findings.report, findings.settings
    if settings is not None:
        actor = (findings.answer.actor if findings.answer else report.actor) or "?"
        academy = findings.answer.academy if findings.answer else report.academy
        yield _("Server: %(server)s", server=settings.url)
        yield _("Account: %(actor)s, academy: %(academy)s", actor=actor, academy=academy or "-")
        if not (findings.answer.collecting if findings.answer else report.collecting):
            yield _("You have turned sending off.")
    mine = report.mine
    if mine is None:
        yield _("No events are waiting.")
    else:
        yield _(
            "Waiting events: %(events)s (%(size)s KiB), the oldest since %(oldest)s",
            events=mine.events,
            size=-(-mine.size // 1024),
            oldest=mine.oldest_at,
        )
    for other in report.others:
        yield _(
            "Waiting for the account %(actor)s at %(server)s: %(events)s",
            events=other.events,
            actor=other.actor or "?",
            server=other.server,
        )
    yield _("Sent events: %(events)s, the last at %(at)s", events=report.sent, at=report.last_sent_at or "-")
    for event in report.rejected[:_MOST_SHOWN]:
        yield _("Not accepted: %(id)s (%(code)s): %(detail)s", id=event.id, code=event.code, detail=event.detail)
    yield _("Spool: %(path)s (%(size)s KiB)", path=findings.spool, size=-(-report.size // 1024))


def document(findings: Findings) -> dict[str, Any]:
    """Return the report as JSON, without any token."""
    report, settings = findings.report, findings.settings
    return {
        "configured": settings is not None,
        "server": settings.url if settings else None,
        "credential": settings.credential.kind if settings else None,
        "actor": findings.answer.actor if findings.answer else report.actor,
        "academy": findings.answer.academy if findings.answer else report.academy,
        "collecting": settings is not None and (findings.answer.collecting if findings.answer else report.collecting),
        "waiting": _waiting(report.mine),
        "waiting_for_others": [asdict(other) for other in report.others],
        "sent": report.sent,
        "last_sent_at": report.last_sent_at,
        "last_error": report.last_error,
        "last_error_at": report.last_error_at,
        "rejected": [asdict(event) for event in report.rejected],
        "spool": {
            "path": str(findings.spool),
            "bytes": report.size,
            "limit_bytes": settings.spool_limit if settings else None,
            "damaged": [str(path) for path in report.damaged],
        },
        "answers": (not findings.failure) if findings.asked else None,
    }


def _waiting(events: WaitingEvents | None) -> dict[str, Any]:
    if events is None:
        return {"events": 0, "bytes": 0, "oldest_at": None}
    return {"events": events.events, "bytes": events.size, "oldest_at": events.oldest_at}


if __name__ == "__main__":
    sys.exit(main())
