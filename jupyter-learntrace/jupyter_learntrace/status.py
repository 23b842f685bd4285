"""`jupyter learntrace status`: what waits, what was sent, to whom, and what needs attention."""

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

from . import spool_report
from .configuration import Learntrace, Settings, Unusable, settings_of, spool_path
from .delivery import Delivery, Failure
from .identity import Account, owner_of
from .messages import Sentence, _, language_of_environment
from .spool_report import Report

# Where c.Learntrace may stand, the strongest last: what is read by either server, and by both.
CONFIG_FILES = ("jupyter_config", "jupyter_notebook_config", "jupyter_server_config", "jupyter_learntrace_config")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Findings:
    """What was found. `problem`: why nothing is collected; `answer`: what Learntrace said now, if it was asked."""

    settings: Settings | None
    problem: Unusable | None
    spool: Path
    report: Report
    unreadable: str = ""
    asked: bool = False
    answer: Account | None = None
    failure: str = ""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0 where all is well, 1 where something needs attention."""
    language = language_of_environment()
    options = _options(language).parse_args(argv)
    found = look(options.check)
    attention = [sentence.language(language) for sentence in needs_attention(found)]
    if options.json:
        print(json.dumps({**document(found), "attention": attention}, indent=2, ensure_ascii=False))
    else:
        for sentence in told(found):
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
    about = say(_("Say what waits, what was sent and to whom; exit with 1 if something needs attention."))
    status = commands.add_parser("status", help=about, description=about)
    status.add_argument("--json", action="store_true", help=say(_("as JSON")))
    status.add_argument("--check", action="store_true", help=say(_("also ask Learntrace now who we are")))
    return parser


def configured() -> Learntrace:
    """c.Learntrace as the Jupyter servers of this user find it. Raises TraitError."""
    files = Application()
    for name in CONFIG_FILES:
        with suppress(ConfigFileNotFound):
            files.load_config_file(name, path=jupyter_config_path())
    return Learntrace(config=files.config)


def look(check: bool = False) -> Findings:
    """Find out; asks Learntrace only with `check`."""
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
    report, unreadable = Report(), ""
    try:
        report = spool_report.report(path, owner)
        if settings and report.actor:
            report = spool_report.report(path, owner_of(settings.url, settings.credential, report.actor))
    except (sqlite3.Error, OSError) as trouble:
        unreadable = str(trouble)
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


def needs_attention(found: Findings) -> Iterator[Sentence]:
    """What somebody should do something about."""
    report = found.report
    if found.problem is not None:
        yield _("Nothing is collected. %(why)s", why=found.problem.sentence)
    if found.unreadable:
        yield _("The file of waiting events can't be read: %(why)s", why=found.unreadable)
    if found.failure:
        yield _("Learntrace doesn't answer as it should: %(why)s", why=found.failure)
    elif report.last_error and not found.answer:
        yield _("The last attempt failed (%(at)s): %(why)s", at=report.last_error_at, why=report.last_error)
    if report.others:
        yield _(
            "Events that wait for another account, and are not sent with this one's token: %(events)s",
            events=sum(pile.events for pile in report.others),
        )
    if report.rejected:
        yield _("Events that Learntrace did not take, for the reasons above: %(events)s", events=len(report.rejected))
    for path in report.damaged:
        yield _("A damaged file of events was kept: %(path)s", path=path)


def told(found: Findings) -> Iterator[Sentence]:
    """The report in sentences."""
    report, settings = found.report, found.settings
    if settings is not None:
        actor = (found.answer.actor if found.answer else report.actor) or "?"
        academy = found.answer.academy if found.answer else report.academy
        yield _("Server: %(server)s", server=settings.url)
        yield _("Account: %(actor)s, academy: %(academy)s", actor=actor, academy=academy or "-")
        if not (found.answer.collecting if found.answer else report.collecting):
            yield _("You have turned telemetry off.")
    mine = report.mine
    if mine is None:
        yield _("No events wait.")
    else:
        yield _("Waiting events: %(events)s (%(size)s KiB), the oldest since %(oldest)s",
                events=mine.events, size=-(-mine.size // 1024), oldest=mine.oldest_at)  # fmt: skip
    for pile in report.others:
        yield _("Waiting for the account %(actor)s at %(server)s: %(events)s",
                events=pile.events, actor=pile.actor or "?", server=pile.server)  # fmt: skip
    yield _("Sent events: %(events)s, the last at %(at)s", events=report.sent, at=report.last_sent_at or "-")
    for one in report.rejected[:_MOST_SHOWN]:
        yield _("Not taken: %(id)s (%(code)s): %(detail)s", id=one.id, code=one.code, detail=one.detail)
    yield _("Spool: %(path)s (%(size)s KiB)", path=found.spool, size=-(-report.size // 1024))


def document(found: Findings) -> dict[str, Any]:
    """The report as JSON. No token is in it."""
    report, settings = found.report, found.settings
    return {
        "configured": settings is not None,
        "server": settings.url if settings else None,
        "credential": settings.credential.kind if settings else None,
        "actor": found.answer.actor if found.answer else report.actor,
        "academy": found.answer.academy if found.answer else report.academy,
        "collecting": settings is not None and (found.answer.collecting if found.answer else report.collecting),
        "waiting": _pile(report.mine),
        "waiting_for_others": [asdict(pile) for pile in report.others],
        "sent": report.sent,
        "last_sent_at": report.last_sent_at,
        "last_error": report.last_error,
        "last_error_at": report.last_error_at,
        "rejected": [asdict(one) for one in report.rejected],
        "spool": {
            "path": str(found.spool),
            "bytes": report.size,
            "limit_bytes": settings.spool_limit if settings else None,
            "damaged": [str(path) for path in report.damaged],
        },
        "answers": (not found.failure) if found.asked else None,
    }


def _pile(pile: spool_report.Pile | None) -> dict[str, Any]:
    if pile is None:
        return {"events": 0, "bytes": 0, "oldest_at": None}
    return {"events": pile.events, "bytes": pile.size, "oldest_at": pile.oldest_at}


if __name__ == "__main__":
    sys.exit(main())
