"""Between browsers and Learntrace: takes what they post, keeps it, has it sent, and says how it stands."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from tornado.ioloop import IOLoop

from . import standing
from .capture import Captured, Unacceptable, captured
from .configuration import Settings
from .delivery import Delivery, Denied, Failure
from .identity import Owner
from .messages import Sentence, _
from .sender import Sender
from .spool import Spool, Totals
from .spool_file import SpoolUnusable
from .standing import Standing

MOST_POSTED_BYTES = 4 * 1024 * 1024
MOST_POSTED = 200


class Refusal(Exception):
    """A request that isn't granted: its HTTP status, and why."""

    def __init__(self, status: int, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.status = status
        self.sentence = sentence


class Collector:
    """The extension at work, with one set of settings."""

    def __init__(self, settings: Settings, log: logging.Logger) -> None:
        self._settings, self._log = settings, log
        self._spool = Spool(settings.spool, settings.spool_limit, log)
        # One thread: SQLite waits for the disk, which the server's loop must not, and one writer needs no lock.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="learntrace-spool")
        self._sender = Sender(settings, self._on_disk, Delivery(settings), log)
        self._trouble: Sentence | None = None

    async def start(self) -> None:
        await self._sender.start()

    async def stop(self) -> None:
        await self._sender.stop()
        with suppress(RuntimeError):
            await self._on_disk(Spool.close)
        self._disk.shutdown(wait=False)

    async def take(self, body: bytes, language: str) -> dict[str, Any]:
        """Keep the events of a request's body, durably when this returns; raises Refusal."""
        if not self._sender.collecting:
            return {"accepted": 0, "rejected": [], "state": await self._state(language)}
        try:
            accepted, rejected = await IOLoop.current().run_in_executor(
                self._disk, self._keep, body, self._sender.owner, self._sender.takes_source
            )
        except SpoolUnusable as problem:
            if self._trouble is None:
                self._log.error("Learntrace: %s Events wait in the browser.", problem)
            self._trouble = problem.sentence
            raise Refusal(503, problem.sentence) from None
        self._trouble = None
        self._sender.kick()
        told = [
            {"index": index, "id": identifier, "code": problem.code, "detail": problem.sentence.language(language)}
            for index, identifier, problem in rejected
        ]
        return {"accepted": accepted, "rejected": told, "state": await self._state(language)}

    async def state(self, language: str) -> dict[str, Any]:
        await self._sender.look()
        return await self._state(language)

    async def consent(self, collecting: bool, language: str) -> dict[str, Any]:
        """Tell Learntrace the learner's yes or no; raises Refusal."""
        try:
            await self._sender.consent(collecting)
        except Denied:
            raise Refusal(403, _("Your academy doesn't allow to turn telemetry off.")) from None
        except Failure as failure:
            raise Refusal(503, _("Learntrace can't be asked now (%(told)s). Please try again.", told=failure)) from None
        except SpoolUnusable as problem:
            raise Refusal(503, problem.sentence) from None
        return await self._state(language)

    async def _on_disk(self, work: Any, *arguments: Any) -> Any:
        return await IOLoop.current().run_in_executor(self._disk, work, self._spool, *arguments)

    def _keep(
        self, body: bytes, owner: Owner, with_source: bool
    ) -> tuple[int, list[tuple[int, str | None, Unacceptable]]]:
        """In the spool's thread: how many are kept, and of the others index, id and reason."""
        kept: list[Captured] = []
        rejected: list[tuple[int, str | None, Unacceptable]] = []
        for index, event in enumerate(events_of(body)):
            found = _captured(event, with_source)
            if isinstance(found, Captured):
                kept.append(found)
            else:
                named = event.get("id") if isinstance(event, dict) else None
                rejected.append((index, named if isinstance(named, str) else None, found))
        if kept:
            self._spool.add(owner, kept)
        return len(kept), rejected

    async def _state(self, language: str) -> dict[str, Any]:
        sender = self._sender
        waiting, totals = 0, Totals()
        # A spool that can't be read is told of by its trouble, not by failing here.
        with suppress(SpoolUnusable):
            waiting = await self._on_disk(Spool.waiting, sender.owner)
            totals = await self._on_disk(Spool.totals, sender.owner)
        how = standing.standing(sender.collecting, sender.reason, sender.told, self._trouble, waiting)
        return standing.document(
            how,
            language,
            self._settings.url,
            waiting,
            totals,
            sender.account,
            sender.collecting and sender.takes_source,
        )


class Idle:
    """In the collector's place where nothing is collected, and why."""

    def __init__(self, why: Standing) -> None:
        self._why = why

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    async def take(self, body: bytes, language: str) -> dict[str, Any]:
        return {"accepted": 0, "rejected": [], "state": await self.state(language)}

    async def state(self, language: str) -> dict[str, Any]:
        return standing.document(self._why, language)

    async def consent(self, collecting: bool, language: str) -> dict[str, Any]:
        raise Refusal(503, self._why.sentence)


def _captured(event: object, with_source: bool) -> Captured | Unacceptable:
    try:
        return captured(event, with_source=with_source)
    except Unacceptable as problem:
        return problem


def events_of(body: bytes) -> list[Any]:
    """The events of a request's body; raises Refusal."""
    if len(body) > MOST_POSTED_BYTES:
        raise Refusal(413, _("The request is larger than %(limit)s MiB.", limit=MOST_POSTED_BYTES // 1024 // 1024))
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, _("The request's body isn't JSON.")) from None
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_POSTED:
        raise Refusal(400, _("The request has to hold a list of 1 to %(limit)s events.", limit=MOST_POSTED))
    return events
